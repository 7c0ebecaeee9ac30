"""Gates that only rearrange or repeat elements: reshape, transpose, broadcast."""

import math
from operator import index

import numpy as np

from ..errors import ShapeError
from ..gate import Gate, Shape
from ..help.engine_errors import broadcast_shape
from ..numpy_api import implements
from ..tensor import Tensor, TensorLike, as_tensors
from .activation import check_axis
from .samples import errors_on, samples_on


class _ShapeOfForward(Gate):
    """A gate whose forward, run on any numbers, gives the shape and raises the errors of shapes
    that do not fit.
    """

    def shape(self, *shapes: Shape) -> Shape:
        return tuple(self.forward(*(np.broadcast_to(0.0, shape) for shape in shapes)).shape)


class _Moving(_ShapeOfForward):
    """A gate that only moves elements: no floating-point operations."""

    operations = 0


def _integers(gate: str, given) -> Shape:
    """A shape or an order of axes, which may be a single number, as a tuple of integers."""
    try:
        return tuple(map(index, given if hasattr(given, "__iter__") else [given]))
    except TypeError:
        raise ShapeError(
            "MG109",
            f"{gate} cannot take {given!r}",
            cause="shapes and axes are given as integers",
            remedy="pass integers, or one tuple or list of them; n // 2 is an integer, n / 2 is "
            "not",
        ) from None


class Reshape(_Moving):
    """z = x in another shape, its elements in the same order; one size may be -1. dx = dz in x's
    shape.

    >>> Tensor([1.0, 2.0, 3.0, 4.0]).reshape(2, -1).array
    array([[1., 2.],
           [3., 4.]], dtype=float32)

    Errors: ShapeError for a shape with another number of elements (MG109).
    """

    symbol = "reshape"

    def __init__(self, to: int | Shape) -> None:
        self.to = _integers("Reshape", to)

    def forward(self, x):
        try:
            return x.reshape(self.to)
        except (ValueError, OverflowError):
            room = math.prod(self.to)
            raise ShapeError(
                "MG109",
                f"Reshape cannot put {x.shape} into {self.to}",
                cause=f"the one has {x.size} elements, the other has room for {room}"
                if -1 not in self.to
                else f"{x.size} elements do not divide by the sizes given, or more than one size "
                "is -1",
                remedy="give sizes whose product is the number of elements; one of them may be -1",
            ) from None

    def backward(self, dz, z, x):
        return (dz.reshape(x.shape),)

    sample_inputs = samples_on([(2, 3, 2)], settings=[(6, 2), (-1,), (3, -1, 2), (1, 12)])
    error_inputs = errors_on([(3, 4)], settings=[(5, 2), (-1, 5)])


class Transpose(_Moving):
    """z = x with its axes in the order `axes` (None: reversed). dx = dz with its axes in the old
    order again.

    Shapes: z has the sizes of x in the new order. Errors: ShapeError for another order of axes
    (MG107); OptionError for `x.transpose(0, 1)` of a matrix (MG168), which exchanges two axes in
    PyTorch and would do nothing here.

    >>> Tensor([[1.0, 2.0]]).T.shape
    (2, 1)
    """

    symbol = "ᵀ"

    def __init__(self, axes: Shape | None = None) -> None:
        self.axes = None if axes is None else _integers("Transpose", axes)

    def forward(self, x):
        try:
            return x.transpose(self.axes)
        except (ValueError, OverflowError):
            raise ShapeError(
                "MG107",
                f"Transpose cannot put the axes of {x.shape} in the order {self.axes}",
                cause=f"the order must name each of the {x.ndim} axes once",
                remedy=f"for example {tuple(reversed(range(x.ndim)))}; x.swapaxes exchanges two "
                "axes",
            ) from None

    def backward(self, dz, z, x):
        if self.axes is None:
            return (dz.transpose(None),)
        # argsort inverts a permutation of 0..n-1: no -1
        axes = [axis % len(self.axes) for axis in self.axes]
        return (dz.transpose(tuple(np.argsort(axes).tolist())),)

    sample_inputs = samples_on([(2, 3, 4)], settings=[None, (1, 2, 0), (0, -1, 1)])
    error_inputs = errors_on([(2, 3, 4)], settings=[(0, 1), (0, 0, 1)])


