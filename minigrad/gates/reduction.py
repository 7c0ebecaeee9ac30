"""Sums, means, extremes and variances over axes, and the cumulative sum."""

import math
from typing import Any, ClassVar

import numpy as np

from ..errors import ShapeError
from ..gate import Gate, Shape
from ..help.engine_errors import no_dtype_or_out, warn_of_all_pairs
from ..help.other_frameworks import call_renamed
from ..numpy_api import implements
from ..tensor import Tensor, TensorLike
from .activation import _AlongAxis, axes_of
from .basic import copied, floats, on_floats
from .indexing import along_axis
from .samples import samples_on
from .shape import Reshape
from .unpacking import Unpaired

Axis = int | tuple[int, ...] | None


class _Reduction(Gate):
    """Shapes: z has x's shape without `axis`; with keepdims=True, `axis` remains, with size 1.

    Errors: ShapeError if x does not have `axis` (MG107); UnsupportedError if `keepdims` is not a
    boolean (MG129).
    """

    function: ClassVar[Any]
    """The NumPy function, or a method, that reduces an array."""

    def __init__(self, axis: Axis = None, keepdims: bool = False) -> None:
        self.axis = copied(axis)
        if not isinstance(keepdims, (int, np.bool_, type(None))):
            raise no_dtype_or_out(self.name, keepdims)
        self.keepdims = bool(keepdims)

    def forward(self, x):
        if not x.shape or not x.size:  # raises an error, where NumPy may not
            self.check(x.shape)
        if x.dtype.char == "e":  # float16, in which NumPy's sums may stop growing at 2048
            return on_floats(self, x)
        return self.function(x, axis=self.axis, keepdims=self.keepdims)

    def check(self, shape: Shape) -> None:
        """Raise an error if an array of this shape cannot be reduced."""
        self.axes(shape)

    def axes(self, shape: Shape) -> tuple[int, ...]:
        """Return the reduced axes, as non-negative integers."""
        return axes_of(self.name, self.axis, shape)

    def kept(self, shape: Shape) -> Shape:
        """Return `shape` with size 1 for each reduced axis. This shape broadcasts against the
        input.
        """
        axes = self.axes(shape)
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))

    def shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        axes = self.axes(shape)
        if self.keepdims:
            return self.kept(shape)
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    sample_inputs = samples_on(
        "2x3x4",
        settings=[
            {},
            {"keepdims": True},
            1,
            {"axis": -1, "keepdims": True},
            (0, 2),
            {"axis": (0, -1), "keepdims": True},
        ],
    )


class Sum(_Reduction):
    """z = Σ x over `axis` (None: all axes). dx = dz, repeated along the summed axes.

    >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).sum(axis=0).array
    array([4., 6.], dtype=float32)

    Since: 0.1.
    """

    symbol = "Σ"
    function = np.add.reduce

    def backward(self, dz, z, x):
        dz = dz.reshape(self.kept(x.shape))
        return (np.broadcast_to(dz, x.shape),)


class _OfSome(_Reduction):
    """Base class of reductions that, unlike a sum, are not defined for an empty array.

    Errors: ShapeError if x does not have `axis` (MG107), or if it has no elements to reduce
    (MG116).
    """

    def check(self, shape: Shape) -> None:
        self.count(shape)

    def count(self, shape: Shape, ddof: float = 0) -> float:
        """Return the number of elements that each result is computed from, minus `ddof`.

        Errors: ShapeError unless this number is positive.
        """
        count = math.prod([shape[axis] for axis in self.axes(shape)])
        if count <= ddof:
            raise ShapeError(
                "MG116",
                f"{self.name} over axis={self.axis} of an array of shape {shape} has N = {count} "
                "numbers to reduce",
                cause=f"{self.name} needs more than ddof={ddof} numbers"
                if ddof
                else f"{self.name} needs at least one number",
                remedy="check that the batch has rows, or reduce over more axes",
            )
        return count - ddof


class Mean(_OfSome):
    """z = Σ x / N over the N elements along `axis`. dx = dz / N, repeated along `axis`.

    >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).mean().item()
    2.5

    Since: 0.1.
    """

    symbol = "mean"
    function = staticmethod(np.mean)

    def backward(self, dz, z, x):
        dz = dz.reshape(self.kept(x.shape))
        return (np.broadcast_to(dz / self.count(x.shape), x.shape),)


class _Extreme(_OfSome):
    """Base class of Max and Min. Equal extremes share the gradient evenly."""

    def backward(self, dz, z, x):
        kept = self.kept(x.shape)
        at_extreme = x == z.reshape(kept)
        ties = at_extreme.sum(axis=self.axes(x.shape), keepdims=True)
        return (dz.reshape(kept) * (at_extreme / ties).astype(z.dtype),)


