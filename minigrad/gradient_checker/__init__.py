"""Check whether a recorded gradient is right. If not, find the wrong gate and the mistake.

- check.py runs a check.
- numeric.py computes finite differences and recorded gradients.
- rules.py checks each gate by itself.
- guess/ recognizes the mistake.
- mistake.py: a Mistake is what a check found, with the node and the values that disagree.
- blame.py looks for causes outside the gates.
- curve.py varies the step size.
- report.py formats the result.
- engine/ compares another engine, such as a learner's, with minigrad.
- truncation.py is a separate tool that measures the effect of truncation.
"""

from .check import gradcheck, gradcheck_model
from .engine import EngineReport, check_engine
from .mistake import Mistake
from .report import GradientReport
from .truncation import TruncationReport, truncation_report

__all__ = [
    "EngineReport",
    "GradientReport",
    "Mistake",
    "TruncationReport",
    "check_engine",
    "gradcheck",
    "gradcheck_model",
    "truncation_report",
]
