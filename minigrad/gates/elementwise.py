"""Elementwise functions, such as powers, roots, sine, cosine, maximum, clipping, and casts."""

from numbers import Real
from typing import Any

import numpy as np

from ..context import RECORDING
from ..errors import OptionError
from ..gate import Gate
from ..help.other_frameworks import call_renamed
from ..numpy_api import check_differentiable, check_real, implements
from ..tensor import Tensor, TensorLike
from .basic import _Function, _OneOperand, _TwoOperands, floats, multiply
from .samples import positive, samples_on


class Power(_TwoOperands):
    """z = a^b. da = dz · b · a^(b-1), db = dz · z · ln a.

    db is defined only where a > 0. Where b = 0, da is 0, even at a = 0.

    >>> (Tensor([1.0, 2.0, 3.0]) ** 2).array
    array([1., 4., 9.], dtype=float32)

    Since: 0.1.
    """

    symbol = "^"

    def forward(self, a, b):
        return a**b

    def backward(self, dz, z, a, b):
        # Where a = b = 0, a^(b-1) is infinite and b · a^(b-1) is NaN. With an exponent of 1
        # instead, the product is 0.
        return (
            lambda: dz * b * a ** np.where(b == 0, 1.0, floats(b) - 1),
            lambda: dz * z * np.log(floats(a).astype(z.dtype)),
        )


class Exp(_Function):
    """z = e^x. dx = dz · z.

    >>> exp(Tensor([0.0, 1.0])).array.round(4)
    array([1.    , 2.7183], dtype=float32)

    Since: 0.1.
    """

    symbol = "exp"
    function = np.exp

    def backward(self, dz, z, x):
        return (dz * z,)


class Log(_Function):
    """z = ln x, for x > 0. dx = dz / x.

    >>> log(Tensor([1.0, 4.0])).array.round(4)
    array([0.    , 1.3863], dtype=float32)

    Since: 0.1.
    """

    symbol = "ln"
    function = np.log
    sample_inputs = samples_on("3x4", "()", draw=positive)

    def backward(self, dz, z, x):
        return (dz / x,)


class Sqrt(_Function):
    """z = √x, for x > 0. dx = dz / (2z), which is infinite at x = 0.

    >>> sqrt(Tensor([4.0, 9.0])).array
    array([2., 3.], dtype=float32)

    Since: 0.1.
    """

    symbol = "√"
    function = np.sqrt
    sample_inputs = samples_on("3x4", "()", draw=positive)

    def backward(self, dz, z, x):
        return (0.5 * dz / z,)


class Sin(_Function):
    """z = sin x, for x in radians. dx = dz · cos x.

    >>> sin(Tensor([0.0, np.pi / 2])).array
    array([0., 1.], dtype=float32)

    Since: 0.2.
    """

    symbol = "sin"
    function = np.sin

    def backward(self, dz, z, x):
        return (dz * np.cos(x),)


class Cos(_Function):
    """z = cos x, for x in radians. dx = -dz · sin x.

    >>> cos(Tensor([0.0, np.pi])).array
    array([ 1., -1.], dtype=float32)

    Since: 0.2.
    """

    symbol = "cos"
    function = np.cos

    def backward(self, dz, z, x):
        return (-dz * np.sin(x),)


class Abs(_OneOperand):
    """z = |x|. dx = dz · sign x, which is 0 at the kink x = 0.

    >>> abs(Tensor([-2.0, 3.0])).array
    array([2., 3.], dtype=float32)

    Since: 0.2.
    """

    symbol = "abs"

    def forward(self, x):
        return np.abs(x)

    def backward(self, dz, z, x):
        return (dz * (x > 0) - dz * (x < 0),)


class Maximum(_TwoOperands):
    """z = max(a, b), elementwise, with broadcasting.

    The larger element gets dz. Equal elements get dz / 2 each.

    >>> maximum(Tensor([1.0, 5.0]), 3.0).array
    array([3., 5.], dtype=float32)

    Since: 0.2.
    """

    symbol = "max"

    def forward(self, a, b):
        return np.maximum(a, b)

    def backward(self, dz, z, a, b):
        return lambda: _where_larger(dz, a, b), lambda: _where_larger(dz, b, a)


