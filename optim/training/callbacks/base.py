"""Callback, the base class of callbacks. The class has one method for each event in the Trainer's
loop.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from ...optimizer import check_range
from ..run import Run


class Callback:
    """Base class of callbacks. Override the methods that you need. The Trainer calls each method at
    a certain point in a run and passes itself as the argument.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, trainer):
    ...         print(f"epoch {trainer.epoch}!")

    To keep attributes when a run is interrupted and resumed, list their names in `remembers`. For
    other state, override `state_dict`, which returns arrays and JSON values, and `load_state_dict`.

    Since: 0.1.
    """

    remembers: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that a snapshot stores."""

    last: bool = False
    """True if this callback is called after all others. Set it to True for a callback that stores
    the state of other callbacks.
    """

    rank_0_only: bool = False
    """True if this callback is called only on rank 0 when several processes train one model. Set it
    to True for a callback that only prints or writes files.

    All other callbacks are called on all ranks and must make the same changes on each.
    """

    def on_start(self, trainer: Run) -> None:
        """Called before the first batch, and before a resumed run loads its saved state."""

    def on_forward(self, trainer: Run) -> None:
        """Called after the forward pass. `trainer.loss_tensor` is the loss, with its graph."""

    def on_gradients(self, trainer: Run) -> None:
        """Called after the backward pass, before the parameters are updated."""

    def on_step(self, trainer: Run) -> None:
        """Called after each update. `trainer.step` is the number of steps so far, and
        `trainer.batch` is the number of steps in this epoch.
        """

    def on_epoch_end(self, trainer: Run) -> None:
        """Called after each epoch. `trainer.epoch` is the number of finished epochs, and
        `trainer.history.rows[-1]` contains the results of this epoch.
        """

    def on_interrupt(self, trainer: Run) -> None:
        """Called between two steps when Ctrl-C ends the run."""

    def on_end(self, trainer: Run) -> None:
        """Called when the run ends, whether it finished, was stopped, was interrupted, or failed
        with an error.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a snapshot stores for a resumed run."""
        return {name: getattr(self, name) for name in self.remembers}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load the result of `state_dict`."""
        for name in self.remembers:
            setattr(self, name, state[name])


class Every(Callback):
    """Base class of callbacks that act every `every_epochs` epochs, every `every_steps` steps, or
    both. The default is every epoch.
    """

    def __init__(
        self,
        every_epochs: int | None,
        every_steps: int | None,
    ) -> None:
        if every_epochs is None and every_steps is None:
            every_epochs = 1
        for name, period in (("every_epochs", every_epochs), ("every_steps", every_steps)):
            if period is not None:
                check_range(name, period, 1)
        self.every_epochs = every_epochs
        self.every_steps = every_steps

    def act(self, trainer: Run) -> None:
        """Perform the action. `trainer.batch` is 0 after an epoch, and positive within an epoch."""

    def on_step(self, trainer: Run) -> None:
        if self.every_steps and trainer.step % self.every_steps == 0:
            self.act(trainer)

    def on_epoch_end(self, trainer: Run) -> None:
        if self.every_epochs and trainer.epoch % self.every_epochs == 0:
            self.act(trainer)
