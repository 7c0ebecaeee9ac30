"""The page of a run with the findings, each at the step where it begins."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..recording.page import page as page_of_run
from ..recording.recorder import Recorder
from .finding import Finding
from .report import Diagnosis, as_dict

APART = 0.05
LATE = ("stopped", "not-finite")


def page(result: Diagnosis, recorder: Recorder, script: str) -> str:
    """Return the page's HTML."""
    steps = 0
    if recorder.runs:
        steps = len(recorder.runs[0].losses)
    findings = [_finding(one, steps) for one in result.findings]
    title = f"Why does {script} not learn?"
    verdict = "" if result else str(result)
    return page_of_run(recorder, title, findings, verdict)


def begins(finding: Finding, steps: int) -> int:
    """Return the step at which a finding begins: the last one for a run that stopped, and otherwise
    the first step, unless the run and its trial begin with equal losses and part later.
    """
    if finding.code in LATE:
        return max(1, steps)
    pairs = list(zip(finding.run, finding.trial, strict=False))
    curves = np.array(pairs, float)
    finite = curves[np.isfinite(curves)]
    if not finite.size or np.ptp(curves[0]):
        return 1
    distances = np.ptp(curves, axis=1)
    close = distances <= APART * np.ptp(finite)
    return int(close.argmin()) + 1


def _finding(finding: Finding, steps: int) -> dict[str, Any]:
    what, line = finding.what, finding.line
    return {
        **as_dict(finding),
        "what": what[:1].upper() + what[1:],
        "step": begins(finding, steps),
        "curve": finding.curve,
        "where": str(line or ""),
        "text": line.text if line else "",
    }
