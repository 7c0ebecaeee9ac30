"""The report of a diagnosis: at most three findings, as text with a plot of the proof, or as JSON."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np

from minigrad.support.text import printable

from . import bookkeeping, data, evaluation, outcome, outputs, rules, start, steps
from .evidence import Evidence, final
from .finding import Finding, Findings, number
from .stop import error_finding
from .watch import Watch

MOST = 3
WIDTH = 80
Suspect = Callable[[Evidence], Findings]

CAUSES: tuple[Suspect, ...] = (
    # causes before consequences: a fault of the data or the loss also shows in weights and steps
    *rules.SUSPECTS,
    *bookkeeping.SUSPECTS,
    *data.FIRST,
    *evaluation.FIRST,
    *outputs.SUSPECTS,
    *start.SUSPECTS,
)
TRIED: tuple[Suspect, ...] = (
    *data.TRIED,
    *evaluation.TRIED,
    *start.VANISHING,
    *steps.SUSPECTS,
    *start.LATER,
)
FALLBACK: tuple[Suspect, ...] = (*start.FALLBACK, *outcome.SUSPECTS)
"""These describe what is wrong without its cause, so they are asked only if nothing was found."""


@dataclass
class Diagnosis:
    """The findings about a training run, most basic cause first. A Diagnosis is true if it has a
    finding.

    >>> print(Diagnosis(passes=100))
    No fault was found in 100 backward passes.

    Since: 0.2.
    """

    findings: list[Finding] = field(default_factory=list)
    passes: int = 0
    outcome: str = ""
    """How the run ended, compared with guessing."""

    def __bool__(self) -> bool:
        return bool(self.findings)

    def __str__(self) -> str:
        return "\n".join(_text(self))

    def as_dict(self) -> dict[str, Any]:
        """Return the findings for JSON."""
        return {
            "passes": self.passes,
            "findings": [as_dict(one) for one in self.findings],
        }


def examine(watch: Watch) -> Diagnosis:
    """Ask all suspects about a finished run, and return at most three findings."""
    evidence = Evidence(watch)
    found: list[Finding] = []
    with np.errstate(all="ignore"):
        # several graphs without a step are not a training run: they are only inspected
        trains = bool(evidence.updates) or len(evidence.passes) == 1
        suspects = (
            *CAUSES,
            *start.FALLBACK,
            *TRIED,
            *evaluation.LAST,
            *outcome.SUSPECTS,
        )
        if not trains:
            suspects = bookkeeping.SUSPECTS
        for suspect in suspects:
            # a fault that is proved also explains steps that seem too long or too short
            explained = any(one.certainty == "proved" for one in found)
            answered = bool(found) or watch.error is not None
            if not (suspect in TRIED and explained or suspect in FALLBACK and answered):
                found += ask(evidence, suspect, found)
    stopped = error_finding(evidence)
    if stopped is not None:
        # only what is proved to prevent the stop, or bad data, comes before it
        explains = [one.certainty == "proved" or one.code == "data-not-finite" for one in found]
        before = list(compress(found, explains))
        found = [*before, stopped, *[one for one in found if one not in before]]
    return Diagnosis(found[:MOST], len(evidence.passes), outcome.sentence(evidence))


def ask(evidence: Evidence, suspect: Suspect, found: Sequence[Finding] = ()) -> list[Finding]:
    """Return the first finding of a suspect, unless its code has been found already."""
    if not evidence.kept and suspect not in (*bookkeeping.SUSPECTS, data.not_finite):
        return []
    if evidence.watch.start is None and suspect in TRIED:
        return []
    known = [one.code for one in found]
    try:
        first = next(suspect(evidence), None)
        return [first] if first and first.code not in known else []
    except (
        Exception
    ) as error:  # any program may be diagnosed, so the other suspects are still asked
        warnings.warn(
            f"{suspect.__name__} could not be examined ({type(error).__name__}: {error}); "
            "please report this fault of minigrad",
            RuntimeWarning,
            stacklevel=2,
        )
        return []


def _text(result: Diagnosis) -> Iterator[str]:
    if not result.findings:
        passes = f"{result.passes:,} backward pass" + "es" * (result.passes != 1)
        yield f"No fault was found in {passes}.{result.outcome}"
        return
    for place, finding in enumerate(result.findings):
        if place:
            yield ""
        what = f"{place + 1}. {finding.what}. ({finding.certainty})"
        yield from textwrap.wrap(what, WIDTH, subsequent_indent="   ")
        if finding.line:
            yield f"   where:  {finding.line}   {finding.line.text}".rstrip()
        if finding.layer:
            yield f"   layer:  {printable(finding.layer)}"
        yield from _labelled("why", finding.effect)
        yield from _labelled("change", finding.remedy)
        if finding.decide and finding.certainty == "likely":
            yield from _labelled("decide", finding.decide)
        if finding.trial:
            label = "proof" if finding.certainty == "proved" else "trial"
            change = f"the same steps again, {finding.changed}; nothing else differs"
            yield from _labelled(label, change)
            yield from plot(finding.run, finding.trial, finding.curve, finding.changed)
        yield f"   more:   docs/diagnosis.md#{finding.code}"


def _labelled(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"   {label + ':':<8}", subsequent_indent=" " * 11
    )


def plot(run: Sequence[float], trial: Sequence[float], first: str, second: str) -> Iterator[str]:
    """Draw two curves of losses with characters: x is the run, o the trial."""
    width, height = 56, 9
    curves = [_resampled(np.asarray(values, float), width) for values in (run, trial)]
    finite = np.concatenate([curve[np.isfinite(curve)] for curve in curves])
    low, high = float(finite.min()), float(np.quantile(finite, 0.98))
    rows = [[" "] * width for _ in range(height)]
    for curve, mark in zip(curves, "xo", strict=True):
        for column, value in enumerate(curve):
            if np.isfinite(value):
                share = (min(value, high) - low) / ((high - low) or 1)
                rows[height - 1 - round(share * (height - 1))][column] = mark
    labels = {0: number(high), height - 1: number(low)}
    for place, row in enumerate(rows):
        yield f"   {labels.get(place, ''):>9} ┤{''.join(row)}".rstrip()
    steps = f"{max(len(run), len(trial)):,} steps"
    yield f"   {'':>9} └{'─' * (width - len(steps) - 1)} {steps}"
    yield f"   {'':>9}  x {first}: {number(final(run))}   o {second}: {number(final(trial))}"


def _resampled(values: Any, width: int) -> Any:
    """Return the mean of each of `width` parts."""
    if len(values) <= width:
        return values[np.arange(width) * len(values) // width]
    return np.array([part.mean() for part in np.array_split(values, width)])


def as_dict(finding: Finding) -> dict[str, Any]:
    """Return a finding for JSON."""
    line = finding.line
    return {
        "code": finding.code,
        "certainty": finding.certainty,
        "what": finding.what,
        "effect": finding.effect,
        "remedy": finding.remedy,
        "file": line.file if line else None,
        "line": line.number if line else None,
        "layer": finding.layer,
        "decide": finding.decide,
        "run": _finite(finding.run),
        "trial": _finite(finding.trial),
        "changed": finding.changed,
    }


def _finite(losses: Sequence[float]) -> list[float | None]:
    """Return the losses, with None for those that JSON cannot store."""
    return [loss if np.isfinite(loss) else None for loss in losses]
