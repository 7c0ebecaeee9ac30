"""The matrix product, and the gates that only rearrange: reshape, transpose, repeat. Know no parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..gate import Gate, Shape, broadcast_shape
from ..pieces import Products
from ..tensor import Tensor, TensorLike, implements


class MultiplyGate(Gate):
    """z = a @ b, the matrix product over the last two axes, batched over the others as NumPy broadcasts them.

    Shapes (..., n, k) @ (..., k, m) -> (..., n, m); a vector (k,) stands for a row on the left, a column on the right.
    da = dz @ bᵀ, db = aᵀ @ dz: the gradient comes back through the same matrix, transposed.

    >>> a = Tensor([[1.0, 2.0]])
    >>> (a @ [[3.0], [4.0]]).array
    array([[11.]], dtype=float32)

    Source: Giles, Collected matrix derivative results (2008), 2.2.1.
    """

    symbol = "×"

    def forward(self, a: Any, b: Any) -> Any:
        if a.ndim == b.ndim == 2:
            return a.dot(b)
        if a.ndim > 2 and b.ndim == 2 and a.shape[-1] == b.shape[0]:
            return a.reshape(-1, a.shape[-1]).dot(b).reshape(*a.shape[:-1], b.shape[1])
        return a @ b

    def backward(self, dz: Any, z: Any, a: Any, b: Any) -> Any:
        if a.ndim == b.ndim == 2:
            if type(dz) is np.ndarray:  # db is held back: a weight used at many steps is then served by one product
                return lambda: dz.dot(b.T), Products(b.shape, dz.dtype, [(a, dz)])
            return lambda: dz @ b.T, lambda: a.T @ dz
        return lambda: _left(dz, a, b), lambda: _right(dz, a, b)

    def shape(self, *shapes: Shape) -> Shape:
        a, b = shapes
        if not a or not b:
            raise ShapeError(
                "MG108",
                f"MultiplyGate cannot multiply {a} by {b}",
                cause="a matrix product needs at least one axis on either side, and () is a single number",
                remedy="use * to scale by a number",
            )
        inner = b[-2] if len(b) > 1 else b[0]
        if a[-1] != inner:
            raise ShapeError(
                "MG101",
                f"MultiplyGate cannot multiply {a} by {b}",
                cause=f"the last axis of the left has size {a[-1]}, the {'second-last' if len(b) > 1 else 'only'} "
                f"axis of the right has {inner}: they must be equal",
                remedy=_suggest(a, b),
            )
        batch = broadcast_shape(self.name, a[:-2], b[:-2])
        return (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 2 * super().flops(output) * shapes[0][-1]

    @classmethod
    def samples(cls) -> Any:
        rng = np.random.default_rng(11)
        shapes = [
            ((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((2, 3, 4), (2, 4, 2)), ((3, 4), (2, 4, 2)),
            ((2, 1, 3, 4), (5, 4, 2)), ((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 2)),
            ((2, 3, 4), (4,)), ((4,), (2, 4, 3)),
        ]  # fmt: skip
        return ((cls(), (rng.normal(size=a), rng.normal(size=b))) for a, b in shapes)

    @classmethod
    def refused(cls) -> Any:
        yield cls(), (np.ones((3, 4)), np.ones((3, 4))), ShapeError
        yield cls(), (np.array(1.0), np.ones((3, 4))), ShapeError
        yield cls(), (np.ones((2, 3, 4)), np.ones((3, 4, 2))), ShapeError


def _suggest(a: Shape, b: Shape) -> str:
    if len(b) == 2 and a[-1] == b[1]:
        return f"transpose the right: {b} becomes {b[::-1]} with .T"
    if len(a) == 2 and a[0] == (b[-2] if len(b) > 1 else b[0]):
        return f"transpose the left: {a} becomes {a[::-1]} with .T"
    return f"the right needs {a[-1]} rows, or the left needs {b[-2] if len(b) > 1 else b[0]} columns"


def _product(a: Any, b: Any) -> Any:
    # dot is the same product of two matrices, without the set-up for batches that takes @ longer than a small product.
    return a.dot(b) if a.ndim == b.ndim == 2 and type(a) is type(b) is np.ndarray else a @ b


def _products(a: Any, dz: Any) -> Any:
    """aᵀ @ dz, held back for arrays: a weight used at many steps is then served by one product."""
    if isinstance(dz, Tensor) or isinstance(a, Tensor):
        return a.T @ dz
    return Products((a.shape[1], dz.shape[1]), dz.dtype, [(a, dz)])


def _left(dz: Any, a: Any, b: Any) -> Any:
    """dL/da where an operand is a vector or a batch: vectors get their missing axis back first."""
    if len(b.shape) == 1:
        return b * dz.reshape(*dz.shape, 1) if len(a.shape) > 1 else b * dz
    if len(a.shape) == 1:
        return (b @ dz.reshape(*dz.shape, 1)).reshape(*b.shape[:-1])
    if len(b.shape) == 2:
        # One product over all batches, in place of one for each.
        return _product(dz.reshape(-1, dz.shape[-1]), b.T).reshape(*dz.shape[:-1], b.shape[0])
    return dz @ b.swapaxes(-1, -2)


def _right(dz: Any, a: Any, b: Any) -> Any:
    if len(a.shape) == 1:
        return a * dz if len(b.shape) == 1 else a.reshape(-1, 1) * dz.reshape(*dz.shape[:-1], 1, -1)
    if len(b.shape) == 1:
        return (dz.reshape(*dz.shape, 1) * a).sum(axis=tuple(range(len(a.shape) - 1)))
    if len(b.shape) == 2:
        return _products(a.reshape(-1, a.shape[-1]), dz.reshape(-1, dz.shape[-1]))
    return a.swapaxes(-1, -2) @ dz


class Reshape(Gate):
    """z has the elements of x, in order, in another shape; one size may be -1. dx = dz in x's shape.

    >>> Tensor([1.0, 2.0, 3.0, 4.0]).reshape(2, -1).array
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """

    symbol = "reshape"

    def __init__(self, to: int | Shape) -> None:
        self.to = (to,) if isinstance(to, (int, np.integer)) else tuple(to)

    def forward(self, x: Any) -> Any:
        return x.reshape(self.to)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (dz.reshape(x.shape),)

    def shape(self, *shapes: Shape) -> Shape:
        try:
            return np.broadcast_to(0, shapes[0]).reshape(self.to).shape
        except ValueError:
            size = int(np.prod(shapes[0], dtype=np.int64))
            raise ShapeError(
                "MG109",
                f"Reshape cannot put {shapes[0]} into {self.to}",
                cause=f"the one has {size} elements, the other has room for {int(np.prod(self.to, dtype=np.int64))}"
                if -1 not in self.to
                else f"{size} elements do not divide by the sizes given, or more than one size is -1",
                remedy="give sizes whose product is the number of elements; one of them may be -1",
            ) from None

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 0

    @classmethod
    def samples(cls) -> Any:
        x = np.random.default_rng(12).normal(size=(2, 3, 2))
        return ((cls(to), (x,)) for to in [(6, 2), (-1,), (3, -1, 2), (1, 12)])

    @classmethod
    def refused(cls) -> Any:
        yield cls((5, 2)), (np.ones((3, 4)),), ShapeError
        yield cls((-1, 5)), (np.ones((3, 4)),), ShapeError


class Transpose(Gate):
    """z has the axes of x in the order `axes` (None: reversed). dx = dz with the order undone.

    >>> Tensor([[1.0, 2.0]]).T.shape
    (2, 1)
    """

    symbol = "ᵀ"

    def __init__(self, axes: Shape | None = None) -> None:
        self.axes = None if axes is None else tuple(axes)

    def forward(self, x: Any) -> Any:
        return x.transpose(self.axes)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        if self.axes is None:
            return (dz.transpose(None),)
        axes = [axis % len(self.axes) for axis in self.axes]  # argsort undoes a permutation of 0..n-1, not of -1
        return (dz.transpose(tuple(int(axis) for axis in np.argsort(axes))),)

    def shape(self, *shapes: Shape) -> Shape:
        try:
            return np.broadcast_to(0, shapes[0]).transpose(self.axes).shape
        except ValueError:
            raise ShapeError(
                "MG107",
                f"Transpose cannot put the axes of {shapes[0]} in the order {self.axes}",
                cause=f"the order must name each of the {len(shapes[0])} axes once",
                remedy=f"for example {tuple(reversed(range(len(shapes[0]))))}",
            ) from None

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 0

    @classmethod
    def samples(cls) -> Any:
        x = np.random.default_rng(13).normal(size=(2, 3, 4))
        return ((cls(axes), (x,)) for axes in [None, (1, 2, 0), (0, -1, 1)])

    @classmethod
    def refused(cls) -> Any:
        yield cls((0, 1)), (np.ones((2, 3, 4)),), ShapeError
        yield cls((0, 0, 1)), (np.ones((2, 3, 4)),), ShapeError


class BroadcastTo(Gate):
    """z is x repeated along new axes, and along axes of size 1, up to shape `to`. dx = dz summed over the repetitions.

    >>> np.broadcast_to(Tensor([[1.0], [2.0]]), (2, 3)).array
    array([[1., 1., 1.],
           [2., 2., 2.]], dtype=float32)
    """

    symbol = "broadcast"

    def __init__(self, to: Shape) -> None:
        self.to = tuple(to)

    def forward(self, x: Any) -> Any:
        return np.broadcast_to(x, self.to)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (dz,)  # the engine sums over what was repeated, here as everywhere

    def shape(self, *shapes: Shape) -> Shape:
        if broadcast_shape(self.name, shapes[0], self.to) != self.to:
            raise ShapeError(
                "MG101",
                f"BroadcastTo cannot repeat {shapes[0]} up to {self.to}",
                cause="the target has fewer axes, or a size 1 where the input has more",
                remedy="sum or slice the input if it is to become smaller",
            )
        return self.to

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 0

    @classmethod
    def samples(cls) -> Any:
        rng = np.random.default_rng(14)
        yield cls((2, 3, 4)), (rng.normal(size=(3, 1)),)
        yield cls((3,)), (rng.normal(size=()),)

    @classmethod
    def refused(cls) -> Any:
        yield cls((3, 4)), (np.ones((2, 4)),), ShapeError
        yield cls((4,)), (np.ones((2, 4)),), ShapeError


matmul = implements(np.matmul)(MultiplyGate())


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
    """x with two axes exchanged, recorded as a Transpose."""
    axes = list(range(x.ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return Transpose(tuple(axes))(x)


@implements(np.broadcast_to)
def broadcast_to(x: TensorLike, shape: Shape) -> Tensor:
    """`BroadcastTo(shape)(x)`."""
    return BroadcastTo(shape)(x)
