"""Check whether a recorded gradient is right. If not, find the wrong gate and the mistake.

- check.py runs a check.
- numeric.py computes finite differences.
- rules.py checks each gate by itself.
- guess.py recognizes the mistake and describes it in a Slip.
- blame.py looks for causes outside the gates.
- curve.py varies the step size.
- report.py formats the result.
- truncation.py is a separate tool that measures the effect of truncation.
"""

from .check import gradcheck, gradcheck_model
from .report import GradientReport
from .slip import Slip
from .truncation import TruncationReport, truncation_report

__all__ = [
    "GradientReport",
    "Slip",
    "TruncationReport",
    "gradcheck",
    "gradcheck_model",
    "truncation_report",
]
