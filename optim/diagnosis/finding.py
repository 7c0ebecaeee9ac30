"""A finding: the cause, how certain it is, where it is, and the change to make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .evidence import Evidence, final
from .trial import Measure, Objective, Trial
from .watch import Line

PROGRESS = 0.15
"""A trial proves a cause if its loss falls further than the run's by this share of the loss of
guessing, and ends at or below FACTOR times the run's loss. The share is far above the noise of a
mean over a tenth of the steps, and the factor excludes small improvements of good runs.
"""
FACTOR = 0.75
EXPLODED = 10
"""A loss that grows to this many times its first value has exploded."""


@dataclass
class Finding:
    """A reason why a network does not learn, in words. `optim.diagnose` returns findings.

    >>> finding = Finding("no-step", "no parameter has changed", "nothing uses the gradients", "call step()")
    >>> finding.certainty
    'certain'

    Since: 0.2.
    """

    code: str
    """The section of docs/diagnosis.md."""
    what: str
    """The cause, with the number that shows it."""
    effect: str
    """The effect on the gradient."""
    remedy: str
    line: Line | None = None
    layer: str = ""
    certainty: str = "certain"
    """"certain" (from the graph or the bookkeeping), "proved" (by a trial), or "likely"."""
    decide: str = ""
    """The experiment that would decide, if the finding is only likely."""
    run: Sequence[float] = ()
    trial: Sequence[float] = ()
    """The losses of the run and of the trial without the fault."""
    curve: str = "your run"
    """The name of the run's curve, if it shows something other than the loss."""
    changed: str = ""
    """The trial's change, as in "with a hundredth of the rate"."""

    def add_proof(self, run: Sequence[float], trial: Sequence[float], changed: str) -> None:
        """Add the curves of a run and a trial that prove the cause."""
        self.certainty = "proved"
        self.run = run
        self.trial = trial
        self.changed = changed


Findings = Iterator[Finding]
"""The findings of a suspect. Only the first one counts."""


def improves(evidence: Evidence, trial: Sequence[float]) -> bool:
    """Return whether a trial's loss falls, and ends clearly below the control's. If the run stopped, the
    trial must not stop, and if it exploded, this is enough.
    """
    # one of them may have taken too long
    steps = min(len(trial), len(evidence.control))
    if steps < 2:
        return False
    run = evidence.control[:steps]
    if not evidence.watch.failed:
        trial = trial[:steps]
    elif len(trial) == steps or not np.isfinite(trial[-1]):
        return False
    elif max(run) > EXPLODED * run[0]:
        return max(trial) < EXPLODED * trial[0]
    if not final(trial) < trial[0]:
        return False
    gain = evidence.progress(trial) - evidence.progress(run)
    return gain > PROGRESS and final(trial) < FACTOR * final(run)


def prove(evidence: Evidence, finding: Finding, trial: Trial, changed: str) -> bool:
    """Try the trial. If it proves the finding, add its curves, and return True."""
    losses = evidence.attempt(trial)
    if not evidence.repeatable or not improves(evidence, losses):
        evidence.excluded.append(changed)
        return False
    finding.add_proof(evidence.control, losses, changed)
    return True


def proved(evidence: Evidence, finding: Finding, trial: Trial, changed: str) -> Findings:
    """Yield the finding if the trial proves it."""
    if prove(evidence, finding, trial, changed):
        yield finding


def prove_with_loss(
    evidence: Evidence,
    finding: Finding,
    objective: Objective,
    measure: Measure,
    changed: str,
) -> bool:
    """Try a trial that minimizes another loss. Both runs are compared by a measure, because their
    losses are not comparable.
    """
    run = evidence.attempt(Trial(measure=measure))
    losses = evidence.attempt(Trial(measure=measure, objective=objective))
    steps = min(len(run), len(losses))
    if not evidence.repeatable or steps < 2:
        return False
    run, losses = run[:steps], losses[:steps]
    if not final(losses) < min(FACTOR * final(run), losses[0]):
        evidence.excluded.append(changed)
        return False
    finding.add_proof(run, losses, changed)
    return True


def value_of(objective: Objective) -> Measure:
    """Return a measure that computes the objective's value."""
    return lambda made, root: float(objective(made, root).array)


def number(value: Any) -> str:
    """Return a number as a reader would write it."""
    return f"{float(value):.3g}"