class Max(_Extreme):
    """z = max x over `axis`. dx = dz at the maximum, 0 elsewhere. Equal maxima share dz evenly.

    >>> Tensor([[1.0, 5.0], [3.0, 4.0]]).max(axis=1).array
    array([5., 4.], dtype=float32)

    Since: 0.1.
    """

    symbol = "max"
    function = np.maximum.reduce


class Min(_Extreme):
    """z = min x over `axis`. dx = dz at the minimum, 0 elsewhere. Equal minima share dz evenly.

    >>> Tensor([[1.0, 5.0], [3.0, 4.0]]).min(axis=1).array
    array([1., 3.], dtype=float32)

    Since: 0.2.
    """

    symbol = "min"
    function = np.minimum.reduce


class LogSumExp(_OfSome):
    """z = ln Σ e^x over `axis`, a smooth maximum. dx = dz · e^(x - z), which is dz · softmax(x).

    z is finite for all finite x. If all elements are -inf, z is -inf; if one is +inf, z is +inf. In
    both cases dx is 0, because no finite change in x changes z.

    >>> logsumexp(Tensor([1000.0, 1000.0])).item()  # 1000 + ln 2
    1000.6931

    Since: 0.2.
    """

    symbol = "ln Σ e^x"

    def function(self, x, axis, keepdims):
        x = floats(x)
        highest = x.max(axis=axis, keepdims=True)
        highest = np.where(np.isinf(highest), 0, highest)
        # ln 0 is -inf, and e^inf is inf, as intended
        with np.errstate(divide="ignore", over="ignore"):
            sums = np.exp(x - highest).sum(axis=axis, keepdims=True)
            z = highest + np.log(sums)
        return z.reshape(self.shape(x.shape))

    def backward(self, dz, z, x):
        kept = self.kept(x.shape)
        z = z.reshape(kept)
        infinite = np.isinf(z)
        if infinite.any():
            x = np.where(infinite, -np.inf, x)
            z = np.where(infinite, 0.0, z)
        # The sum of e is 1 unless z was rounded, and 0 where z is infinite.
        e = np.exp(x - z)
        sums = e.sum(axis=self.axis, keepdims=True) + infinite
        return (dz.reshape(kept) * e / sums,)


class Var(_OfSome):
    """z = Σ (x - μ)² / (N - ddof) over `axis`. dx = 2 dz (x - μ) / (N - ddof).

    N is the number of elements and μ is their mean. `ddof` defaults to 0, as in NumPy, so
    `x.var()` divides by N. PyTorch's `x.var()` divides by N - 1, which makes the estimate unbiased.
    To get the same value, use `x.var(ddof=1)` or, as in PyTorch, `x.var(correction=1)`.

    >>> Tensor([[1.0, 3.0], [2.0, 8.0]]).var(axis=1).array
    array([1., 9.], dtype=float32)

    Errors: ShapeError if N - ddof is not positive (MG116), or if x does not have `axis` (MG107).

    Since: 0.2.
    """

    symbol = "var"

    def __init__(
        self,
        axis: Axis = None,
        keepdims: bool = False,
        ddof: float = 0,
    ) -> None:
        super().__init__(axis, keepdims)
        self.ddof = copied(ddof)

    def function(self, x, axis, keepdims):
        self.count(x.shape, self.ddof)
        return x.var(axis=axis, keepdims=keepdims, ddof=self.ddof)

    def backward(self, dz, z, x):
        deviation = x - x.mean(axis=self.axis, keepdims=True)
        dz = dz.reshape(self.kept(x.shape))
        return (2 / self.count(x.shape, self.ddof) * dz * deviation,)

    sample_inputs = samples_on(
        "2x3x4",
        settings=[
            {},
            {"axis": -1, "keepdims": True},
            {"axis": (0, 2), "ddof": 1},
        ],
    )


class Std(Var):
    """z = √Var(x), the standard deviation. dx = dz (x - μ) / ((N - ddof) z).

    Where all elements along `axis` are equal, dx is 0. `ddof` defaults to 0, as in NumPy, so
    `x.std()` divides by N. PyTorch's `x.std()` divides by N - 1. To get the same value, use
    `x.std(ddof=1)` or, as in PyTorch, `x.std(correction=1)`.

    >>> Tensor([[1.0, 3.0], [2.0, 8.0]]).std(axis=1).array
    array([1., 3.], dtype=float32)

    Errors: ShapeError, as for Var (MG107, MG116).

    Since: 0.2.
    """

    symbol = "std"

    def function(self, x, axis, keepdims):
        return np.sqrt(super().function(x, axis, keepdims))

    def backward(self, dz, z, x):
        return super().backward(0.5 * dz / np.where(z == 0, np.inf, z), z, x)


