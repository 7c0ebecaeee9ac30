"""The Callback: the places in the Trainer's loop where others can act. Knows the names of those places alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..run import Run


class Callback:
    """Something that acts at certain moments of a run. Override the moments that matter; each is given the Trainer.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, trainer):
    ...         print(f"epoch {trainer.epoch}!")

    What it must remember when a run is broken off and resumed, it gives in `state_dict` (arrays, and what JSON can
    hold) and takes back in `load_state_dict`.
    """

    last: ClassVar[bool] = False
    """Whether it acts after all others: for one that stores what the others have become."""

    def looks_inside(self, trainer: Run) -> bool:
        """Whether it wants the next step's graph gate by gate: recurrent layers are then unrolled, and not fused."""
        return False

    def on_start(self, trainer: Run) -> None:
        """Before the first batch, and before a resumed run takes over its saved state."""

    def on_forward(self, trainer: Run) -> None:
        """The loss of a batch is computed: `trainer.loss_tensor`, with its graph."""

    def on_gradients(self, trainer: Run) -> None:
        """Every parameter has its gradient, and none is changed yet."""

    def on_step(self, trainer: Run) -> None:
        """The parameters are changed: `trainer.step` steps are made, `trainer.batch` of them in this epoch."""

    def on_epoch_end(self, trainer: Run) -> None:
        """`trainer.epoch` epochs are finished, and the last of `trainer.history.rows` says how it went."""

    def on_interrupt(self, trainer: Run) -> None:
        """Ctrl-C was pressed, and the run ends between two steps."""

    def on_end(self, trainer: Run) -> None:
        """The run is over: done, stopped, interrupted, or failed with an error."""

    def state_dict(self) -> dict[str, Any]:
        """What to remember across a resume."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""
