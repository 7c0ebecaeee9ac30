"""Sum, mean and maximum over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..gate import Gate, Shape
from ..numpy_functions import implements
from ..tensor import Tensor, TensorLike
from .activation import check_axis

Axis = int | tuple[int, ...] | None


class _Reduction(Gate):
    def __init__(self, axis: Axis = None, keepdims: bool = False) -> None:
        self.axis = tuple(axis) if isinstance(axis, (tuple, list)) else axis
        self.keepdims = keepdims

    def axes(self, ndim: int) -> tuple[int, ...]:
        """The axes that are reduced, counted from 0."""
        axis = range(ndim) if self.axis is None else self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return tuple(one % ndim for one in axis)

    def kept(self, shape: Shape) -> Shape:
        """`shape` with size 1 for each axis that is reduced, so that it broadcasts against the input."""
        axes = self.axes(len(shape))
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))

    def shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        for axis in () if self.axis is None else self.axis if isinstance(self.axis, tuple) else (self.axis,):
            check_axis(self.name, axis, shape)
        axes = self.axes(len(shape))
        if len(set(axes)) < len(axes):
            raise ShapeError("MG107", f"{self.name} names an axis twice: {self.axis}",
                             cause="an axis can be reduced once", remedy="name each axis once")  # fmt: skip
        if self.keepdims:
            return self.kept(shape)
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return super().flops(shapes[0])

    @classmethod
    def samples(cls) -> Any:
        x = np.random.default_rng(15).permutation(24).reshape(2, 3, 4) / 7.0  # all different: a maximum has no ties
        settings = [(None, False), (None, True), (1, False), (-1, True), ((0, 2), False), ((0, -1), True)]
        return ((cls(axis, keepdims), (x,)) for axis, keepdims in settings)

    @classmethod
    def refused(cls) -> Any:
        yield cls(axis=3), (np.ones((2, 3, 4)),), ShapeError
        yield cls(axis=(0, 0)), (np.ones((2, 3, 4)),), ShapeError


class Sum(_Reduction):
    """z = Σ x over `axis` (None: over all). dx = dz, repeated along what was summed.

    >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).sum(axis=0).array
    array([4., 6.], dtype=float32)
    """

    symbol = "Σ"

    def forward(self, x: Any) -> Any:
        return x.sum(axis=self.axis, keepdims=self.keepdims)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (np.broadcast_to(dz.reshape(self.kept(x.shape)), x.shape),)


class _OfSome(_Reduction):
    """A reduction that is not defined for an empty array, unlike a sum."""

    def check_not_empty(self, x: Any) -> None:
        if x.size == 0:
            raise ShapeError(
                "MG116",
                f"{self.name} over an empty array of shape {x.shape}",
                cause="it needs at least one number",
                remedy="check that the batch has rows",
            )

    @classmethod
    def refused(cls) -> Any:
        yield from super().refused()
        yield cls(), (np.ones((0, 3)),), ShapeError


class Mean(_OfSome):
    """z = Σ x / N over `axis`, N the number of elements averaged. dx = dz / N, repeated.

    >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).mean().item()
    2.5
    """

    symbol = "mean"

    def forward(self, x: Any) -> Any:
        self.check_not_empty(x)
        return x.mean(axis=self.axis, keepdims=self.keepdims)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        count = max(int(np.prod(x.shape)) // max(int(np.prod(z.shape)), 1), 1)
        return (np.broadcast_to(dz.reshape(self.kept(x.shape)) / count, x.shape),)


class Max(_OfSome):
    """z = max x over `axis`. dx = dz at the maximum, 0 elsewhere; equal maxima share it evenly.

    >>> Tensor([[1.0, 5.0], [3.0, 4.0]]).max(axis=1).array
    array([5., 4.], dtype=float32)
    """

    symbol = "max"

    def forward(self, x: Any) -> Any:
        self.check_not_empty(x)
        return x.max(axis=self.axis, keepdims=self.keepdims)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        kept = self.kept(x.shape)
        at_maximum = x == z.reshape(kept)
        ties = at_maximum.sum(axis=self.axes(len(x.shape)), keepdims=True)
        return (dz.reshape(kept) * (at_maximum / ties).astype(z.dtype),)


@implements(np.sum)
def sum_(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`Sum(axis, keepdims)(x)`."""
    return Sum(axis, keepdims)(x)


@implements(np.mean)
def mean(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`Mean(axis, keepdims)(x)`."""
    return Mean(axis, keepdims)(x)


@implements(np.max)
def max_(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """`Max(axis, keepdims)(x)`."""
    return Max(axis, keepdims)(x)
