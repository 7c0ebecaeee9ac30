"""Run: a training run as callbacks see it, with what they may read and what they may ask for. The
Trainer is one.

The Trainer imports the callbacks. They are written against `Run`, so that they need not import the
Trainer.
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
"""What the Trainer can train, such as any `layers.Layer`: it has `named_parameters()`, a dict of
Tensors by path, `train()` and `eval()`, which switch dropout on and off, and a call on inputs.
"""


@contextmanager
def evaluating(model: Model, training: bool) -> Iterator[None]:
    """Evaluation mode within this block, and then every part of the model in the mode it had
    before.

    A model that is not a Layer is asked for its `training`, and otherwise taken to be in the mode
    `training`.
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
    """The state of a run, and what callbacks can do to it."""

    model: Model
    loss: Callable[[Tensor, Any], Tensor]
    optimizer: Optimizer
    metrics: dict[str, Metric]
    callbacks: Sequence[Any]
    config: dict[str, Any]
    # what connects the processes that train the model, if there are several
    comm: Communicator
    # the number of this process among them; files are written and lines printed by rank 0
    rank: int

    def begin(
        self, train: Iterable[Batch], epochs: int, validation: Iterable[Batch] | None
    ) -> None:
        """Everything as before the first step."""
        # with a position that nobody else moves
        self.train: Any = copy(train) if isinstance(train, Batches) else train
        self.validation, self.epochs = validation, epochs  # to be run in total
        # in an epoch, if that is known
        self.batches = len(train) if isinstance(train, Sized) else None
        self.epoch = self.step = 0  # finished, made
        self.batch = 0  # the steps made in this epoch
        self.examples = 0  # in the newest batch
        self.trained = False  # whether this epoch's steps are all made, and validation comes next
        self.means, self.history = Means(), History()  # of this epoch so far, and of all
        self.loss_tensor: Tensor | None = None  # with its graph, from on_forward to on_gradients
        self.stop_reason = ""  # why the run ends early
        # the optimizer's hyperparameters at the start of the run, before any interruption
        self.started = self.optimizer.hyperparameters()
        # the snapshot that the run continues from, if it does
        self.resuming: FilePath | None = None
        # when this epoch began, or a resumed run, and the seconds of this epoch from before that
        self.began, self.seconds = time.perf_counter(), 0.0

    def everyone(self, mine: Any, place: str = "a callback") -> list[Any]:
        """What all processes call this with, by rank: every one of them must, at the same place of
        the run.
        """
        return [mine] if self.comm is None else exchange(self.comm, place, mine)

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The mean loss and metrics over `batches`, with the model in evaluation mode and nothing
        recorded.
        """
        raise NotImplementedError

    def stop(self, reason: str) -> None:
        """End the run after the current step or epoch."""
        self.stop_reason = reason

    def elapsed(self) -> float:
        """Seconds spent in this epoch so far, including those before an interruption."""
        return self.seconds + time.perf_counter() - self.began
