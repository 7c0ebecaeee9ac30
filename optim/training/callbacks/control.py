"""Callbacks that control a run: learning rate, clipping, evaluation, early stopping, an error at a
NaN loss.

Errors: OptionError for a number out of its range (MG305), or for a column to monitor that is not
there (MG314).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minigrad.debug.anomaly import first_non_finite, strange_node
from minigrad.errors import NonFiniteError, OptionError

from ...clipping import clip_gradients
from ...optimizer import check_count, check_range
from ...schedules import Schedule
from ..run import Run
from .base import Callback, Every


class LearningRate(Callback):
    """Multiply every learning rate by `schedule(step)` at each step; an epoch's last rate joins the
    history as `lr`.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def on_gradients(self, trainer: Run) -> None:
        trainer.optimizer.scale = self.schedule(trainer.step)

    def on_epoch_end(self, trainer: Run) -> None:
        # Not from `scale`: if the run was resumed after the epoch's last step, on_gradients has not
        # set it yet.
        trainer.history.rows[-1]["lr"] = trainer.optimizer.groups[0].lr * self.schedule(
            trainer.step - 1
        )

    def on_end(self, trainer: Run) -> None:
        trainer.optimizer.scale = 1.0  # a later run with this optimizer has its own rates again


class ClipGradients(Callback):
    """Clip each step's gradients to a global norm; the epoch's largest norm before clipping joins
    the history.
    """

    def __init__(self, max_norm: float) -> None:
        self.max_norm = check_range("max_norm", max_norm, 0.0)
        self.largest = 0.0

    def on_start(self, trainer: Run) -> None:
        self.largest = 0.0

    def on_gradients(self, trainer: Run) -> None:
        norm = clip_gradients(trainer.optimizer.parameters(), self.max_norm)
        self.largest = max(self.largest, norm)

    def on_epoch_end(self, trainer: Run) -> None:
        trainer.history.rows[-1]["largest_gradient_norm"] = self.largest
        self.largest = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"largest": self.largest}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.largest = state["largest"]


class Evaluate(Every):
    """Evaluate on more batches (a test set, say) every so many epochs or steps, under `name` in the
    history.

    With `every_epochs`, the results join the epoch's history row; with `every_steps`, they make a
    row of their own, at a fraction of an epoch.
    """

    def __init__(
        self,
        batches: Iterable[Sequence[Any]],
        name: str = "test",
        *,
        every_epochs: int | None = None,
        every_steps: int | None = None,
    ) -> None:
        if (every_epochs is None) == (every_steps is None):
            raise OptionError(
                "MG320",
                f"Evaluate got every_epochs={every_epochs} and every_steps={every_steps}",
                cause="it acts every so many epochs or every so many steps, and one of the two "
                "must say when",
                remedy="give one of them, such as every_epochs=1",
            )
        self.batches, self.name = batches, name
        super().__init__(every_epochs, every_steps)

    def on_start(self, trainer: Run) -> None:
        taken = [
            other.name
            for other in trainer.callbacks
            if isinstance(other, Evaluate) and other is not self
        ]
        taken.append("train")
        if trainer.validation is not None:
            taken.append("validation")
        if self.name in taken:
            raise OptionError(
                "MG328",
                f"Evaluate cannot call its results {self.name!r}",
                cause=f"the column {self.name}_loss of the history already holds other losses",
                remedy="choose another name, such as 'test'",
            )

    def after_steps(self, trainer: Run) -> None:
        done = trainer.batch / trainer.batches if trainer.batches else 0.0
        row = {"epoch": round(trainer.epoch + done, 4), "step": trainer.step}
        trainer.history.rows.append(row | self._measure(trainer))

    def after_epochs(self, trainer: Run) -> None:
        trainer.history.rows[-1].update(self._measure(trainer))

    def _measure(self, trainer: Run) -> dict[str, float]:
        return {
            f"{self.name}_{key}": value for key, value in trainer.evaluate(self.batches).items()
        }


