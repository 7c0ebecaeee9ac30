"""Run: a training run as callbacks see it, with what they may read and what they may ask for. The
Trainer is one.

The Trainer imports the callbacks. They are written against `Run`, so that they need not import the
Trainer.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from minigrad import Tensor

from ..optimizer import Optimizer
from .history import History
from .metrics import Means, Metric
from .parallel import Communicator, exchange

Batch = Sequence[Any]


class Model(Protocol):
    """The methods that a model needs for the Trainer. `layers.Layer` has them all."""

    def named_parameters(self) -> dict[str, Tensor]:
        """Every parameter by its path."""

    def train(self) -> Any:
        """Switch to training mode, with dropout on."""

    def eval(self) -> Any:
        """Switch to evaluation mode, with dropout off."""

    def __call__(self, *inputs: Any) -> Tensor:
        """The output, for a batch of inputs."""


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
    train: Iterable[Batch]
    validation: Iterable[Batch] | None
    epochs: int  # to be run in total
    epoch: int  # epochs finished
    batches: int | None  # in an epoch, if that is known
    batch: int  # steps made in this epoch
    trained: bool  # whether this epoch's steps are all made, and validation comes next
    step: int  # steps made in total
    examples: int  # in the newest batch
    began: float  # when this epoch did, or a resumed run, by time.perf_counter
    seconds: float  # of this epoch, from before the run was resumed
    means: Means  # of this epoch so far
    history: History
    loss_tensor: Tensor | None  # with its graph, from on_forward to on_gradients
    # the optimizer's hyperparameters at the start of the run, before any interruption
    started: dict[str, Any]
    resuming: str | os.PathLike[str] | None  # the snapshot that the run continues from, if it does
    stop_reason: str  # why the run ends early; "" while it does not
    # what connects the processes that train the model, if there are several
    comm: Communicator | None
    # the number of this process among them; files are written and lines printed by rank 0
    rank: int

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
