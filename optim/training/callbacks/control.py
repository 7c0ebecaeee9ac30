"""Callbacks that control a run: learning rate, gradient clipping, evaluation, early stopping, and
an error if the loss is NaN.

Errors: OptionError if the column to monitor is missing (MG314), and for a number out of range
(MG305).
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from minigrad.debug.anomaly import first_non_finite, strange_node
from minigrad.errors import NonFiniteError, OptionError
from minigrad.help.other_frameworks import answering

from ...clipping import clip_gradients
from ...optimizer import check_range
from ...schedules import Schedule
from ..run import Batch, Run
from .base import Callback, Every


class LearningRate(Callback):
    """Multiply every learning rate by `schedule(step)` at each step. The history's column `lr`
    contains the last rate of each epoch.

    Since: 0.1.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def on_gradients(self, trainer: Run) -> None:
        trainer.optimizer.scale = self.schedule(trainer.step)

    def on_epoch_end(self, trainer: Run) -> None:
        # Do not use `scale`: if the run was resumed after the epoch's last step, on_gradients has
        # not set it yet.
        trainer.history.rows[-1]["lr"] = trainer.optimizer.lr * self.schedule(trainer.step - 1)

    def on_end(self, trainer: Run) -> None:
        trainer.optimizer.scale = 1.0  # later runs with this optimizer use the original rates


class ClipGradients(Callback):
    """Clip each step's gradients to a global norm. The history's column `largest_gradient_norm`
    contains the largest norm of each epoch, before clipping.

    Since: 0.1.
    """

    remembers = ("largest",)

    @answering
    def __init__(self, max_norm: float) -> None:
        self.max_norm = max_norm

    def on_start(self, trainer: Run) -> None:
        self.largest = 0.0

    def on_gradients(self, trainer: Run) -> None:
        norm = clip_gradients(trainer.optimizer.parameters(), self.max_norm)
        self.largest = max(self.largest, norm)

    def on_epoch_end(self, trainer: Run) -> None:
        trainer.history.rows[-1]["largest_gradient_norm"] = self.largest
        self.largest = 0.0


class Evaluate(Every):
    """Evaluate the model on additional batches, such as a test set, every `every_epochs` epochs or
    `every_steps` steps. The names of the history's columns begin with `name`.

    With `every_epochs`, the results are added to the epoch's row of the history. With
    `every_steps`, they form a new row with a fractional epoch.

    Errors: OptionError MG328 if other results of the run have the same name.

    Since: 0.1.
    """

    def __init__(
        self,
        batches: Iterable[Batch],
        name: str = "test",
        *,
        every_epochs: int | None = None,
        every_steps: int | None = None,
    ) -> None:
        self.batches, self.name = batches, name
        super().__init__(every_epochs, every_steps)

    def on_start(self, trainer: Run) -> None:
        names = [one.name for one in trainer.callbacks if isinstance(one, Evaluate)]
        names += ["train"] if trainer.validation is None else ["train", "validation"]
        if names.count(self.name) > 1:
            raise OptionError(
                "MG328",
                f"Evaluate cannot call its results {self.name!r}",
                cause=f"the history's column {self.name}_loss already contains other losses",
                remedy="choose another name, such as 'test'",
            )

    def act(self, trainer: Run) -> None:
        results = trainer.evaluate(self.batches).items()
        row = {f"{self.name}_{key}": value for key, value in results}
        if trainer.batch:
            epoch = trainer.epoch + trainer.batch / (trainer.batches or math.inf)
            trainer.history.rows.append({"epoch": round(epoch, 4), "step": trainer.step, **row})
        else:
            trainer.history.rows[-1].update(row)


class Monitor(Callback):
    """Base class of callbacks that track the best value of `monitor`, a column of the history."""

    remembers: ClassVar[tuple[str, ...]] = ("monitor", "value")

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor

    def on_start(self, trainer: Run) -> None:
        self.value = math.nan
        # raise the error now instead of after an epoch
        if self.monitor.startswith("validation_") and trainer.validation is None:
            self._check_column(["epoch", "step", "train_loss"])

    def improved(self, trainer: Run, min_delta: float = 0.0) -> bool:
        """Return whether the latest value is better than the best so far, `value`, by more than
        `min_delta`. Any number is better than NaN.
        """
        row = trainer.history.rows[-1]
        self._check_column(row)
        value = row[self.monitor]
        gain = self.value - value if self.monitor.endswith("loss") else value - self.value
        better = gain > min_delta or (math.isnan(self.value) and not math.isnan(value))
        if better:
            self.value = value
        return better

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if state["monitor"] == self.monitor:  # another column's best value means nothing here
            super().load_state_dict(state)

    def _check_column(self, columns: Iterable[str]) -> None:
        if self.monitor not in columns:
            raise OptionError(
                "MG314",
                f"cannot monitor {self.monitor!r}; the available values are {', '.join(columns)}",
                cause="fit got no validation batches, the name is misspelled, or the callback that "
                "measures this value (Evaluate) comes later in the list",
                remedy="pass validation batches, as in fit(train, epochs=..., "
                "validation=batches), or monitor an available value",
            )


class EarlyStopping(Monitor):
    """Stop the run if `monitor` has not improved by more than `min_delta` for more than `patience`
    epochs.

    `monitor` is a column of the history. If its name ends in "loss", lower values are better.
    Otherwise, higher values are better.

    Source: Prechelt, Early stopping, but when? (1998).

    Since: 0.1.
    """

    remembers = (*Monitor.remembers, "waited")

    @answering
    def __init__(
        self, monitor: str = "validation_loss", *, patience: int = 2, min_delta: float = 0.0
    ) -> None:
        super().__init__(monitor)
        check_range("patience", patience, 0)
        self.patience, self.min_delta = patience, min_delta

    def on_start(self, trainer: Run) -> None:
        super().on_start(trainer)
        self.waited = 0

    def on_epoch_end(self, trainer: Run) -> None:
        self.waited = 0 if self.improved(trainer, self.min_delta) else self.waited + 1
        if self.waited > self.patience:
            trainer.stop(
                f"{self.monitor} did not improve on {self.value:.4f} for {self.waited} epochs"
            )


class StopOnNonFinite(Callback):
    """Raise an error at the first loss that is NaN or infinite. The error names the first gate that
    produced such a value.

    Since: 0.1.
    """

    def on_forward(self, trainer: Run) -> None:
        loss = trainer.loss_tensor
        assert loss is not None
        if math.isfinite(loss.array.sum()):
            return
        node = first_non_finite(loss.node)
        raise NonFiniteError(
            "MG315",
            f"the loss is {loss.array} in epoch {trainer.epoch + 1}, batch {trainer.batch + 1}",
            where=strange_node(node),
            cause="the learning rate is too high, the gradients explode, or the data contains "
            "NaN or infinity",
            remedy="lower the learning rate, clip gradients with ClipGradients, or check the "
            "data for NaN and empty rows",
        )