class CumSum(_AlongAxis):
    """z_i = Σ_(j<=i) x_j along `axis`, the cumulative sum. dx_j = Σ_(i>=j) dz_i.

    dx is the cumulative sum of dz, starting from the end.

    >>> cumsum(Tensor([1.0, 2.0, 3.0])).array
    array([1., 3., 6.], dtype=float32)

    Since: 0.2.
    """

    symbol = "cumsum"
    operations = 1

    def forward(self, x):
        if not x.shape:
            self.shape(x.shape)
        if x.dtype.char == "e":
            return on_floats(self, x)
        return x.cumsum(axis=self.axis)

    def backward(self, dz, z, x):
        axis = self.axis % len(x.shape)
        backwards = along_axis(axis, slice(None, None, -1))
        return (dz[backwards].cumsum(axis=self.axis)[backwards],)


def _warn_if_all_pairs(z: Tensor, axis: Axis) -> Tensor:
    """Return z, the sum or mean of a matrix. Warn if broadcasting a column and a row, such as
    predictions (N, 1) and targets (N,), made the matrix.
    """
    if axis is None and (inputs := z.node.inputs):
        shape = inputs[0].shape
        if len(shape) == 2 and shape[0] == shape[1] > 1:
            warn_of_all_pairs(inputs[0])
    return z


@implements(np.sum)
def sum(x: TensorLike, axis: Axis = None, keepdims: bool = False, **others: Any) -> Tensor:
    """`Sum(axis, keepdims)(x)`: see the class for the formula."""
    if others:
        return call_renamed(sum, **locals())
    return _warn_if_all_pairs(Sum(axis, keepdims)(x), axis)


@implements(np.mean)
def mean(x: TensorLike, axis: Axis = None, keepdims: bool = False, **others: Any) -> Tensor:
    """`Mean(axis, keepdims)(x)`: see the class for the formula."""
    if others:
        return call_renamed(mean, **locals())
    return _warn_if_all_pairs(Mean(axis, keepdims)(x), axis)


def logsumexp(x: TensorLike, axis: Axis = None, keepdims: bool = False, **others: Any) -> Tensor:
    """`LogSumExp(axis, keepdims)(x)`: see the class for the formula.

    Since: 0.2.
    """
    if others:
        return call_renamed(logsumexp, **locals())
    return LogSumExp(axis, keepdims)(x)


class Extremes(Unpaired):
    """Maxima or minima along an axis. PyTorch returns them in a pair, with their indices."""

    __slots__ = ()
    result = "maxima or minima"
    cause = "max and min return one Tensor with the values, and no indices"
    remedy = "np.argmax(x, axis=1) and np.argmin(x, axis=1) return the indices"


@implements(np.max)
def max(x: TensorLike, axis: Axis = None, keepdims: bool = False, **others: Any) -> Tensor:
    """`Max(axis, keepdims)(x)`: see the class for the formula."""
    if others:
        return call_renamed(max, **locals())
    z = Max(axis, keepdims)(x)
    return z if axis is None else Extremes.of(z)


@implements(np.min)
def min(x: TensorLike, axis: Axis = None, keepdims: bool = False, **others: Any) -> Tensor:
    """`Min(axis, keepdims)(x)`: see the class for the formula."""
    if others:
        return call_renamed(min, **locals())
    z = Min(axis, keepdims)(x)
    return z if axis is None else Extremes.of(z)


@implements(np.var)
def var(
    x: TensorLike,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    **others: Any,
) -> Tensor:
    """`Var(axis, keepdims, ddof)(x)`: see the class for the formula.

    By default, the sum is divided by N, as in NumPy. PyTorch divides it by N - 1, as ddof=1 does.
    """
    if others:
        return call_renamed(var, **locals())
    return Var(axis, keepdims, ddof)(x)


@implements(np.std)
def std(
    x: TensorLike,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    **others: Any,
) -> Tensor:
    """`Std(axis, keepdims, ddof)(x)`: see the class for the formula.

    By default, the sum is divided by N, as in NumPy. PyTorch divides it by N - 1, as ddof=1 does.
    """
    if others:
        return call_renamed(std, **locals())
    return Std(axis, keepdims, ddof)(x)


@implements(np.cumsum)
def cumsum(x: TensorLike, axis: int | None = None, **others: Any) -> Tensor:
    """`CumSum(axis)(x)`. With axis=None, x is flattened first, as in NumPy.

    Since: 0.2.
    """
    if others:
        return call_renamed(cumsum, **locals())
    if axis is None:
        return CumSum(0)(Reshape(-1)(x))
    return CumSum(axis)(x)
