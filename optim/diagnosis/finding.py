"""A finding: the cause, how certain it is, where it is, and the change to make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.graph import Node

from .evidence import Evidence, final
from .trial import Objective, Trial
from .watch import Line

PROGRESS = 0.15
"""A trial proves a cause if its loss falls further than the run's by this share of the loss of
guessing, and ends at FACTOR of the run's loss or below. A share is far beyond the noise of a mean
over a tenth of the steps, and a factor keeps small improvements of good runs out."""
FACTOR = 0.75
LITTLE = 0.5
"""Runs that remove less than this share of the loss of guessing have learned little."""


@dataclass
class Finding:
    """Why a network does not learn, in words. `optim.diagnose` makes it.

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
    """What it does to the gradient."""
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
    """The name of the run's curve, if it shows something else than the loss."""
    changed: str = ""
    """The trial's change, as in "with a hundredth of the rate"."""


def improves(evidence: Evidence, trial: Sequence[float]) -> bool:
    """Return whether a trial's loss falls, and ends clearly below the control's."""
    control = evidence.control
    if min(len(trial), len(control)) < 2 or not np.isfinite(trial[-1]):
        return False
    if final(trial) >= trial[0]:
        return False
    if not np.isfinite(control[-1]):
        return evidence.progress(trial) > PROGRESS
    # one of them may have taken too long
    steps = min(len(control), len(trial))
    control, trial = control[:steps], trial[:steps]
    gain = evidence.progress(trial) - evidence.progress(control)
    return gain > PROGRESS and final(trial) < FACTOR * final(control)


def prove(evidence: Evidence, finding: Finding, trial: Trial, changed: str) -> bool:
    """Try the trial. If it proves the finding, add its curves, and return True."""
    losses = evidence.attempt(trial)
    if not evidence.repeatable or not improves(evidence, losses):
        return False
    finding.certainty = "proved"
    finding.run, finding.trial, finding.changed = evidence.control, losses, changed
    return True


def prove_with_loss(
    evidence: Evidence,
    finding: Finding,
    objective: Objective,
    measure: Callable[[dict[Node, Tensor], Node], float],
    curve: str,
    changed: str,
) -> bool:
    """Try to follow another loss. Both runs are compared by a measure, because their losses are not
    comparable.
    """
    control = evidence.attempt(Trial(measure=measure))
    losses = evidence.attempt(Trial(measure=measure, objective=objective))
    if not evidence.repeatable or len(losses) < 2 or len(control) < 2:
        return False
    steps = min(len(control), len(losses))
    control, losses = control[:steps], losses[:steps]
    if not final(losses) < min(FACTOR * final(control), final(losses[:1])):
        return False
    finding.certainty, finding.run, finding.trial = "proved", control, losses
    finding.curve, finding.changed = curve, changed
    return True


def number(value: Any) -> str:
    """Return a number as a reader would write it."""
    return f"{float(value):.3g}"
