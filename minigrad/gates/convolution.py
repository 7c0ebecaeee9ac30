"""Convolution, and the largest element of each window.

A window is a part of an image. It has a fixed size, and its position moves by the stride. An image
may have one axis, such as time, or two axes, height and width. To add zeros around it, use
`mg.pad`.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..errors import ShapeError
from ..gate import Gate, Shape
from ..graph import Array
from ..numpy_api import to_array
from ..support.arrays import BLOCK
from ..tensor import Tensor, TensorLike, as_tensors
from .basic import WIDE, apply, copied, on_floats
from .contraction import einsum
from .indexing import Scatter, pad
from .samples import samples_on
from .shape import _Moving, _ShapeOfForward

Size = int | tuple[int, ...]


class Windows(_Moving):
    """z = the windows of x: z[..., p, q, i, j] = x[..., p·s + i, q·s + j] for stride s.

    dx = the sum of dz over all windows that contain an element. `size` is a tuple with the size of
    the window along each of x's last axes, or an integer for a window along the last axis. `stride`
    is an integer, or a tuple with an integer for each of these axes.

    Shapes: x (..., n) has p = (n - size) // s + 1 windows along an axis. For two axes, z has shape
    (..., p, q, height, width). The last elements are left out if no further window fits.

    >>> windows(Tensor([1.0, 2.0, 3.0, 4.0]), 2, stride=2).array
    array([[1., 2.],
           [3., 4.]], dtype=float32)

    Errors: ShapeError if x is smaller than a window, or a size or stride is not a positive integer
    (MG162).

    Since: 0.2.
    """

    symbol = "windows"

    def __init__(
        self,
        size: Size,
        stride: Size = 1,
    ) -> None:
        self.size = along(copied(size), 1)
        self.stride = copied(stride)

    def forward(self, x):
        self.shape(x.shape)
        axes = tuple(range(-len(self.size), 0))
        steps = [slice(None, None, step) for step in along(self.stride, len(axes))]
        whole = [slice(None) for _ in axes]
        key: Any = (..., *steps, *whole)
        return sliding_window_view(x, self.size, axes)[key]

    def backward(self, dz, z, x):
        gate = AddWindows(x.shape, self.stride)
        return (apply(gate, dz),)

    def shape(self, *shapes: Shape) -> Shape:
        (x,) = shapes
        count = len(self.size)
        positions = _positions(self, x[-count:], self.size, self.stride)
        return (*x[:-count], *positions, *self.size)

    sample_inputs = samples_on(
        "2x5x6",
        settings=[
            3,
            {"size": 2, "stride": 3},
            (2, 3),
            {"size": (3, 1), "stride": (1, 2)},
        ],
    )


class AddWindows(_ShapeOfForward):
    """z = zeros of shape `to`, to which each window of x is added at its position. dx = the windows
    of dz.

    AddWindows is the transpose of Windows, as Scatter is the transpose of Slice. PyTorch calls it
    fold.

    Shapes: x has the shape of `Windows(size, stride)` of an array of shape `to`, (..., p, q,
    height, width). Errors: ShapeError for other shapes (MG109).

    >>> AddWindows((4,), 1)([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).array
    array([1., 5., 9., 6.], dtype=float32)

    Since: 0.2.
    """

    symbol = "add windows"
    remedy = "pass windows of an array of shape `to`, taken with the same stride"

    def __init__(self, to: Shape, stride: Size = 1) -> None:
        self.to = copied(tuple(to))
        self.stride = copied(stride)

    def forward(self, x):
        size = x.shape[len(self.to) :]
        try:
            fits = Windows(size, self.stride).shape(self.to) == x.shape
        except ShapeError:  # no array has windows of this size
            fits = False
        if not fits:
            raise ValueError("x does not have the shape of such windows")
        z = np.zeros(self.to, x.dtype)
        keys = _keys(self.to, size, self.stride)
        for place, key in zip(np.ndindex(*size), keys, strict=True):
            z[key] += x[(..., *place)]
        return z

    def backward(self, dz, z, x):
        gate = Windows(x.shape[len(self.to) :], self.stride)
        return (apply(gate, dz),)

    sample_inputs = samples_on(
        "2x3x2x3x3",
        settings=[
            (2, 5, 4),
            {
                "to": (2, 8, 4),
                "stride": (2, 1),
            },
        ],
    )


class Convolve(Gate):
    """z[n, f, p, q] = Σ x[n, c, p·s + i, q·s + j] · W[f, c, i, j], summed over c, i and j, for
    stride s.

    Each of the F filters in W covers a window in all channels, and is multiplied with each window
    of x. As in PyTorch, the kernel is not flipped. dW[f, c, i, j] = Σ dz[n, f, p, q] · x[n, c,
    p·s + i, q·s + j], summed over n, p and q. dx = the sum of dz[n, f, p, q] · W[f] over all filters,
    and over all windows that contain an element.

    Shapes: x (N, C, length) and W (F, C, size), or x (N, C, height, width) and W (F, C, height,
    width). z has shape (N, F, p) or (N, F, p, q), with p = (n - size) // s + 1 for an axis of x
    of size n.

    >>> conv(Tensor([[[1.0, 2.0, 4.0, 8.0]]]), Tensor([[[-1.0, 1.0]]])).array
    array([[[1., 2., 4.]]], dtype=float32)

    Errors: ShapeError if x and W have different numbers of axes or channels (MG163), or if the
    kernel is larger than the image or the stride is not a positive integer (MG162). Source:
    Goodfellow, Bengio and Courville, Deep Learning (2016), section 9.1; Dumoulin and Visin, A guide
    to convolution arithmetic (2016), for the shapes.

    Since: 0.2.
    """

    symbol = "∗"

    def __init__(self, stride: Size = 1) -> None:
        self.stride = copied(stride)

    def forward(self, x, W):
        if x.dtype.char not in WIDE:
            return on_floats(self, x, W)
        F = len(W)
        shape = self.shape(x.shape, W.shape)
        z = _empty(shape, np.result_type(x, W))
        target = _images(z)
        matrix = W.reshape(F, -1)
        for rows, columns in self._columns(x, W):
            part = target[:, rows].reshape(F, -1)  # a view
            np.matmul(matrix, columns, out=part)
        return z

    def backward(self, dz, z, x, W):
        if isinstance(dz, Tensor):
            add_windows = AddWindows(x.shape, self.stride)
            of_x = windows(x, W.shape[2:], self.stride)
            return (
                lambda: add_windows(
                    _einsum("nfpq,fcij->ncpqij", dz, W),
                ),
                lambda: _einsum("nfpq,ncpqij->fcij", dz, of_x),
            )
        dz = np.ascontiguousarray(_images(dz))
        return (
            lambda: self._dx(dz, x, W),
            lambda: self._dW(dz, x, W),
        )

    def _dx(self, dz, x, W):
        dx = _empty(x.shape, dz.dtype)
        dx.fill(0)
        images = _images(dx)
        down, right = self._steps(W)
        W = _two_axes(W)
        F, C, height, width = W.shape
        _, p, q, N = dz.shape
        # Row h of dx is a product of the rows of dz whose windows contain it. With zeros around
        # and between the rows of dz, these are `height` neighbouring rows, the last one first.
        rows_of_x = images.shape[1]
        size = (F, rows_of_x + height - 1, q, N)
        spread = np.zeros(size, dz.dtype)
        end = height + (p - 1) * down
        spread[:, height - 1 : end : down] = dz
        matrix = W[:, :, ::-1].transpose(1, 3, 0, 2)
        matrix = matrix.reshape(C * width, F * height)
        target = _windows(images, (1, width), (1, right))
        target = target[:, 0]  # a view of dx
        for rows, columns in _columns(spread, (height, 1), (1, 1)):
            parts = target[:, :, rows]
            products = matrix @ columns
            products = products.reshape(parts.shape)
            for j in range(width):
                parts[:, j] += products[:, j]
        return dx

    def _dW(self, dz, x, W):
        F = len(dz)
        dW: Any = 0
        for rows, columns in self._columns(x, W):
            of_rows = dz[:, rows].reshape(F, -1)
            dW = dW + columns @ of_rows.T
        return dW.T.reshape(W.shape)

    def _columns(self, x, W):
        size = (1, *W.shape[2:])[-2:]
        return _columns(_images(x), size, self._steps(W))

    def _steps(self, W):
        """Return the stride along height and width."""
        return (1, *along(self.stride, W.ndim - 2))[-2:]

    def product(self, x: Tensor, W: Tensor) -> Tensor:
        """Return z, computed by two gates: the product of W and the windows of x."""
        of_x = windows(x, W.shape[2:], self.stride)
        return _einsum("fcij,ncpqij->nfpq", W, of_x)

    def shape(self, *shapes: Shape) -> Shape:
        x, W = shapes
        axes = len(W)
        if len(x) != axes or axes not in (3, 4) or x[1] != W[1]:
            raise ShapeError(
                "MG163",
                f"{self.name} cannot apply filters W {W} to images x {x}",
                cause="x must have shape (N, C, length) and W (F, C, size), or x (N, C, height, "
                "width) and W (F, C, height, width), with the same number C of channels",
                remedy="for images without a channel axis, pass x[:, None]; for images (N, height, "
                "width, C), pass x.transpose(0, 3, 1, 2)",
            )
        positions = _positions(
            self,
            x[2:],
            W[2:],
            self.stride,
        )
        return (x[0], W[0], *positions)

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 2 * math.prod(output) * math.prod(shapes[1][1:])

    sample_inputs = samples_on(
        "2x3x5x4 2x3x3x2",
        "3x1x6x6 2x1x3x3",
        "2x3x7 2x3x3",
        "0x2x4x4 1x2x2x2",
        settings=[1, 2],
    )


class MaxPool(Windows):
    """z = the maximum of each window of x. dx = dz at the maximum of each window, 0 elsewhere.

    If a window has several equal maxima, the first one gets the gradient, as in PyTorch. (In a
    matrix, the first is in the highest row, and in this row furthest to the left.) mg.max shares
    the gradient instead. `size` and `stride` have the same meaning as in Windows. By default, the
    stride is the size, so that the windows do not overlap.

    Shapes: z has the size p = (n - size) // stride + 1 along an axis of x of size n.

    >>> max_pool(Tensor([[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 0.0]]), (2, 2)).array
    array([[5., 2.]], dtype=float32)

    Errors: ShapeError if x is smaller than a window, or a size or stride is not a positive integer
    (MG162). Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 9.3.

    Since: 0.2.
    """

    symbol = "max pool"
    operations = 1

    def __init__(
        self,
        size: Size,
        stride: Size | None = None,
    ) -> None:
        super().__init__(size, size if stride is None else stride)

    def forward(self, x):
        self.shape(x.shape)
        keys = _keys(x.shape, self.size, self.stride)
        first, *others = [x[key] for key in keys]
        z = first.copy("K")
        for other in others:
            np.maximum(z, other, out=z)
        return z

    def backward(self, dz, z, x):
        if isinstance(dz, Tensor):
            parts = [Scatter(x.shape, key)(dz * first) for key, first in self._first(z, x)]
            return (sum(parts),)
        dx = np.zeros_like(x, dz.dtype)
        overlap = np.any(np.less(self.stride, self.size))
        for key, first in self._first(z, x):
            first = first.astype(dz.dtype)  # NumPy multiplies by booleans more slowly
            if overlap:
                dx[key] += dz * first
            else:
                np.multiply(dz, first, out=dx[key])
        return (dx,)

    def _first(self, z, x):
        """Yield (key, whether x[key] is the first maximum of its window), for all windows."""
        x, z = to_array(x), to_array(z)
        free = np.ones_like(z, bool)
        for key in _keys(x.shape, self.size, self.stride):
            first = x[key] == z
            first &= free
            free ^= first
            yield key, first

    def shape(self, *shapes: Shape) -> Shape:
        return super().shape(*shapes)[: -len(self.size)]


def _einsum(subscripts: str, *operands: Tensor) -> Tensor:
    """Return an einsum for images (N, C, height, width). For one axis, q and j are left out."""
    if operands[0].ndim == 3:
        subscripts = subscripts.replace("q", "").replace("j", "")
    return einsum(subscripts, *operands)


def _two_axes(x: Array) -> Array:
    """Add a height of 1 to images or filters that only have a length."""
    return x if x.ndim == 4 else x[:, :, None]


def _images(x: Array) -> Array:
    """Return images (N, C, ...) as (C, height, width, N).

    In this order, copying a row of pixels copies the rows of all images, which are next to each
    other in memory.
    """
    return _two_axes(x).transpose(1, 2, 3, 0)


def _empty(shape: Shape, dtype: Any) -> Array:
    """Return an empty array (N, C, ...) with the memory order of `_images`."""
    first, *others = shape
    last = np.empty((*others, first), dtype)
    return np.empty_like(last.transpose(-1, *range(len(others))))


def _windows(
    images: Array,
    size: Shape,
    stride: Shape,
) -> Array:
    """View images (C, H, W, N) as their windows (C, height, width, p, q, N)."""
    C, *sizes, N = images.shape
    channel, *steps, image = images.strides
    positions, moves = [], []
    for n, k, s, step in zip(sizes, size, stride, steps, strict=True):
        positions.append((n - k) // s + 1)
        moves.append(step * s)
    shape = (C, *size, *positions, N)
    strides = (channel, *steps, *moves, image)
    return np.ndarray(shape, images.dtype, images, strides=strides)  # faster than as_strided


def _columns(
    images: Array,
    size: Shape,
    stride: Shape,
) -> Iterator[tuple[slice, Array]]:
    """Copy the windows of images (C, H, W, N) to the columns of a matrix, a block at a time.

    Yields the block's rows, as a slice of p, and the matrix (C · height · width, windows). The next
    block overwrites this matrix.
    """
    windows = _windows(np.ascontiguousarray(images), size, stride)
    *places, p, q, N = windows.shape
    count = math.prod(places)
    height = 2 * BLOCK // max(count * q * N, 1)
    height = min(max(height, 1), p)
    buffer = np.empty(count * height * q * N, images.dtype)
    for top in range(0, p, height):
        rows = slice(top, top + height)
        block = windows[:, :, :, rows]
        columns = buffer[: block.size].reshape(block.shape)
        columns[...] = block
        yield rows, columns.reshape(count, -1)


def along(size: Size, axes: int) -> Shape:
    """Return the size or stride along each of `axes` axes, which is the same unless it is a tuple."""
    sizes = np.asarray(size).tolist()
    if isinstance(sizes, list):
        return tuple(sizes)
    return (sizes,) * axes


def _positions(
    gate: Gate,
    sizes: Shape,
    window: Shape,
    stride: Size,
) -> Shape:
    """Return the number of windows along each axis, or raise a ShapeError if none fits."""
    with suppress(TypeError, ValueError):  # not integers, or not one for each axis
        steps = along(stride, len(window))
        axes = zip(sizes, window, steps, strict=True)
        starts = [range(0, n - k + 1, s) for n, k, s in axes]
        if all(starts) and min(*window, *steps) > 0:
            return tuple(map(len, starts))
    raise ShapeError(
        "MG162",
        f"{gate.name} cannot move a window {window} over axes {sizes} with the stride {stride}",
        cause="each size and each stride must be an integer of 1 or more, and no axis may be "
        "smaller than the window",
        remedy="use a smaller window, or add zeros around x with mg.pad",
    )


def _keys(
    shape: Shape,
    window: Shape,
    stride: Size,
) -> Iterator[Any]:
    """For each place in a window, yield the key that selects the elements at this place in all
    windows of an array of `shape`.
    """
    sizes = shape[-len(window) :]
    steps = along(stride, len(window))
    axes = [*zip(sizes, window, steps, strict=True)]
    for place in np.ndindex(*window):
        starts = zip(place, axes, strict=True)
        slices = [slice(i, i + n - k + 1, s) for i, (n, k, s) in starts]
        yield (..., *slices)


def windows(
    x: TensorLike,
    size: Size,
    stride: Size = 1,
) -> Tensor:
    """`Windows(size, stride)(x)`: see the class for the formula.

    Since: 0.2.
    """
    return Windows(size, stride)(x)


def conv(
    x: TensorLike,
    W: TensorLike,
    stride: Size = 1,
    padding: Size = 0,
) -> Tensor:
    """`Convolve(stride)(x, W)`: see the class for the formula. `padding` zeros are added on both
    sides of each axis of an image. This is recorded as a Pad.

    Since: 0.2.
    """
    x, W = as_tensors([x, W])
    if np.any(padding) and x.ndim == W.ndim:
        axes = W.ndim - 2
        sides = [(one, one) for one in along(padding, axes)]
        width = [(0, 0), (0, 0), *sides]
        x = pad(x, width)
    return Convolve(stride)(x, W)


def max_pool(
    x: TensorLike,
    size: Size,
    stride: Size | None = None,
) -> Tensor:
    """`MaxPool(size, stride)(x)`: see the class for the formula.

    Since: 0.2.
    """
    return MaxPool(size, stride)(x)
