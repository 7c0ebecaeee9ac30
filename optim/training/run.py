"""Run, the base class of the Trainer. It defines the attributes that callbacks may read and the
methods that they may call.

Callbacks use `Run` instead of the Trainer to avoid a circular import.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from copy import copy
from typing import Any

from minigrad import Tensor
from minigrad.data import Batches

from ..optimizer import Optimizer
from .history import FilePath, History
from .metrics import Means, Metric
from .parallel import Communicator, exchange

Batch = Sequence[Any]


Model = Any
"""A model for the Trainer, such as any `layers.Layer`. It is callable with inputs and has the
methods `named_parameters()`, which returns {path: Tensor}, and `train()` and `eval()`, which switch
dropout on and off.
"""


@contextmanager
def evaluating(model: Model, training: bool) -> Iterator[None]:
    """Use evaluation mode within this block, and then restore the mode of every part of the model.

    For a model that is not a Layer, the previous mode is its attribute `training`, or the argument
    `training` if it has no such attribute.
    """
    if (of_layer := getattr(model, "evaluating", None)) is not None:
        with of_layer():
            yield
        return
    training = getattr(model, "training", training)
    model.eval()
    try:
        yield
    finally:
        if training:
            model.train()


class Run:
    """The state of a run, and the methods that callbacks use to control it.

    Since: 0.1.
    """

    model: Model
    loss: Callable[[Tensor, Any], Tensor]
    optimizer: Optimizer
    metrics: dict[str, Metric]
    callbacks: Sequence[Any]
    config: dict[str, Any]
    # connects the processes that train the model, or None for a single process
    comm: Communicator
    # the number of this process, starting at 0; only rank 0 writes files and prints
    rank: int

    def begin(
        self, train: Iterable[Batch], epochs: int, validation: Iterable[Batch] | None
    ) -> None:
        """Set all attributes to their values before the first step."""
        # a copy, so that its position belongs to this run
        self.train: Any = copy(train) if isinstance(train, Batches) else train
        self.validation = validation
        self.epochs = epochs  # in total
        # per epoch, or None if unknown
        self.batches = len(train) if isinstance(train, Sized) else None
        self.epoch = self.step = 0  # completed epochs and steps
        self.batch = 0  # completed steps in this epoch
        self.examples = 0  # in the latest batch
        self.trained = False  # all steps of this epoch are complete, and validation is next
        self.means = Means()
        self.history = History()  # of this epoch, and of the run
        self.loss_tensor: Tensor | None = None  # set from on_forward to on_gradients
        self.stop_reason = ""  # why the run ends early
        # the optimizer's hyperparameters at the first start of the run
        self.started = self.optimizer.hyperparameters()
        # the snapshot that the run continues from, or None
        self.resuming: FilePath | None = None
        # the start time of this epoch or of the resumed run, and the seconds spent in this epoch
        # before it
        self.began = time.perf_counter()
        self.seconds = 0.0

    def everyone(self, mine: Any, place: str = "a callback") -> list[Any]:
        """Return the values `mine` of all processes, in rank order. All processes must call this
        method at the same point of the run.
        """
        return [mine] if self.comm is None else exchange(self.comm, place, mine)

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Return the mean loss and metrics over `batches`. The model runs in evaluation mode, and
        no graph is recorded.
        """
        raise NotImplementedError

    def stop(self, reason: str) -> None:
        """End the run after the current step or epoch."""
        self.stop_reason = reason

    def elapsed(self) -> float:
        """Return the seconds spent in this epoch, including the time before an interruption."""
        return self.seconds + time.perf_counter() - self.began
