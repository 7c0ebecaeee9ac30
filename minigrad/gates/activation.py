"""Activation functions: elementwise, such as relu, or along an axis, such as softmax.

Tanh is in basic.py.

Source: Goodfellow, Bengio and Courville, Deep Learning (2016), sections 6.2.2 and 6.3.
"""

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..errors import ShapeError
from ..gate import Shape
from ..help.other_frameworks import call_renamed
from ..support.arrays import blocks_of_elements
from ..tensor import Tensor, TensorLike
from .basic import _Function, _OneOperand, apply, copied, floats, shifted
from .samples import samples_on

# Sigmoid limits x only if an element is at least this large. σ(40) rounds to 1 in float64.
NO_OVERFLOW_BELOW = 40
SLOPE, CUBIC = math.sqrt(2 / math.pi), 0.044715  # the constants of GELU


class Sigmoid(_Function):
    """z = 1 / (1 + e^-x), between 0 and 1. dx = dz · z · (1 - z), at most dz / 4.

    z is accurate to a few units in the last digit, even when it is tiny, so log(sigmoid(x)) is
    finite unless z rounds to 0. Where z rounds to 1, dx is 0.

    >>> sigmoid(Tensor([0.0, -1000.0])).array
    array([0.5, 0. ], dtype=float32)

    Since: 0.1.
    """

    symbol = "σ"

    def function(self, x):
        if not x.max(initial=0) < NO_OVERFLOW_BELOW:
            x = np.minimum(x, 40)  # e^40 does not overflow
        z = np.exp(x)
        z /= z + 1
        return z

    def backward(self, dz, z, x):
        dx = 1 - z
        dx *= z
        dx *= dz
        return (dx,)


class ReLU(_OneOperand):
    """z = max(x, 0). dx = dz where x > 0, else 0. At the kink x = 0, dx is 0.

    >>> relu(Tensor([-1.0, 2.0])).array
    array([0., 2.], dtype=float32)

    Since: 0.1.
    """

    symbol = "relu"

    def forward(self, x):
        return np.maximum(x, 0)

    def backward(self, dz, z, x):
        return (dz * (x > 0),)


class LeakyReLU(_OneOperand):
    """z = x where x > 0, else negative_slope · x. dx = dz where x > 0, else negative_slope · dz.

    >>> leaky_relu(Tensor([-2.0, 3.0]), 0.1).array
    array([-0.2,  3. ], dtype=float32)

    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models
    (2013).

    Since: 0.2.
    """

    symbol = "leaky relu"

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = copied(negative_slope)

    def forward(self, x):
        return np.where(x > 0, x, self.negative_slope * x)

    def backward(self, dz, z, x):
        return (np.where(x > 0, dz, self.negative_slope * dz),)


class Softplus(_Function):
    """z = ln(1 + e^x), a smooth relu. dx = dz · σ(x).

    z is computed as max(x, 0) + ln(1 + e^-|x|), which never overflows.

    >>> softplus(Tensor([0.0])).array.round(4), softplus(Tensor([1000.0])).array
    (array([0.6931], dtype=float32), array([1000.], dtype=float32))

    Source: Dugas et al., Incorporating second-order functional knowledge for better option pricing
    (2000).

    Since: 0.2.
    """

    symbol = "softplus"

    def function(self, x):
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def backward(self, dz, z, x):
        return (dz * apply(sigmoid, x),)


class GELU(_Function):
    """z = ½ x (1 + t), with t = tanh u and u = √(2/π) (x + 0.044715 x³): x times about Φ(x).

    Φ(x) is the probability that a standard normal number is at most x. minigrad always uses this
    approximation, which GPT-2 introduced. PyTorch calls it approximate="tanh". dx = dz · ½ (1 + t +
    x (1 - t²) du/dx), with du/dx = √(2/π) (1 + 3 · 0.044715 x²).

    >>> gelu(Tensor([-1.0, 0.0, 1.0])).array.round(4)
    array([-0.1588,  0.    ,  0.8412], dtype=float32)

    Source: Hendrycks and Gimpel, Gaussian error linear units (2016).

    Since: 0.2.
    """

    symbol = "gelu"
    operations = 8

    def function(self, x):
        z = np.empty_like(x)
        for part, result in blocks_of_elements(x, z):
            t, _ = self._tanh(part)
            t += 1
            t *= part
            np.multiply(t, 0.5, out=result)
        return z

    def backward(self, dz, z, x):
        # t is computed again, because saving it would take as much memory as x
        if isinstance(dz, Tensor):
            return (self._slope(x) * dz,)
        x = floats(x)
        dx = np.empty_like(dz)
        for part, upstream, result in blocks_of_elements(x, dz, dx):
            np.multiply(self._slope(part), upstream, out=result)
        return (dx,)

    def _slope(self, x):
        """Return ½ (1 + t + x (1 - t²) du/dx), of an array or a Tensor."""
        t, square = self._tanh(x)
        square *= -3 * SLOPE * CUBIC
        square -= SLOPE
        slope = t * t
        slope -= 1
        slope *= x
        slope *= square
        slope += t
        slope += 1
        slope *= 0.5
        return slope

    def _tanh(self, x):
        """Return t and x², of an array or a Tensor."""
        square = x * x
        u = square * (SLOPE * CUBIC)
        u += SLOPE
        u *= x
        return np.tanh(u), square


