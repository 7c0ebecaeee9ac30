"""The workloads, one module each: LETTER, NAME, TITLE, TEXT, CASES, TOLERANCE, `build` and `difference`."""

from . import unrolled

WORKLOADS = [unrolled]
