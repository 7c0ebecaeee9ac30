"""Callback, the base class of all callbacks: the moments of the Trainer's loop at which they can act."""

from collections.abc import Mapping
from typing import Any, ClassVar

from ..run import Run


class Callback:
    """Base class: acts at certain moments of a run. Override the methods that you need; each is given the Trainer.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, trainer):
    ...         print(f"epoch {trainer.epoch}!")

    What it must remember when a run is interrupted and resumed, it returns from `state_dict` (arrays, and what JSON can
    hold) and gets back in `load_state_dict`.
    """

    last: ClassVar[bool] = False
    """Whether it acts after all others: for one that stores their state."""

    rank_0_only: ClassVar[bool] = False
    """Whether it acts on rank 0 alone, where several processes train one model: for one that only prints or writes.

    All others act on all ranks, which must stay equal.
    """

    def looks_inside(self, trainer: Run) -> bool:
        """Whether it needs the next step's graph gate by gate: recurrent layers are then unrolled instead of fused."""
        return False

    def on_start(self, trainer: Run) -> None:
        """Before the first batch, and before a resumed run loads its saved state."""

    def on_forward(self, trainer: Run) -> None:
        """The loss of a batch is computed: `trainer.loss_tensor`, with its graph."""

    def on_gradients(self, trainer: Run) -> None:
        """The parameters have their gradients, and are not updated yet."""

    def on_step(self, trainer: Run) -> None:
        """The parameters are updated: `trainer.step` steps are made, `trainer.batch` of them in this epoch."""

    def on_epoch_end(self, trainer: Run) -> None:
        """`trainer.epoch` epochs are finished, and `trainer.history.rows[-1]` holds the results of this one."""

    def on_interrupt(self, trainer: Run) -> None:
        """Ctrl-C was pressed, and the run ends between two steps."""

    def on_end(self, trainer: Run) -> None:
        """The run is over: done, stopped, interrupted, or failed with an error."""

    def state_dict(self) -> dict[str, Any]:
        """What to remember if the run is interrupted and resumed."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` returned."""