class _AlongAxis(_Function):
    """Shapes: z has x's shape. Errors: ShapeError if x does not have the axis (MG107)."""

    operations = 5  # one maximum, difference, exponential, sum and quotient per element

    def __init__(self, axis: int = -1) -> None:
        self.axis = copied(axis)

    def forward(self, x):
        if not x.shape:  # raises an error, although NumPy accepts axis=-1 for a single number
            self.shape(x.shape)
        return super().forward(x)

    def shape(self, *shapes: Shape) -> Shape:
        axes_of(self.name, self.axis, shapes[0])
        return shapes[0]

    sample_inputs = samples_on("3x4", "2x3x2", settings=[-1, 0, 1])


class Softmax(_AlongAxis):
    """z_i = e^(x_i) / Σ_j e^(x_j) along `axis`. dx = z ⊙ (dz - Σ_j dz_j z_j).

    The elements of z are positive and sum to 1 along `axis`. Forward first subtracts the maximum of
    x, which prevents overflow in e^x and does not change z. Where x is -inf, the element is masked:
    z and dx are 0. If all elements are -inf, or one is +inf, z is NaN, as in PyTorch.

    >>> softmax(Tensor([[0.0, 0.0], [1000.0, 0.0]])).array
    array([[0.5, 0.5],
           [1. , 0. ]], dtype=float32)

    Since: 0.1.
    """

    symbol = "softmax"

    def function(self, x):
        e = np.exp(shifted(x, self.axis))
        return e / e.sum(axis=self.axis, keepdims=True)

    def backward(self, dz, z, x):
        return (z * (dz - (dz * z).sum(axis=self.axis, keepdims=True)),)


class LogSoftmax(_AlongAxis):
    """z = x - ln Σ_j e^(x_j) along `axis`, the logarithm of softmax. dx = dz - e^z Σ_j dz_j.

    z is finite even where softmax rounds to 0. Where x is -inf, z is -inf. If all elements are
    -inf, or one is +inf, z is NaN, as in PyTorch.

    >>> log_softmax(Tensor([1000.0, 0.0])).array
    array([    0., -1000.], dtype=float32)

    Since: 0.1.
    """

    symbol = "ln softmax"

    def function(self, x):
        z = shifted(x, self.axis)
        return z - np.log(np.exp(z).sum(axis=self.axis, keepdims=True)) if x.size else z

    def backward(self, dz, z, x):
        return (dz - np.exp(z) * dz.sum(axis=self.axis, keepdims=True),)


def axes_of(gate: str, axis: Any, shape: Shape) -> tuple[int, ...]:
    """Return the axes that `axis` selects in an array of `shape`, as non-negative integers.

    If `axis` is None, return all axes.

    Errors: ShapeError for an axis that the array does not have (MG107).
    """
    if axis is None:
        return tuple(range(len(shape)))
    try:
        named = axis if isinstance(axis, tuple) else (axis,)
        axes = tuple([normalize_axis_index(one, len(shape)) for one in named])
        if len(set(axes)) < len(axes):
            raise ValueError("an axis is repeated")
        return axes
    except (ValueError, TypeError) as error:
        raise ShapeError(
            "MG107",
            f"{gate} cannot use axis {axis} of an array of shape {shape}",
            cause=str(error),
            remedy=f"choose from the axes {list(range(len(shape)))}; to keep the reduced axes, "
            "pass keepdims=True",
        ) from None


sigmoid = Sigmoid()
relu = ReLU()
softplus = Softplus()
gelu = GELU()


def leaky_relu(x: TensorLike, negative_slope: float = 0.01) -> Tensor:
    """`LeakyReLU(negative_slope)(x)`: see the class for the formula.

    Since: 0.2.
    """
    return LeakyReLU(negative_slope)(x)


def softmax(x: TensorLike, axis: int = -1, **others: Any) -> Tensor:
    """`Softmax(axis)(x)`: see the class for the formula.

    Since: 0.1.
    """
    if others:
        return call_renamed(softmax, **locals())
    return Softmax(axis)(x)


def log_softmax(x: TensorLike, axis: int = -1, **others: Any) -> Tensor:
    """`LogSoftmax(axis)(x)`: see the class for the formula.

    Since: 0.1.
    """
    if others:
        return call_renamed(log_softmax, **locals())
    return LogSoftmax(axis)(x)