class Monitor(Callback):
    """Base class of those that watch for the best value of a column of the history, `monitor`."""

    def __init__(self, monitor: str) -> None:
        self.monitor, self.value = monitor, math.nan

    def on_start(self, trainer: Run) -> None:
        self.value = math.nan
        # an error now, not after an epoch
        if self.monitor.startswith("validation_") and trainer.validation is None:
            raise OptionError(
                "MG314",
                f"there is no {self.monitor!r} to monitor: fit was given no validation batches",
                cause="the best epoch is chosen on examples that the model was not trained on",
                remedy="fit(train, epochs=..., validation=batches), or monitor='train_loss'",
            )

    def improved(self, trainer: Run, min_delta: float = 0.0) -> bool:
        """Whether the newest value beats the best so far, `value`, by more than `min_delta`; any
        number beats NaN.
        """
        row = trainer.history.rows[-1]
        if self.monitor not in row:
            raise OptionError(
                "MG314",
                f"there is no {self.monitor!r} to monitor; there are {', '.join(row)}",
                cause="the name is misspelt, or what measures it does not run, or runs later in "
                "the list of callbacks",
                remedy="monitor one of those, or put the callback that measures it (Evaluate) "
                "first",
            )
        value = row[self.monitor]
        gain = self.value - value if self.monitor.endswith("loss") else value - self.value
        better = gain > min_delta or (math.isnan(self.value) and not math.isnan(value))
        if better:
            self.value = value
        return better

    def check_monitor(self, state: Mapping[str, Any]) -> None:
        """Raise ValueError if a `state_dict` belongs to another column: its best value is not
        comparable.
        """
        # commit e233385 did not store it
        if (other := state.get("monitor", self.monitor)) != self.monitor:
            raise ValueError(f"it watched {other!r}, not {self.monitor!r}")


class EarlyStopping(Monitor):
    """Stop after more than `patience` epochs in which `monitor` has not improved by more than
    `min_delta`.

    `monitor` is a column of the history. Lower is better if its name ends in "loss", otherwise
    higher.
    Source: Prechelt, Early stopping, but when? (1998).
    """

    def __init__(
        self, monitor: str = "validation_loss", *, patience: int = 2, min_delta: float = 0.0
    ) -> None:
        super().__init__(monitor)
        self.patience = check_count("patience", patience, 0)
        self.min_delta = check_range("min_delta", min_delta, 0.0)
        self.waited = 0

    def on_start(self, trainer: Run) -> None:
        super().on_start(trainer)
        self.waited = 0

    def on_epoch_end(self, trainer: Run) -> None:
        self.waited = 0 if self.improved(trainer, self.min_delta) else self.waited + 1
        if self.waited > self.patience:
            trainer.stop(
                f"{self.monitor} was not better than {self.value:.4f} for {self.waited} epochs"
            )

    def state_dict(self) -> dict[str, Any]:
        return {"monitor": self.monitor, "best": self.value, "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.check_monitor(state)
        self.value, self.waited = state["best"], state["waited"]


class StopOnNonFinite(Callback):
    """End the run with an error at the first loss that is NaN or infinite, and name the gate where
    it began.
    """

    def on_forward(self, trainer: Run) -> None:
        loss = trainer.loss_tensor
        assert loss is not None
        if math.isfinite(loss.array.sum()):
            return
        node = first_non_finite(loss.node)
        cause = "the input data hold NaN or infinity"
        if node.gate is not None:
            cause = (
                f"{node.gate.name} is the first gate whose output is not finite; its inputs were"
            )
        elif node.requires_grad:
            lr = trainer.optimizer.lr * trainer.optimizer.scale
            cause = f"the parameter itself is not finite: the step before made it so (learning rate {lr:g})"
        raise NonFiniteError(
            "MG315",
            f"the loss is {loss.array} in epoch {trainer.epoch + 1}, batch {trainer.batch + 1}",
            where=strange_node(node),
            cause=cause,
            remedy="lower the learning rate, clip gradients (ClipGradients), check the data for "
            "NaN and empty rows",
        )
