"""A training run as callbacks see it: what they may read, and what they may ask for. The Trainer is one.

Callbacks are written against `Run`, and the Trainer is built on callbacks: so neither needs the other's file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from minigrad import Tensor

from .history import History
from .metrics import Means
from .optimizer import Optimizer

Batch = Sequence[Any]


class Model(Protocol):
    """What the Trainer asks of a model. `layers.Layer` has it all."""

    def named_parameters(self) -> dict[str, Tensor]:
        """Every parameter by its path."""

    def train(self) -> Any:
        """Behave as in training: dropout drops."""

    def eval(self) -> Any:
        """Behave as in use: dropout does nothing."""

    def __call__(self, *inputs: Any) -> Tensor:
        """The output, for a batch of inputs."""


class Run:
    """The state of a run, and the few things that can be done to it."""

    model: Model
    loss: Callable[[Tensor, Any], Tensor]
    optimizer: Optimizer
    callbacks: Sequence[Any]
    config: dict[str, Any]
    train: Iterable[Batch]
    validation: Iterable[Batch] | None
    epochs: int  # to be made in all
    epoch: int  # epochs finished
    batches: int | None  # in an epoch, where that is known
    batch: int  # steps made in this epoch
    trained: bool  # whether these are all of them, and validation comes next
    step: int  # steps made in all
    examples: int  # in the newest batch
    step_began: float  # its time, by time.perf_counter
    means: Means  # of this epoch so far
    history: History
    loss_tensor: Tensor | None  # with its graph, from on_forward to on_gradients
    resuming: bool  # whether the run goes on from a snapshot
    stop_reason: str  # why the run ends early; "" while it does not

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The mean loss and metrics over `batches`, with the model in evaluation mode and nothing recorded."""
        raise NotImplementedError

    def stop(self, reason: str) -> None:
        """End the run after the present step or epoch."""
        raise NotImplementedError

    def elapsed(self) -> float:
        """Seconds spent in this epoch so far, those before a break included."""
        raise NotImplementedError

    def resume_at(self, info: Mapping[str, Any]) -> None:
        """Take over the position, means and history that a snapshot holds."""
        raise NotImplementedError
