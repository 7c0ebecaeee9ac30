"""The workloads, one module each: LETTER, NAME, TITLE, TEXT, CASES, TOLERANCE, `build` and `difference`."""

from . import adam, growth, inference, language, start, trainer, training, unrolled

WORKLOADS = [unrolled, training, inference, growth, start, adam, trainer, language]
