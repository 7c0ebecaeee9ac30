"""Initialisers for weights. An initialiser is a function that takes a shape and returns a float32
array.

All random initialisers draw from minigrad's generator, so `mg.seed` makes them reproducible. The
fan-in of a matrix ("in" below) is its number of rows, and the fan-out ("out") is its number of
columns. For example, an LSTM's W_xh (D, 4H) has a fan-out of 4H, as in Keras. The fan-in of a
convolution's kernels (filters, channels, height, width) is channels · height · width, and the
fan-out is filters · height · width.

>>> [init((3, 2)).size for init in (zeros, ones, glorot_uniform, glorot_normal, he_uniform, he_normal)]
[6, 6, 6, 6, 6, 6]

Shapes: any shape, or (in, out) or (filters, channels, ...) for initialisers that use the fan-in.
Errors: ValueError if an initialiser that uses the fan-in gets a shape with fewer than two axes.
Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.4.
"""

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import generator
from minigrad.graph import Array
from minigrad.help.other_frameworks import answer_attribute

Shape = tuple[int, ...]
Initialiser = Callable[[Shape], Array]


def zeros(shape: Shape) -> Array:
    """W = 0 everywhere.

    Since: 0.1.
    """
    return np.zeros(shape, np.float32)


def ones(shape: Shape) -> Array:
    """W = 1 everywhere.

    Since: 0.1.
    """
    return np.ones(shape, np.float32)


def uniform(low: float, high: float) -> Initialiser:
    """Return an initialiser that draws uniformly from [low, high): W = low + (high - low) u, where
    u is in [0, 1).

    >>> uniform(-0.05, 0.05)((2, 3)).shape
    (2, 3)

    Since: 0.1.
    """
    start = float(low)
    width = float(high - low)

    def draw(shape: Shape) -> Array:
        u = generator().random(shape, np.float32)
        return start + width * u

    return draw


def normal(deviation: float) -> Initialiser:
    """Return an initialiser that draws from the normal distribution with mean 0: W = deviation · n,
    where n has standard deviation 1.

    >>> normal(0.1)((2, 3)).dtype
    dtype('float32')

    Since: 0.1.
    """

    def draw(shape: Shape) -> Array:
        n = generator().standard_normal(shape, np.float32)
        return deviation * n

    return draw


def _fans(shape: Shape) -> tuple[int, int]:
    """Return (fan-in, fan-out) of a matrix (in, out), or of kernels (filters, channels, ...).

    >>> _fans((4, 3)), _fans((16, 6, 5, 5))
    ((4, 3), (150, 400))
    """
    first, second, *size = shape
    if not size:
        return first, second
    area = math.prod(size)
    return second * area, first * area


def glorot_uniform(shape: Shape) -> Array:
    """Draw uniformly within ±√(6 / (in + out)), which gives the variance 2 / (in + out). Use it
    with tanh, where it keeps signals and gradients from vanishing.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks (2010), eq. 16.

    Since: 0.1.
    """
    inputs, outputs = _fans(shape)
    limit = math.sqrt(6 / (inputs + outputs))
    return uniform(-limit, limit)(shape)


def glorot_normal(shape: Shape) -> Array:
    """Draw from a normal distribution with variance 2 / (in + out). Source: Glorot and Bengio
    (2010), eq. 12.

    Since: 0.1.
    """
    inputs, outputs = _fans(shape)
    deviation = math.sqrt(2 / (inputs + outputs))
    return normal(deviation)(shape)


def he_uniform(shape: Shape) -> Array:
    """Draw uniformly within ±√(6 / in), which gives the variance 2 / in. Use it with ReLU, which
    sets about half of its inputs to 0.

    Source: He et al., Delving deep into rectifiers (2015), eq. 10.

    Since: 0.1.
    """
    inputs, _ = _fans(shape)
    limit = math.sqrt(6 / inputs)
    return uniform(-limit, limit)(shape)


def he_normal(shape: Shape) -> Array:
    """Draw from a normal distribution with variance 2 / in. Source: He et al. (2015).

    Since: 0.1.
    """
    inputs, _ = _fans(shape)
    deviation = math.sqrt(2 / inputs)
    return normal(deviation)(shape)


def orthogonal(shape: Shape) -> Array:
    """W Wᵀ = I, or Wᵀ W = I if there are fewer columns than rows. W is drawn uniformly from all
    such matrices. Kernels (filters, ...) are treated as a matrix with a row for each filter.

    A square orthogonal matrix preserves the length of every vector. A state can be multiplied by
    such a matrix forty times without vanishing or exploding.

    >>> W = orthogonal((3, 3))
    >>> bool(np.allclose(W @ W.T, np.eye(3), atol=1e-6))
    True

    Sources: Saxe et al., Exact solutions to the nonlinear dynamics of learning (2014); Mezzadri
    (2007) for the sign correction.

    Since: 0.1.
    """
    rows = shape[0]
    columns = math.prod(shape[1:])
    longer = max(rows, columns)
    shorter = min(rows, columns)
    q, r = np.linalg.qr(generator().standard_normal((longer, shorter)))
    q = q * np.sign(np.diag(r))  # otherwise some matrices would be more likely than others
    if rows < columns:
        q = q.T
    return np.ascontiguousarray(q, np.float32).reshape(shape)


def __getattr__(name: str) -> Any:
    return answer_attribute(sys.modules[__name__], name)