class Minimum(_TwoOperands):
    """z = min(a, b), elementwise, with broadcasting.

    The smaller element gets dz. Equal elements get dz / 2 each.

    >>> minimum(Tensor([1.0, 5.0]), 3.0).array
    array([1., 3.], dtype=float32)

    Since: 0.2.
    """

    symbol = "min"

    def forward(self, a, b):
        return np.minimum(a, b)

    def backward(self, dz, z, a, b):
        return lambda: _where_larger(dz, b, a), lambda: _where_larger(dz, a, b)


def _where_larger(dz, one, other):
    """Return dz where `one` > `other`, dz / 2 where they are equal, and 0 elsewhere."""
    return 0.5 * (dz * (one > other) + dz * (one >= other))


class Clip(Gate):
    """z = x limited to the range from `min` to `max`. dx = dz where min <= x <= max, else 0.

    If a bound is None, there is no limit on that side. z has x's shape. At a bound, dx = dz, as in
    PyTorch before 2.15. Newer versions of PyTorch return 0 there.

    >>> clip(Tensor([-2.0, 0.5, 2.0]), -1, 1).array
    array([-1. ,  0.5,  1. ], dtype=float32)

    Errors: OptionError (MG146) if the bounds are not numbers, are in the wrong order, or are both
    None.

    Since: 0.2.
    """

    symbol = "clip"

    def __init__(self, min: float | None = None, max: float | None = None) -> None:
        ends: tuple[Any, Any] = (min, max)
        bounds = [bound for bound in ends if bound is not None]
        numbers = bounds and all(isinstance(bound, Real) for bound in bounds)
        if not (numbers and bounds[0] <= bounds[-1]):
            raise OptionError(
                "MG146",
                f"Clip cannot use the bounds {min!r} and {max!r}",
                cause="the bounds must be two numbers, the lower one first, or one number and None",
                remedy="correct the bounds; if they are arrays or tensors, use "
                "mg.minimum(mg.maximum(x, lower), upper)",
            )
        self.min, self.max = (
            bound.item() if isinstance(bound, np.number) else bound for bound in ends
        )

    def forward(self, x):
        return np.clip(x, self.min, self.max)

    def backward(self, dz, z, x):
        return (dz * (x == z),)

    sample_inputs = samples_on(
        "3x4",
        settings=[
            {"min": -0.5, "max": 1},
            {"max": 0.3},
            {"min": 0},
        ],
    )


class Cast(Gate):
    """z = x converted to another dtype, with x's shape. dx = dz converted to x's dtype.

    >>> x = Tensor(np.array([1.0, 2.0]), requires_grad=True)  # float64
    >>> x.astype("float32")
    Tensor([1., 2.], made by Cast)

    Errors: DtypeError if the dtype is not numeric (MG110), or if x requires a gradient and the
    dtype cannot have one (MG112).

    Since: 0.2.
    """

    symbol = "astype"

    def __init__(self, dtype) -> None:
        self.dtype = np.dtype(dtype)
        check_real(self.dtype)

    def forward(self, x):
        return x.astype(self.dtype)

    def backward(self, dz, z, x):
        return (dz.astype(x.dtype),)

    sample_inputs = samples_on("3x4", settings=["float64"])


power = implements(np.power)(Power())
exp = implements(np.exp)(Exp())
log = implements(np.log)(Log())
sqrt = implements(np.sqrt)(Sqrt())
sin = implements(np.sin)(Sin())
cos = implements(np.cos)(Cos())
absolute = implements(np.abs)(Abs())
maximum = implements(np.maximum)(Maximum())
minimum = implements(np.minimum)(Minimum())


@implements(np.square)
def square(x: TensorLike) -> Tensor:
    """x ⊙ x, recorded as a Hadamard product of x with itself."""
    return multiply(x, x)


@implements(np.clip)
def clip(
    x: TensorLike,
    min: float | None = None,
    max: float | None = None,
    **others: Any,
) -> Tensor:
    """`Clip(min, max)(x)`.

    Since: 0.2.
    """
    if others:
        return call_renamed(clip, **locals())
    return Clip(min, max)(x)


def astype(x: Tensor, dtype: Any, **others: Any) -> Tensor:
    """`Cast(dtype)(x)`."""
    if others:
        return call_renamed(astype, **locals())
    gate = Cast(dtype)
    if x.requires_grad and RECORDING.get():
        check_differentiable(gate.dtype, x.name)
    return gate(x)
