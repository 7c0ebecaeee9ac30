"""Formulas of the operations in NumPy, for floats of any width and for complex numbers.

f(x + ih v) = f(x) + ih f'(x) v + O(h²), so the imaginary part holds the derivative along v, exact to
the last digits (Squire and Trapp, Using complex variables to estimate derivatives, 1998). Functions
with kinks choose by the real part, and note in `KINKS` how near they were to one.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

STEP = 1e-30
"""The h above."""

KINKS: list[float] = []
"""The smallest distance from a kink in each call."""


def above(a, b):
    """Where a > b. The kink is where they are equal."""
    with np.errstate(invalid="ignore"):
        distance = np.abs(a.real - b)
    KINKS.append(distance.min(initial=1.0))
    return a.real > b


def relu(x):
    return maximum(x, 0)


def leaky_relu(x, slope):
    large = above(x, 0)
    return np.where(large, x, slope * x)


def absolute(x):
    large = above(x, 0)
    size = np.where(large, x, -x)
    zero = x.real == 0
    return np.where(zero, 0, size)


def maximum(a, b):
    choice = above(a, np.real(b))
    return np.where(choice, a, b)


def minimum(a, b):
    choice = above(a, np.real(b))
    return np.where(choice, b, a)


def clip(x, low, high):
    return minimum(maximum(x, low), high)


def amax(x, axis=None, keepdims=False):
    """The maximum. Equal numbers share the gradient."""
    along: Any = {"axis": axis, "keepdims": True}
    top = x.real.max(**along)
    equal = x.real == top
    count = equal.sum(**along)
    below = top - x.real
    distance = np.where(equal, count == 1, below)
    above(distance, 0)
    part = np.where(equal, x, 0)
    shares = part / count
    return shares.sum(axis, keepdims=keepdims)


def amin(x, **along):
    return -amax(-x, **along)


def sigmoid(x):
    e = np.exp(x)
    small = e / (1 + e)
    inverse = 1 + np.exp(-x)
    large = 1 / inverse
    return np.where(x.real > 0, large, small)


def gelu(x):
    slope = np.sqrt(2 / np.pi)
    u = slope * (x + 0.044715 * x**3)
    small = u.real < -300  # where e^-2u overflows, and the share of x rounds to 0
    u = np.where(small, 0, u)
    e = np.exp(-2 * u)
    z = x / (1 + e)
    return np.where(small, 0, z)


def softplus(x):
    small = np.log1p(np.exp(x))
    part = np.log1p(np.exp(-x))
    return np.where(x.real > 0, x + part, small)


def var(x, axis=None, ddof=0, keepdims=False):
    mean = x.mean(axis=axis, keepdims=True)
    squares = (x - mean) ** 2
    total = squares.sum(axis=axis, keepdims=keepdims)
    count = x.size / mean.size
    return total / (count - ddof)


def std(x, **options):
    """The deviation. Its gradient is 0 where it is."""
    square = var(x, **options)
    root = np.sqrt(square.real)
    above(root / 10, 0)  # a root is too steep near 0
    large = root > 0
    square = np.where(large, square, 0)
    return np.sqrt(square)


def logsumexp(x, axis=-1, keepdims=False):
    """The logarithm of a sum of powers of e: infinite as soon as one number is."""
    along: Any = {"axis": axis, "keepdims": True}
    top = x.real.max(**along)
    infinite = np.isinf(top)
    base = np.where(infinite, 0, top)
    powers = np.exp(x - base)
    total = powers.sum(**along)
    z = base + np.log(total)
    z = np.where(infinite, top, z)
    if keepdims:
        return z
    return z.sum(axis=axis)


def log_softmax(x, axis=-1):
    along: Any = {"axis": axis, "keepdims": True}
    x = x - x.real.max(**along)
    powers = np.exp(x)
    total = powers.sum(**along)
    return x - np.log(total)


def softmax(x, axis=-1):
    return np.exp(log_softmax(x, axis))


def lookup(table, ids):
    return table[ids]


def cut(x):
    return x.real


# ---- losses ----


def reduced(losses, reduction, count):
    if reduction == "none":
        return losses
    total = losses.sum()
    if reduction == "sum":
        return total
    return total / count


def mean_squared_error(a, b, reduction="mean"):
    losses = (a - b) ** 2
    return reduced(losses, reduction, a.size)


def mean_absolute_error(a, b, reduction="mean"):
    losses = absolute(a - b)
    return reduced(losses, reduction, a.size)


def binary_cross_entropy(x, targets, reduction="mean"):
    as_0 = (1 - targets) * softplus(x)
    as_1 = targets * softplus(-x)
    as_0 = np.where(targets == 1, 0, as_0)
    as_1 = np.where(targets == 0, 0, as_1)
    losses = as_0 + as_1
    return reduced(losses, reduction, x.size)


def negative_log_likelihood(
    logp,
    labels,
    reduction="mean",
    weights=None,
):
    places = labels[..., None].astype(int)
    chosen = np.take_along_axis(logp, places, -1)
    chosen = chosen[..., 0]
    if weights is None:
        classes = logp.shape[-1]
        weights = np.ones(classes)
    own = np.asarray(weights)[labels]
    losses = -chosen * own
    total = own.sum()
    return reduced(losses, reduction, total)


def softmax_cross_entropy(
    x,
    labels,
    reduction="mean",
    weights=None,
):
    logp = log_softmax(x)
    return negative_log_likelihood(logp, labels, reduction, weights)


FORMULAS = SimpleNamespace(**vars(np))
"""NumPy with the formulas above, to be used instead of `mg` on plain arrays."""
FORMULAS.__dict__.update(globals())
FORMULAS.max = amax
FORMULAS.min = amin
