"""Gradient checking: is the recorded gradient right? If not, which gate is wrong, on which line,
and in what way?

check.py runs a check, on the finite differences of numeric.py: rules.py checks each gate by itself,
guess.py names the mistake in a Slip, blame.py looks for other causes, curve.py varies the step,
report.py prints.
truncation.py is a separate tool.
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
