"""Initialisers for weights: functions from a shape to a float32 array.

All draw from minigrad's generator, so that `mg.seed` decides every weight. The fan-in of a matrix
("in" below) is its number of rows, the fan-out ("out") its number of columns: 4H for an LSTM's W_xh
(D, 4H), as in Keras.

>>> [init((3, 2)).size for init in (zeros, ones, glorot_uniform, glorot_normal, he_uniform, he_normal)]
[6, 6, 6, 6, 6, 6]

Shapes: any; with a fan-in, (in, out). Errors: ShapeError where a fan-in is needed, for what is no
matrix (MG213). Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.4.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad import generator
from minigrad.errors import ShapeError

Shape = tuple[int, ...]
Initialiser = Callable[[Shape], NDArray[Any]]


def zeros(shape: Shape) -> NDArray[Any]:
    """W = 0 everywhere."""
    return np.zeros(shape, np.float32)


def ones(shape: Shape) -> NDArray[Any]:
    """W = 1 everywhere."""
    return np.ones(shape, np.float32)


def uniform(low: float, high: float) -> Initialiser:
    """An initialiser that draws uniformly from [low, high): W = low + (high - low) u, for u in [0,
    1).

    >>> uniform(-0.05, 0.05)((2, 3)).shape
    (2, 3)
    """
    return lambda shape: (low + (high - low) * generator().random(shape, np.float32)).astype(
        np.float32, copy=False
    )


def normal(deviation: float) -> Initialiser:
    """An initialiser that draws from the normal distribution with mean 0: W = deviation · n, for n
    of deviation 1.

    >>> normal(0.1)((2, 3)).dtype
    dtype('float32')
    """
    return lambda shape: (deviation * generator().standard_normal(shape, np.float32)).astype(
        np.float32, copy=False
    )


def glorot_uniform(shape: Shape) -> NDArray[Any]:
    """Uniform within ±√(6 / (in + out)), for tanh: with variance 2 / (in + out), neither signals
    nor gradients fade.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks (2010), eq. 16.
    """
    limit = math.sqrt(6 / sum(_fans(shape)))
    return uniform(-limit, limit)(shape)


def glorot_normal(shape: Shape) -> NDArray[Any]:
    """Normal with variance 2 / (in + out). Source: as `glorot_uniform` (2010), eq. 12."""
    return normal(math.sqrt(2 / sum(_fans(shape))))(shape)


def he_uniform(shape: Shape) -> NDArray[Any]:
    """Uniform within ±√(6 / in): variance 2 / in, for ReLU, which sets half of its inputs to 0.

    Source: He et al., Delving deep into rectifiers (2015), eq. 10.
    """
    limit = math.sqrt(6 / _fans(shape)[0])
    return uniform(-limit, limit)(shape)


def he_normal(shape: Shape) -> NDArray[Any]:
    """Normal with variance 2 / in. Source: as `he_uniform` (2015)."""
    return normal(math.sqrt(2 / _fans(shape)[0]))(shape)


def orthogonal(shape: Shape) -> NDArray[Any]:
    """W Wᵀ = I, or Wᵀ W = I if the columns are fewer: orthonormal rows or columns, drawn uniformly
    from all such W.

    A square one preserves the length of every vector: a state multiplied by it forty times neither
    fades nor explodes.

    >>> W = orthogonal((3, 3))
    >>> bool(np.allclose(W @ W.T, np.eye(3), atol=1e-6))
    True

    Source: Saxe et al., Exact solutions to the nonlinear dynamics of learning (2014); Mezzadri
    (2007) for the signs.
    """
    rows, columns = _fans(shape)
    q, r = np.linalg.qr(generator().standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))  # without this some rotations would be likelier than others
    return np.ascontiguousarray(q.T if rows < columns else q, np.float32)


def _fans(shape: Shape) -> tuple[int, int]:
    if len(shape) != 2:
        raise ShapeError(
            "MG213",
            f"this initialiser is for matrices, and the shape is {shape}",
            cause="it needs the number of inputs (rows) and of outputs (columns)",
            remedy="use zeros, ones, uniform or normal for other shapes",
        )
    return shape[0], shape[1]
