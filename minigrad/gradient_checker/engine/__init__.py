"""Compare somebody else's engine, such as micrograd's Value, with minigrad.

- check.py runs a check, and decides which operation is at fault.
- target.py: an Engine finds out what a class can do, and runs programs on it.
- operations.py is the table of the operations that a check tries.
- programs.py: a Program is an expression that the engine and minigrad run. It can be made smaller.
- limit.py stops a program that takes too long.
- explain.py names the probable mistake.
- report.py formats the result.
"""

from .check import check_engine
from .report import EngineReport

__all__ = ["EngineReport", "check_engine"]
