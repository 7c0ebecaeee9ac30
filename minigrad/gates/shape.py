"""Gates that rearrange or repeat elements: reshape, transpose, broadcast."""

from operator import index
from typing import Any, ClassVar

import numpy as np

from ..errors import ShapeError
from ..gate import Gate, Shape
from ..help.other_frameworks import call_renamed
from ..numpy_api import implements
from ..tensor import Tensor, TensorLike, as_tensors
from .activation import axes_of
from .samples import samples_on


class _ShapeOfForward(Gate):
    """Base class of gates that find the output's shape by running forward on zeros.

    If the inputs' shapes are invalid, the error contains NumPy's message.

    Errors: ShapeError if the inputs' shapes are invalid (MG109).
    """

    remedy: ClassVar[str] = "make the sizes match along each axis"

    def shape(self, *shapes: Shape) -> Shape:
        try:
            zeros = [np.broadcast_to(0.0, shape) for shape in shapes]
            return tuple(self.forward(*zeros).shape)
        except (ValueError, TypeError, OverflowError) as error:
            raise ShapeError(
                "MG109",
                f"{self!r} cannot use inputs of shape {' and '.join(map(str, shapes))}"
                if shapes
                else f"{self!r} needs at least one input",
                cause=str(error),
                remedy=self.remedy,
            ) from None


class _Moving(_ShapeOfForward):
    """Base class of gates that only move elements and perform no floating-point operations."""

    operations = 0


def _integers(given) -> Shape:
    """Convert a shape, a list of axes, or a single number to a tuple of integers."""
    return tuple(map(index, given if hasattr(given, "__iter__") else [given]))


class Reshape(_Moving):
    """z = x in another shape, with the elements in the same order. dx = dz in x's shape.

    One size may be -1. It is then computed from the number of elements.

    >>> Tensor([1.0, 2.0, 3.0, 4.0]).reshape(2, -1).array
    array([[1., 2.],
           [3., 4.]], dtype=float32)

    Errors: ShapeError if the new shape has a different number of elements (MG109).

    Since: 0.1.
    """

    symbol = "reshape"
    remedy = "choose sizes whose product is the number of elements; one of them may be -1"

    def __init__(self, to: int | Shape) -> None:
        self.to = _integers(to)

    def forward(self, x):
        return x.reshape(self.to)

    def backward(self, dz, z, x):
        return (dz.reshape(x.shape),)

    sample_inputs = samples_on(
        "2x3x2",
        settings=[(6, 2), (-1,), (3, -1, 2), (1, 12)],
    )


class Transpose(_Moving):
    """z = x with its axes in the order `axes` (None: reversed). dx = dz with the axes moved back.

    Shapes: z has x's sizes in the new order. Errors: ShapeError if `axes` is not a permutation of
    x's axes (MG109); OptionError for `x.transpose(0, 1)` on a matrix (MG168), which exchanges two
    axes in PyTorch but has no effect here.

    >>> Tensor([[1.0, 2.0]]).T.shape
    (2, 1)

    Since: 0.1.
    """

    symbol = "ᵀ"
    remedy = "list each axis exactly once; to exchange two axes, use x.swapaxes"

    def __init__(self, axes: Shape | None = None) -> None:
        self.axes = None if axes is None else _integers(axes)

    def forward(self, x):
        return x.transpose(self.axes)

    def backward(self, dz, z, x):
        if self.axes is None:
            return (dz.transpose(None),)
        # argsort inverts a permutation of 0..n-1, so first replace negative axes
        axes = [axis % len(self.axes) for axis in self.axes]
        return (dz.transpose(tuple(np.argsort(axes).tolist())),)

    sample_inputs = samples_on(
        "2x3x4",
        settings=[None, (1, 2, 0), (0, -1, 1)],
    )


class BroadcastTo(_Moving):
    """z = x broadcast to shape `to`. dx = dz, summed over the axes along which x is repeated.

    >>> np.broadcast_to(Tensor([[1.0], [2.0]]), (2, 3)).array
    array([[1., 1., 1.],
           [2., 2., 2.]], dtype=float32)

    Since: 0.1.
    """

    symbol = "broadcast"
    remedy = "repeat only axes of size 1; to make the input smaller, sum or slice it"

    def __init__(self, to: Shape) -> None:
        self.to = _integers(to)

    def forward(self, x):
        return np.broadcast_to(x, self.to)

    def backward(self, dz, z, x):
        return (dz,)  # the engine sums over broadcast axes, as for any gate

    sample_inputs = samples_on("3x1", "()", settings=[(2, 3, 4), (3, 3)])


@implements(np.reshape)
def reshape(x: TensorLike, shape: int | Shape) -> Tensor:
    """`Reshape(shape)(x)`."""
    return Reshape(shape)(x)


@implements(np.transpose)
def transpose(x: TensorLike, axes: Shape | None = None, **others: Any) -> Tensor:
    """`Transpose(axes)(x)`."""
    if others:
        return call_renamed(transpose, **locals())
    return Transpose(axes)(x)


@implements(np.swapaxes)
def swapaxes(x: Tensor, axis1: int, axis2: int, **others: Any) -> Tensor:
    """Exchange two axes of x.

    The operation is recorded as a Transpose.

    Errors: ShapeError if x does not have one of the axes (MG107).
    """
    if others:
        return call_renamed(swapaxes, **locals())
    axes = list(range(x.ndim))
    for axis in (axis1, axis2):
        axes_of("swapaxes", axis, x.shape)
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return Transpose(tuple(axes))(x)


@implements(np.broadcast_to)
def broadcast_to(x: TensorLike, shape: Shape) -> Tensor:
    """`BroadcastTo(shape)(x)`."""
    return BroadcastTo(shape)(x)


@implements(np.squeeze)
def squeeze(x: TensorLike, axis: int | Shape | None = None, **others: Any) -> Tensor:
    """z = x without the axes of size 1 in `axis` (None: all of them).

    The operation is recorded as a Reshape.

    >>> squeeze(Tensor([[[1.0], [2.0]]]), axis=0).shape
    (2, 1)

    Errors: ShapeError if x does not have the axis or its size is not 1 (MG109).

    Since: 0.2.
    """
    if others:
        return call_renamed(squeeze, **locals())
    return _reshaped(np.squeeze, x, axis)


@implements(np.expand_dims)
def expand_dims(x: TensorLike, axis: int | Shape, **others: Any) -> Tensor:
    """z = x with a new axis of size 1 at each position in `axis`.

    The operation is recorded as a Reshape.

    >>> expand_dims(Tensor([1.0, 2.0]), axis=1).shape
    (2, 1)

    Errors: ShapeError if a position is out of range (MG109).

    Since: 0.2.
    """
    if others:
        return call_renamed(expand_dims, **locals())
    return _reshaped(np.expand_dims, x, axis)


def _reshaped(function, x: TensorLike, axis) -> Tensor:
    (x,) = as_tensors([x])
    if isinstance(axis, np.ndarray):
        axis = axis.tolist()
    try:
        to = function(np.broadcast_to(0, x.shape), axis).shape
    except ValueError as error:
        raise ShapeError(
            "MG109",
            f"{function.__name__} cannot use axis={axis} for an input of shape {x.shape}",
            cause=str(error),
            remedy="choose axes that x has, of size 1 for squeeze; PyTorch's squeeze ignores other "
            "sizes",
        ) from None
    return Reshape(to)(x)
