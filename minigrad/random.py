"""The one random generator that initialisers and dropout draw from. Knows nothing of who draws.

One seed decides a run: `mg.seed(0)` before the model is built gives the same weights and the same dropout each time.
"""

from __future__ import annotations

import numpy as np

# Made when first asked for: NumPy loads numpy.random on demand, and that is a fifth of what `import numpy` costs.
_generator: np.random.Generator | None = None


def seed(value: int) -> None:
    """Start the generator anew from `value`: all draws after it are determined.

    >>> seed(7); first = generator().random()
    >>> seed(7); first == generator().random()
    True
    """
    generator().bit_generator.state = np.random.default_rng(value).bit_generator.state


def generator() -> np.random.Generator:
    """The generator itself: for drawing, and for saving its state (`generator().bit_generator.state`)."""
    global _generator
    if _generator is None:
        _generator = np.random.default_rng()
    return _generator
