"""Initialisers: functions from a shape to a float32 array. Know nothing of the layer that asks.

All draw from the one generator, so that `mg.seed` decides every weight. For a matrix (rows in, columns out) the fans
are its sizes: a recurrent layer's W_xh (D, 4H) counts 4H columns, as Keras does.
"""

from __future__ import annotations

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
    """All 0."""
    return np.zeros(shape, np.float32)


def ones(shape: Shape) -> NDArray[Any]:
    """All 1."""
    return np.ones(shape, np.float32)


def uniform(low: float, high: float) -> Initialiser:
    """An initialiser that draws from [low, high) evenly.

    >>> uniform(-0.05, 0.05)((2, 3)).shape
    (2, 3)
    """

    def draw(shape: Shape) -> NDArray[Any]:
        return (low + (high - low) * generator().random(shape, np.float32)).astype(np.float32, copy=False)

    return draw


def normal(deviation: float) -> Initialiser:
    """An initialiser that draws from the normal distribution of mean 0 and that standard deviation.

    >>> normal(0.1)((2, 3)).dtype
    dtype('float32')
    """

    def draw(shape: Shape) -> NDArray[Any]:
        return (deviation * generator().standard_normal(shape, np.float32)).astype(np.float32, copy=False)

    return draw


def glorot_uniform(shape: Shape) -> NDArray[Any]:
    """Uniform within ±√(6 / (in + out)): variance 2 / (in + out), which keeps tanh layers from fading both ways.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010), eq. 16.
    """
    limit = math.sqrt(6 / sum(_fans(shape)))
    return uniform(-limit, limit)(shape)


def glorot_normal(shape: Shape) -> NDArray[Any]:
    """Normal with variance 2 / (in + out). Source: as `glorot_uniform`, eq. 12."""
    return normal(math.sqrt(2 / sum(_fans(shape))))(shape)


def he_uniform(shape: Shape) -> NDArray[Any]:
    """Uniform within ±√(6 / in): variance 2 / in, for ReLU, which drops half of what comes in.

    Source: He et al., Delving deep into rectifiers (2015), eq. 10.
    """
    limit = math.sqrt(6 / _fans(shape)[0])
    return uniform(-limit, limit)(shape)


def he_normal(shape: Shape) -> NDArray[Any]:
    """Normal with variance 2 / in. Source: as `he_uniform`."""
    return normal(math.sqrt(2 / _fans(shape)[0]))(shape)


def orthogonal(shape: Shape) -> NDArray[Any]:
    """A matrix whose rows (or columns, whichever are fewer) are orthonormal, drawn evenly from all of those.

    A square one keeps the length of every vector: a state multiplied by it forty times neither fades nor explodes.

    >>> W = orthogonal((3, 3))
    >>> bool(np.allclose(W @ W.T, np.eye(3), atol=1e-6))
    True

    Source: Saxe et al., Exact solutions to the nonlinear dynamics of learning (2014); Mezzadri (2007) for the signs.
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
            cause="it goes by the number of inputs (rows) and outputs (columns)",
            remedy="use zeros, ones, uniform or normal for other shapes",
        )
    return shape[0], shape[1]
