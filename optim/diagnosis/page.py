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
    """Return the step at which a finding begins: the last one for a run that stopped. Otherwise, it
    is the step at which the losses of the run and its trial begin to differ, which is often the
    first step.
    """
    if finding.code in LATE:
        return max(1, steps)
    length = min(len(finding.run), len(finding.trial))
    run = finding.run[:length]
    trial = finding.trial[:length]
    curves = np.array([run, trial], float)
    finite = curves[np.isfinite(curves)]
    distances = np.ptp(curves, axis=0)
    if not finite.size or distances[0]:
        return 1
    height = np.ptp(finite)
    close = distances <= APART * height
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
