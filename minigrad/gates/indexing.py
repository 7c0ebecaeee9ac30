"""Gates that select, move or join elements: slices, scatter, padding, concatenation, where."""

from collections.abc import Sequence
from operator import add
from typing import Any

import numpy as np

from ..errors import IndexRangeError, OptionError, ShapeError
from ..gate import Gate, Shape
from ..gradients import SparseGradient
from ..help.engine_errors import no_gate
from ..help.other_frameworks import call_renamed
from ..numpy_api import implements, keep_dtype, to_array
from ..tensor import Tensor, TensorLike, as_tensors
from .activation import axes_of
from .basic import copied
from .samples import samples_on
from .shape import Reshape, _Moving, _ShapeOfForward


class Slice(_Moving):
    """z = x[key], for any key that NumPy accepts. dx = dz at `key`, and 0 elsewhere.

    If the key selects an element more than once, its gradients are added. The gradient is a
    SparseGradient, so slicing a sequence forty times does not allocate forty arrays of its size.

    >>> Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[:, 1].array
    array([2., 5.], dtype=float32)

    Errors: IndexRangeError if x has no element at `key` (MG140).

    Since: 0.1.
    """

    symbol = "[ ]"

    def __init__(self, key) -> None:
        self.key = plain_key(key)

    def forward(self, x):
        try:
            return x[self.key]
        except (IndexError, TypeError) as error:
            raise IndexRangeError(
                "MG140",
                f"an array of shape {x.shape} has no element [{_show(self.key)}]",
                cause=str(error),
                remedy="for an axis of size n, use an index from 0 to n - 1, or from -n to -1 to "
                "count from the end",
            ) from None

    def backward(self, dz, z, x):
        return (lambda: gradient_of_picked(x.shape, self.key, dz),)

    sample_inputs = samples_on(
        "3x4x2",
        settings=[
            0,
            np.s_[:, 1],
            np.s_[::-2,],
            np.s_[..., None, 1],
            np.s_[:2, 1:3],
            [0, 2, 0],
            np.s_[[0, 2, 2], [1, 1, 1]],
            np.arange(24).reshape(3, 4, 2) % 5 < 2,
            (0, 0, 0),
            True,
            np.s_[[0, 2], 0, :],
            [],
            np.s_[:, []],
        ],
    )


class Scatter(_ShapeOfForward):
    """z = zeros of shape `to`, with x added at `key`. dx = dz[key].

    Scatter is the transpose of Slice. In second derivatives, it replaces Slice's sparse gradient,
    which is not a Tensor.

    >>> Scatter((3,), np.array([0, 2, 0]))([1.0, 2.0, 3.0]).array
    array([4., 0., 2.], dtype=float32)

    Since: 0.1.
    """

    symbol = "scatter"

    def __init__(self, to: Shape, key) -> None:
        self.to, self.key = copied(to), plain_key(key)

    def forward(self, x):
        return SparseGradient(self.to, x.dtype, [(self.key, x)]).dense()

    def backward(self, dz, z, x):
        return (dz[self.key],)

    sample_inputs = samples_on(
        "3x4",
        settings=[
            {"to": (3, 4), "key": [0, 2, 0]},
            {"to": (3, 5), "key": np.s_[:, :4]},
        ],
    )


class Pad(_Moving):
    """z = x surrounded by `constant`. dx = the part of dz that corresponds to x.

    `widths` tells how many elements to add before and after x along each axis. It is a list with
    a pair for each axis, one pair for all axes, or one number for both sides of every axis.

    >>> pad(Tensor([1.0, 2.0]), (0, 2)).array
    array([1., 2., 0., 0.], dtype=float32)

    Errors: ShapeError (MG109) if a width is negative or not an integer, or if the number of pairs
    is wrong.

    Since: 0.2.
    """

    symbol = "pad"
    remedy = (
        "pass one number, one pair (before, after), or one pair for each axis; "
        "every number must be an integer of at least 0"
    )

    def __init__(self, widths, constant: float = 0) -> None:
        self.widths = np.array(copied(widths), object).tolist()
        self.constant = copied(constant)

    def forward(self, x):
        return np.pad(x, self.widths, constant_values=self.constant)

    def backward(self, dz, z, x):
        starts = np.broadcast_to(self.widths, (len(x.shape), 2))[:, 0].tolist()
        ends = map(add, starts, x.shape)
        return (dz[tuple(map(slice, starts, ends))],)

    sample_inputs = samples_on(
        "3x2",
        settings=[1, (2, 0), ((0, 1), (3, 2)), ((1, 2),), {"widths": 1, "constant": -1.5}],
    )


class _Joining(_Moving):
    """Base class of Concatenate and Stack.

    Errors: ShapeError (MG109) if the shapes cannot be joined, or if there are no inputs.
    """

    def __init__(self, axis: int = 0) -> None:
        self.axis = copied(axis)