class BroadcastTo(_Moving):
    """z = x repeated along new axes, and along axes of size 1, up to shape `to`. dx = dz summed
    over the repetitions.

    >>> np.broadcast_to(Tensor([[1.0], [2.0]]), (2, 3)).array
    array([[1., 1., 1.],
           [2., 2., 2.]], dtype=float32)
    """

    symbol = "broadcast"

    def __init__(self, to: Shape) -> None:
        self.to = _integers("BroadcastTo", to)

    def forward(self, x):
        return np.broadcast_to(x, self.to)

    def backward(self, dz, z, x):
        return (dz,)  # the engine sums over broadcast axes, here as for any gate

    def shape(self, *shapes: Shape) -> Shape:
        if broadcast_shape(self.name, shapes[0], self.to) != self.to:
            raise ShapeError(
                "MG101",
                f"BroadcastTo cannot repeat {shapes[0]} up to {self.to}",
                cause="the target has fewer axes, or a size 1 where the input has more",
                remedy="sum or slice the input if it is to become smaller",
            )
        return self.to

    sample_inputs = samples_on([(3, 1)], [()], settings=[(2, 3, 4), (3, 3)])
    error_inputs = errors_on([(2, 4)], settings=[(3, 4), (4,)])


@implements(np.reshape)
def reshape(x: TensorLike, shape: int | Shape) -> Tensor:
    """`Reshape(shape)(x)`."""
    return Reshape(shape)(x)


@implements(np.transpose)
def transpose(x: TensorLike, axes: Shape | None = None) -> Tensor:
    """`Transpose(axes)(x)`."""
    return Transpose(axes)(x)


@implements(np.swapaxes)
def swapaxes(x: Tensor, axis1: int, axis2: int) -> Tensor:
    """x with two axes exchanged, recorded as a Transpose. Errors: ShapeError for an axis that is
    not there (MG107).
    """
    axes = list(range(x.ndim))
    for axis in (axis1, axis2):
        check_axis("swapaxes", axis, x.shape)
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return Transpose(tuple(axes))(x)


@implements(np.broadcast_to)
def broadcast_to(x: TensorLike, shape: Shape) -> Tensor:
    """`BroadcastTo(shape)(x)`."""
    return BroadcastTo(shape)(x)


@implements(np.squeeze)
def squeeze(x: TensorLike, axis: int | Shape | None = None) -> Tensor:
    """z = x without the axes of size 1 that `axis` names (None: all of them), recorded as a
    Reshape.

    >>> squeeze(Tensor([[[1.0], [2.0]]]), axis=0).shape
    (2, 1)

    Errors: ShapeError for an axis that is not there, or of another size (MG107).
    """
    return _reshaped(np.squeeze, x, axis)


@implements(np.expand_dims)
def expand_dims(x: TensorLike, axis: int | Shape) -> Tensor:
    """z = x with a new axis of size 1 at each place that `axis` names, recorded as a Reshape.

    >>> expand_dims(Tensor([1.0, 2.0]), axis=1).shape
    (2, 1)

    Errors: ShapeError for a place that is not there (MG107).
    """
    return _reshaped(np.expand_dims, x, axis)


def _reshaped(function, x: TensorLike, axis) -> Tensor:
    (x,) = as_tensors([x])
    try:
        to = function(np.broadcast_to(0, x.shape), axis).shape
    except (ValueError, TypeError, OverflowError) as error:
        raise ShapeError(
            "MG107",
            f"{function.__name__} cannot take axis={axis} of an array of shape {x.shape}",
            cause=str(error),
            remedy="squeeze takes away axes of size 1; expand_dims counts axes in the shape with "
            "the new ones",
        ) from None
    return Reshape(to)(x)
