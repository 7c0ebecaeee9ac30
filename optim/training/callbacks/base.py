"""Callback, the base class of all callbacks: the moments of the Trainer's loop at which they can
act.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from ...optimizer import check_range
from ..run import Run


class Callback:
    """Base class: acts at certain moments of a run. Override the methods that you need; each is
    given the Trainer.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, trainer):
    ...         print(f"epoch {trainer.epoch}!")

    What it must remember when a run is interrupted and resumed, it returns from `state_dict`
    (arrays, and what JSON can hold) and gets back in `load_state_dict`. For attributes of its own
    it need only name them in `remembers`.
    """

    remembers: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that a snapshot stores."""

    last: ClassVar[bool] = False
    """Whether it acts after all others: for one that stores their state."""

    rank_0_only: ClassVar[bool] = False
    """Whether it acts on rank 0 alone, where several processes train one model: for one that only
    prints or writes.

    All others act on all ranks, which must stay equal.
    """

    def on_start(self, trainer: Run) -> None:
        """Before the first batch, and before a resumed run loads its saved state."""

    def on_forward(self, trainer: Run) -> None:
        """The loss of a batch is computed: `trainer.loss_tensor`, with its graph."""

    def on_gradients(self, trainer: Run) -> None:
        """The parameters have their gradients, and are not updated yet."""

    def on_step(self, trainer: Run) -> None:
        """The parameters are updated: `trainer.step` steps are made, `trainer.batch` of them in
        this epoch.
        """

    def on_epoch_end(self, trainer: Run) -> None:
        """`trainer.epoch` epochs are finished, and `trainer.history.rows[-1]` holds the results of
        this one.
        """

    def on_interrupt(self, trainer: Run) -> None:
        """Ctrl-C was pressed, and the run ends between two steps."""

    def on_end(self, trainer: Run) -> None:
        """The run is over: done, stopped, interrupted, or failed with an error."""

    def state_dict(self) -> dict[str, Any]:
        """What to remember if the run is interrupted and resumed."""
        return {name: getattr(self, name) for name in self.remembers}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` returned."""
        for name in self.remembers:
            setattr(self, name, state[name])


class Every(Callback):
    """Base class of those that act every so many epochs, every so many steps, or both. By default
    they act after each epoch.
    """

    def __init__(self, every_epochs: int | None, every_steps: int | None) -> None:
        if every_epochs is None and every_steps is None:
            every_epochs = 1
        for name, period in (("every_epochs", every_epochs), ("every_steps", every_steps)):
            if period is not None:
                check_range(name, period, 1)
        self.every_epochs, self.every_steps = every_epochs, every_steps

    def act(self, trainer: Run) -> None:
        """Do it: within an epoch `trainer.batch` is not 0, after it, 0."""

    def on_step(self, trainer: Run) -> None:
        if self.every_steps and trainer.step % self.every_steps == 0:
            self.act(trainer)

    def on_epoch_end(self, trainer: Run) -> None:
        if self.every_epochs and trainer.epoch % self.every_epochs == 0:
            self.act(trainer)
