"""The random generator that all initialisers and dropout layers share.

A single seed makes a run reproducible: after `mg.seed(0)`, a model gets the same weights and the
same dropout each time.

>>> seed(7); first = generator().random()
>>> seed(7); first == generator().random()
True
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .help.other_frameworks import answer_attribute

# Created on first use, because importing numpy.random takes a fifth as long as importing numpy.
_generator: np.random.Generator | None = None


def seed(value: int | list[int]) -> None:
    """Restart the generator from `value`, an integer or a list of integers.

    The seed determines all random numbers that are drawn afterward.

    Errors: NumPy's TypeError or ValueError for anything but non-negative integers.

    Since: 0.1.
    """
    generator().bit_generator.state = np.random.default_rng(value).bit_generator.state


def generator() -> np.random.Generator:
    """Return the generator. To save its state, save `generator().bit_generator.state`.

    Since: 0.1.
    """
    global _generator
    if _generator is None:
        _generator = np.random.default_rng()
    return _generator


manual_seed = seed  # PyTorch's name


def __getattr__(name: str) -> Any:
    return answer_attribute(sys.modules[__name__], name)
