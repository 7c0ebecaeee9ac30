"""The Trainer's quiet form: watch a few steps, and warn in one line of what is certain."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from minigrad.context import ON_EVENT
from minigrad.errors import MinigradError
from minigrad.graph import Array

from . import data, evaluation, outputs, start
from .evidence import Evidence
from .report import ask
from .watch import Watch

STEPS = 8
"""Watching so few steps costs nothing that one could measure in an epoch."""
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
    outputs.softmax_over_rows,
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
        self.watch = Watch()
        self.steps = 0
        self.batch: tuple[Any, Any, Any] | None = None
        """The inputs, labels and outputs of the last batch."""

    def step(self) -> AbstractContextManager[Any]:
        """Return a block for the next step."""
        self.steps += 1
        return self.watch if self.on and self.steps <= STEPS else nullcontext()

    def warn(self) -> None:
        """Warn at the end of the first epoch, if something is certain."""
        if not self.on or self.batch is None:
            return
        inputs, labels, outputs = self.batch
        evidence = Evidence(self.watch)
        evidence.until = 0.0  # no trials
        for suspect in CERTAIN:
            for finding in ask(evidence, suspect):
                what = finding.what
                if suspect is data.labels_constant and _others(evidence.labels, labels):
                    what = (
                        f"all rows of the first {len(evidence.kept)} batches have the same label, but "
                        "those of the last batch do not: the rows are sorted by class and not shuffled"
                    )
                _warn(what)
                return
        # a linear model may start at zero, so its first outputs may be equal
        if self.steps > 2 * STEPS and _differ(inputs) and not _differ(outputs):
            _warn("all outputs are the same for every input")


def _others(labels: Array, later: Any) -> bool:
    """Return whether some later labels differ from the first label."""
    return bool(
        (np.asarray(getattr(later, "array", later)) != labels.reshape(-1)[0]).any()
    )


def _differ(rows: Any) -> bool:
    """Return whether the rows of a batch differ. Too few rows may be equal by chance."""
    array = np.asarray(getattr(rows, "array", rows))
    return array.ndim == 0 or len(array) < ENOUGH or bool((array != array[0]).any())


def _warn(what: str) -> None:
    error = MinigradError(
        "MG335",
        what,
        cause="the first epoch shows it, so the training will hardly succeed",
        remedy="run `minigrad diagnose` on the script, or train inside `with optim.diagnose():`",
    )
    warnings.warn(TrainingWarning(str(error)), stacklevel=6)  # the line that calls fit