class Concatenate(_Joining):
    """z = the inputs joined end to end along `axis`. Each input's gradient is the corresponding
    part of dz.

    Shapes: the inputs' sizes are equal except along `axis`, where z's size is the sum of their
    sizes.

    >>> concatenate([Tensor([1.0]), Tensor([2.0, 3.0])]).array
    array([1., 2., 3.], dtype=float32)

    Since: 0.1.
    """

    symbol = "concat"
    remedy = "join along another axis, or use mg.stack to add a new axis"

    def forward(self, *arrays):
        return np.concatenate(arrays, axis=self.axis)

    def backward(self, dz, z, *arrays):
        sizes = [array.shape[self.axis] for array in arrays]
        return np.split(dz, np.cumsum(sizes)[:-1], axis=self.axis)

    sample_inputs = samples_on("2x1x3 2x2x3", "2x3x2 2x3x2 2x3x2", settings=[1, -2])


class Stack(_Joining):
    """z = the inputs, all of the same shape, joined along a new axis.

    Each input's gradient is the corresponding slice of dz.

    >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])], axis=1).array
    array([[1., 3.],
           [2., 4.]], dtype=float32)

    Since: 0.1.
    """

    symbol = "stack"
    remedy = "to join arrays that differ along one axis, use mg.concatenate"

    def forward(self, *arrays):
        return np.stack(arrays, axis=self.axis)

    def backward(self, dz, z, *arrays):
        axis = self.axis % len(z.shape)
        return [dz[along_axis(axis, number)] for number in range(len(arrays))]

    sample_inputs = samples_on("2x4 2x4 2x4", settings=[0, 1, -1])


class Where(Gate):
    """z = a where `condition` is true, else b.

    da = dz where `condition` is true, else 0. db = dz where `condition` is false, else 0.

    Shapes: `condition`, a and b broadcast together.

    >>> where([True, False], Tensor([1.0, 2.0]), 0.0).array
    array([1., 0.], dtype=float32)

    Since: 0.1.
    """

    symbol = "where"
    constant_inputs = (0,)

    def forward(self, condition, a, b):
        return np.where(condition, a, b)

    def backward(self, dz, z, condition, a, b):
        # dz * condition would be NaN where the condition is false and dz is NaN or infinite.
        return (
            None,
            lambda: np.where(condition, dz, 0),
            lambda: np.where(condition, 0, dz),
        )

    sample_inputs = samples_on(
        [np.eye(3, 4) > 0, "3x4", "3x4"],
        [np.eye(3, 4) > 0, "4", "()"],
    )


def gradient_of_picked(shape: Shape, key: Any, dz: Any) -> Any:
    """Return dx for z = x[key], where x has `shape`. It is recorded if dz is a Tensor."""
    if isinstance(dz, Tensor):
        return Scatter(shape, key)(dz)
    return SparseGradient(shape, dz.dtype, [(key, np.asarray(dz))])


def along_axis(axis: int, part: Any) -> Any:
    """Return the key that selects `part` along an axis, which must not be negative."""
    return (*[slice(None)] * axis, part)


def slice_(x: TensorLike, key: Any) -> Tensor:
    """`Slice(key)(x)`, which x[key] also records.

    If nothing is recorded and x has a name, the result gets a name such as "x[:, 2]".
    """
    gate = Slice(key)
    part = gate(x)
    if part.node.gate is None and isinstance(x, Tensor) and x.name:
        part.name = f"{x.name}[{_show(gate.key)}]"
    return part


@implements(np.concatenate)
def concatenate(tensors: Sequence[TensorLike], axis: int | None = 0, **others: Any) -> Tensor:
    """`Concatenate(axis)(*tensors)`. With axis=None, the tensors are flattened first.

    Since: 0.1.
    """
    if others:
        return call_renamed(concatenate, **locals())
    if axis is None:
        tensors, axis = [Reshape(-1)(one) for one in tensors], 0
    return Concatenate(axis)(*tensors)


@implements(np.stack)
def stack(tensors: Sequence[TensorLike], axis: int = 0, **others: Any) -> Tensor:
    """`Stack(axis)(*tensors)`.

    Since: 0.1.
    """
    if others:
        return call_renamed(stack, **locals())
    return Stack(axis)(*tensors)


@implements(np.where)
def where(
    condition: TensorLike,
    a: TensorLike,
    b: TensorLike,
    **others: Any,
) -> Tensor:
    """`Where()(condition, a, b)`. z has the dtype of a and b. Nonzero conditions count as true.

    Since: 0.1.
    """
    if others:
        return call_renamed(where, **locals())
    condition = keep_dtype(condition)
    if condition.dtype != np.bool_:
        # convert a and b together with a boolean, which does not affect their dtype
        _, a, b = as_tensors([np.array(True), a, b])
    return Where()(condition, a, b)


