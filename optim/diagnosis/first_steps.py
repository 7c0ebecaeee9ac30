"""The Trainer's short form of a diagnosis: watch a few steps, and print a one-line warning if a
fault is certain.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from minigrad.context import ON_EVENT
from minigrad.errors import MinigradError, NonFiniteError
from minigrad.graph import Array

from . import data, evaluation, outputs, start
from .evidence import Evidence, as_array
from .report import ask
from .watch import Watch, users_line

STEPS = 8
"""The number of steps to watch. It is so small that the cost cannot be measured in an epoch."""
ENOUGH = 8
CERTAIN = (
    data.not_finite,
    data.labels_constant,
    data.inputs_constant,
    data.rows_sorted,
    evaluation.mask_inverted,
    evaluation.batchnorm_few_rows,
    outputs.softmax_of_one,
    outputs.squashed_logits,
    outputs.output_range,
    start.equal_weights,
    start.dead_units,
)


class TrainingWarning(UserWarning):
    """Warning (MG335): something in the training is certainly wrong.

    Since: 0.2.
    """


class FirstSteps:
    """Watches the first STEPS steps of a run, unless the run is already watched."""

    def __init__(self, on: bool) -> None:
        self.on = on and ON_EVENT.get() is None
        self.watch = Watch(repeatable=False)  # no trials
        self.steps = 0
        self.batch: tuple[Any, Any, Any] | None = None
        """The inputs, labels and outputs of the last batch."""

    @contextmanager
    def step(self) -> Iterator[None]:
        """Watch one of the first steps within a block. If the loss of any step is not finite, warn of
        a certain fault before the error is raised.
        """
        self.steps += 1
        watched = self.on and self.steps <= STEPS
        try:
            with self.watch if watched else nullcontext():
                yield
        except NonFiniteError:
            if self.on:
                self._warn()
            raise

    def warn(self) -> None:
        """Warn at the end of the first epoch, if something is certain."""
        if self.on and self.batch is not None:
            self._warn()

    def _warn(self) -> None:
        what = self._certain()
        if not what:
            return
        error = MinigradError(
            "MG335",
            what,
            cause="the first steps show it, so the training will hardly succeed",
            remedy="run `minigrad diagnose` on the script, or train inside `with optim.diagnose():`",
        )
        line = users_line()
        warnings.warn_explicit(TrainingWarning(str(error)), None, line.file, line.number)

    def _certain(self) -> str:
        """Return the first certain finding, or ""."""
        evidence = Evidence(self.watch)
        inputs, labels, outputs = self.batch or (None, None, None)
        for suspect in CERTAIN:
            for finding in ask(evidence, suspect):
                if suspect is data.labels_constant and _others(evidence.labels, labels):
                    return (
                        f"all rows of the first {len(evidence.kept)} batches have the same label, but "
                        "those of the last batch do not: the rows are sorted by class and not shuffled"
                    )
                return finding.what
        # a linear model may start at zero, so its first outputs may be equal
        if self.steps > 2 * STEPS and _differ(inputs) and not _differ(outputs):
            return "all outputs are the same for every input"
        return ""


def _others(labels: Array, later: Any) -> bool:
    """Return whether some later labels differ from the first label."""
    if later is None:
        return False
    return bool((as_array(later) != labels.flat[0]).any())


def _differ(rows: Any) -> bool:
    """Return whether the rows of a batch differ. Too few rows may be equal by chance."""
    array = as_array(rows)
    return array.ndim == 0 or len(array) < ENOUGH or bool((array != array[0]).any())
