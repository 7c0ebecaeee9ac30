"""The operations as formulas in plain NumPy, for floats of any width and for complex numbers.

f(x + ih v) = f(x) + ih f'(x) v + O(h²), so the imaginary part holds the derivative along v, exact to
the last digits (Squire and Trapp, Using complex variables to estimate derivatives, 1998). Functions
with kinks choose by the real part, and note in `KINKS` how near they were to one.
"""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace

import numpy as np

STEP = 1e-30
"""The h above."""

KINKS: deque[float] = deque(maxlen=20)
"""The smallest distance from a kink in each of the last calls."""


def kink(distance):
    KINKS.append(float(np.abs(distance).min(initial=1.0)))


def clip(x, low, high):
    kink(x.real - low)
    kink(x.real - high)
    return np.select([x.real < low, x.real > high], [low, high], x)


def leaky_relu(x, slope):
    kink(x.real)
    return np.where(x.real > 0, x, slope * x)


def relu(x):
    kink(x.real)
    return np.where(x.real > 0, x, 0)


def absolute(x):
    kink(x.real)
    return np.select([x.real > 0, x.real < 0], [x, -x], 0)


def maximum(a, b):
    kink(a.real - b.real)
    return np.where(a.real > b.real, a, b)


def minimum(a, b):
    return -maximum(-a, -b)


def amax(x, axis=None, keepdims=False):
    largest = x.real == x.real.max(axis=axis, keepdims=True)
    kink(np.where(largest, 1, x.real.max(axis=axis, keepdims=True) - x.real))
    kink(largest.sum(axis=axis) == 1)
    return np.sum(x * largest, axis=axis, keepdims=keepdims)


def amin(x, axis=None, keepdims=False):
    return -amax(-x, axis, keepdims)


def sigmoid(x):
    return np.where(x.real > 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


def gelu(x):
    # e^-2u overflows where the share of x rounds to 0
    u = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    return np.where(
        u.real < -300, 0, x / (1 + np.exp(-2 * np.where(u.real < -300, 0, u)))
    )


def softplus(x):
    return np.where(x.real > 0, x + np.log1p(np.exp(-x)), np.log1p(np.exp(x)))


def var(x, axis=None, ddof=0, keepdims=False):
    mean = x.mean(axis=axis, keepdims=True)
    total = ((x - mean) ** 2).sum(axis=axis, keepdims=keepdims)
    return total / (x.size / mean.size - ddof)


def std(x, axis=None, ddof=0, keepdims=False):
    root = np.sqrt(var(x, axis, ddof, keepdims))
    kink(0.1 * root.real)  # a root is too steep near 0
    return root


def logsumexp(x, axis=-1, keepdims=False):
    """Infinite as soon as one number is."""
    largest = x.real.max(axis=axis, keepdims=True)
    base = np.where(np.isfinite(largest), largest, 0)
    z = base + np.log(np.exp(x - base).sum(axis=axis, keepdims=True))
    z = np.where(np.isinf(largest), largest, z)
    return z if keepdims else z.sum(axis=axis)


def log_softmax(x, axis=-1):
    x = x - x.real.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def softmax(x, axis=-1):
    return np.exp(log_softmax(x, axis))


def lookup(table, ids):
    return table[ids]


def cut(x):
    return x.real


def relaid(x, forwards, backwards):
    return x


# ---- losses ----


def reduced(losses, reduction, count):
    if reduction == "none":
        return losses
    return losses.sum() / (count if reduction == "mean" else 1)


def mean_squared_error(a, b, reduction):
    return reduced((a - b) ** 2, reduction, a.size)


def mean_absolute_error(a, b, reduction):
    return reduced(absolute(a - b), reduction, a.size)


def binary_cross_entropy(x, targets, reduction):
    losses = np.where(targets == 1, 0, (1 - targets) * softplus(x))
    losses = losses + np.where(targets == 0, 0, targets * softplus(-x))
    return reduced(losses, reduction, x.size)


def negative_log_likelihood(logp, labels, reduction, weights=None):
    chosen = np.take_along_axis(logp, labels[..., None].astype(int), -1)[..., 0]
    weights = np.ones(logp.shape[-1]) if weights is None else np.array(weights)
    return reduced(-chosen * weights[labels], reduction, weights[labels].sum())


def softmax_cross_entropy(x, labels, reduction, weights=None):
    return negative_log_likelihood(log_softmax(x), labels, reduction, weights)


FORMULAS = SimpleNamespace(**{**vars(np), **globals(), "max": amax, "min": amin})
"""NumPy, with the formulas above in it: what a program's `mg` and `np` are for plain arrays."""
