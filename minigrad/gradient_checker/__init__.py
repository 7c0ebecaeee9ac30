"""Gradient checking: is the recorded gradient right, and if not, which gate, on which line, and what mistake is it?

numeric.py evaluates, rules.py checks each gate alone, guess.py names the mistake, blame.py looks outside the rules,
curve.py measures the V and the slope, report.py prints, check.py puts them together. truncation.py stands alone.
"""

from .check import gradcheck, gradcheck_model
from .report import GradientReport
from .truncation import TruncationReport, truncation_report

__all__ = ["GradientReport", "TruncationReport", "gradcheck", "gradcheck_model", "truncation_report"]