@implements(np.pad)
def pad(
    x: TensorLike,
    pad_width: Any,
    mode: str = "constant",
    *,
    constant_values: float = 0,
) -> Tensor:
    """`Pad(pad_width, constant_values)(x)`. Only mode="constant" is supported.

    Since: 0.2.
    """
    if mode != "constant":
        raise no_gate(f"np.pad with mode={mode!r}, only for mode='constant'")
    return Pad(pad_width, constant_values)(x)


def split(
    x: TensorLike,
    indices: int | Sequence[int],
    axis: int = 0,
    **others: Any,
) -> list[Tensor]:
    """Split x along `axis` at the given indices: z_i = x[a_i : a_(i+1)].

    Each part is recorded as a Slice, and has x's shape except along `axis`. For n equal parts, use
    np.split(x, n). An integer n raises an error unless n parts have the size n, because it is the
    number of parts in NumPy, but the size of each part in PyTorch.

    >>> [part.array.tolist() for part in split(Tensor([1.0, 2.0, 3.0, 4.0]), [1, 3])]
    [[1.0], [2.0, 3.0], [4.0]]

    Errors: ShapeError if x does not have the axis (MG107); OptionError for an integer (MG174).

    Since: 0.2.
    """
    if others:
        return call_renamed(split, **locals())
    (x,) = as_tensors([x])
    axes_of("split", axis, x.shape)
    number, length = to_array(indices), x.shape[axis]
    if np.ndim(number) == 0 and number * number != length:
        raise OptionError(
            "MG174",
            f"split cannot tell what {number} means for an axis of size {length}",
            cause="an integer is the number of parts in NumPy, and the size of each part in PyTorch",
            remedy=f"for {number} equal parts, use np.split(x, {number}, axis={axis}); for parts of size "
            f"{number}, pass the indices: mg.split(x, range({number}, {length}, {number}), axis={axis})",
        )
    return _split(x, number, axis)


@implements(np.split)
def _split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    (x,) = as_tensors([x])
    (axis,) = axes_of("split", axis, x.shape)
    try:
        parts = np.split(np.arange(x.shape[axis]), to_array(indices_or_sections))
    except (ValueError, ZeroDivisionError):
        raise ShapeError(
            "MG176",
            f"an axis of size {x.shape[axis]} cannot be split into {indices_or_sections} equal parts",
            cause="the number of parts must divide the size",
            remedy="pass a divisor of the size, or a list of the indices at which parts begin, such as "
            "[2, 4]",
        ) from None
    return [slice_(x, along_axis(axis, slice(*_ends(part)))) for part in parts]


def _ends(part: Any) -> tuple[int, int]:
    if not part.size:
        return 0, 0
    return int(part[0]), int(part[-1]) + 1


@implements(np.take_along_axis)
def take_along_axis(
    x: TensorLike,
    indices: TensorLike,
    axis: int | None = -1,
    **others: Any,
) -> Tensor:
    """Select the element of x at each index along `axis`.

    The operation is recorded as a Slice.

    For a matrix and axis=1, z[i, j] = x[i, indices[i, j]]. `indices` is an integer array with as
    many axes as x, and z has its shape. With axis=None, `indices` has one axis and refers to the
    flattened x, as in NumPy. If an element is selected more than once, its gradients are added.

    >>> take_along_axis(Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), [[2], [0]]).array
    array([[3.],
           [4.]], dtype=float32)

    Errors: raised by NumPy if an index is out of range or not an integer, or if `indices` has the
    wrong number of axes.

    Since: 0.2.
    """
    if others:
        return call_renamed(take_along_axis, **locals())
    (x,) = as_tensors([x])
    picked = np.asarray(to_array(indices))
    np.take_along_axis(np.broadcast_to(False, x.shape), picked, axis)  # raises NumPy's errors
    if axis is None:
        return slice_(Reshape(-1)(x), picked)
    key: list[Any] = list(np.ix_(*map(np.arange, x.shape)))
    key[axis] = picked
    return slice_(x, tuple(key))


def plain_key(key: Any) -> Any:
    """Return a key with its lists and Tensors converted to arrays.

    Arrays are copied, because the caller may change them.
    """
    if type(key) is int:
        return key
    if type(key) is tuple:
        return tuple([plain_key(part) for part in key])
    if type(key) is slice:
        bounds = key.start, key.stop, key.step
        if bounds == (None, None, None) or np.ndarray not in map(type, bounds):
            return key
        return slice(*[np.asarray(bound).item() for bound in bounds])
    if isinstance(key, Tensor):
        return key.array.copy()
    if isinstance(key, list):
        array = np.array(key)
        return array if array.size else array.astype(np.intp)  # like NumPy, treat [] as integers
    return key.copy() if isinstance(key, np.ndarray) else key


def _show(key) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join(map(_show_part, parts))


def _show_part(part) -> str:
    if not isinstance(part, slice):
        return "..." if part is Ellipsis else str(part).replace("\n", "")
    step = [] if part.step is None else [part.step]
    bounds = [part.start, part.stop, *step]
    return ":".join("" if bound is None else str(bound) for bound in bounds)
