"""Gates that pick, place or join elements: slicing, scatter, padding, concatenation, stacking,
where.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..context import SEAMS
from ..errors import IndexRangeError
from ..gate import Gate, Shape
from ..graph import Array
from ..help.engine_errors import no_gate
from ..numpy_api import implements, to_array
from ..tensor import Tensor, TensorLike, as_tensors
from .activation import axes_of
from .samples import samples_on
from .shape import Reshape, _Moving, _ShapeOfForward


class Slice(_Moving):
    """z = x[key], for any key that NumPy takes. dx = dz at key, 0 elsewhere, added up where key
    picks an element twice.

    Where `minigrad.fast` is enabled, the gradient stays sparse until the whole array is needed, so
    that forty slices of one sequence do not allocate forty arrays of its size.

    >>> Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[:, 1].array
    array([2., 5.], dtype=float32)

    Errors: IndexRangeError for a key that x does not have (MG140).
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
                remedy="indices run from 0 to the size of the axis less 1, or from -1 backwards",
            ) from None

    def backward(self, dz, z, x):
        return (lambda: gradient_of_picked(x.shape, self.key, dz),)

    sample_inputs = samples_on([(3, 4, 2)], settings=[
        0, (slice(None), 1), (slice(None, None, -2),), (..., None, 1), (slice(0, 2), slice(1, 3)), [0, 2, 0],
        ([0, 2, 2], [1, 1, 1]), np.arange(24).reshape(3, 4, 2) % 5 < 2, (0, 0, 0), True, ([0, 2], 0, slice(None)),
        [], (slice(None), []),
    ])  # fmt: skip


class Scatter(_ShapeOfForward):
    """z = zeros of shape `to`, with x added at `key`: the transpose of Slice. dx = dz[key].

    Second derivatives use it as the gradient of Slice, because a sparse gradient is not a Tensor.

    >>> Scatter((3,), np.array([0, 2, 0]))([1.0, 2.0, 3.0]).array
    array([4., 0., 2.], dtype=float32)
    """

    symbol = "scatter"

    def __init__(self, to: Shape, key) -> None:
        self.to, self.key = to, plain_key(key)

    def forward(self, x):
        return scatter(self.to, self.key, x)

    def backward(self, dz, z, x):
        return (dz[self.key],)

    sample_inputs = samples_on([(3, 4)], settings=[
        {"to": (3, 4), "key": [0, 2, 0]}, {"to": (3, 5), "key": (slice(None), slice(4))}
    ])  # fmt: skip


class Pad(_Moving):
    """z = x with `constant` around it. dx = the part of dz where x is.

    `widths` says how many elements come before and after along each axis: a pair for each axis, one
    pair for all axes, or one number for both sides of all.

    >>> pad(Tensor([1.0, 2.0]), (0, 2)).array
    array([1., 2., 0., 0.], dtype=float32)

    Errors: ShapeError for widths that do not fit (MG109).
    """

    symbol = "pad"
    remedy = (
        "give one number, one pair (before, after), or a pair for each axis; all integers from 0"
    )

    def __init__(self, widths, constant: float = 0) -> None:
        # a copy: the caller's may change
        self.widths, self.constant = np.array(widths, object).tolist(), constant

    def forward(self, x):
        return np.pad(x, self.widths, constant_values=self.constant)

    def backward(self, dz, z, x):
        starts = np.broadcast_to(self.widths, (len(x.shape), 2))[:, 0].tolist()
        return (
            dz[
                tuple(
                    slice(start, start + size) for start, size in zip(starts, x.shape, strict=True)
                )
            ],
        )

    sample_inputs = samples_on(
        [(3, 2)], settings=[1, (2, 0), ((0, 1), (3, 2)), ((1, 2),), {"widths": 1, "constant": -1.5}]
    )


class _Joining(_Moving):
    """What Concatenate and Stack share: the axis and the refusals.

    Errors: ShapeError for shapes that do not fit, or for no inputs (MG109).
    """

    def __init__(self, axis: int = 0) -> None:
        self.axis = axis


class Concatenate(_Joining):
    """z = the inputs joined end to end along `axis`. Each gets back its own part of dz.

    Shapes: equal but along `axis`, where z has the sum of the sizes.

    >>> concatenate([Tensor([1.0]), Tensor([2.0, 3.0])]).array
    array([1., 2., 3.], dtype=float32)
    """

    symbol = "concat"
    remedy = "join along another axis, or use mg.stack for a new one"

    def forward(self, *arrays):
        return np.concatenate(arrays, axis=self.axis)

    def backward(self, dz, z, *arrays):
        ends = np.cumsum([array.shape[self.axis] for array in arrays]).tolist()
        before = (slice(None),) * (self.axis % len(z.shape))
        return [
            dz[(*before, slice(start, end))] for start, end in zip([0, *ends], ends, strict=False)
        ]

    sample_inputs = samples_on([(2, 1, 3), (2, 2, 3)], [(2, 3, 2)] * 3, settings=[1, -2])


class Stack(_Joining):
    """z = the inputs, all of one shape, joined along a new axis. Each gets back its own slice of
    dz.

    >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])], axis=1).array
    array([[1., 3.],
           [2., 4.]], dtype=float32)
    """

    symbol = "stack"
    remedy = "mg.concatenate joins arrays that differ along one axis"

    def forward(self, *arrays):
        return np.stack(arrays, axis=self.axis)

    def backward(self, dz, z, *arrays):
        before = (slice(None),) * (self.axis % len(z.shape))
        return [dz[(*before, number)] for number in range(len(arrays))]

    sample_inputs = samples_on([(2, 4)] * 3, settings=[0, 1, -1])


class Where(Gate):
    """z = a where the condition holds, else b, shapes broadcast. The gradient goes to the one that
    was chosen.

    >>> where([True, False], Tensor([1.0, 2.0]), 0.0).array
    array([1., 0.], dtype=float32)
    """

    symbol = "where"
    constant_inputs = (0,)

    def forward(self, condition, a, b):
        return np.where(condition, a, b)

    def backward(self, dz, z, condition, a, b):
        # Not a product of dz with the condition, which is NaN where dz is NaN or infinite.
        return None, lambda: np.where(condition, dz, 0), lambda: np.where(condition, 0, dz)

    sample_inputs = samples_on([np.eye(3, 4) > 0, (3, 4), (3, 4)], [np.eye(3, 4) > 0, (4,), ()])


def gradient_of_picked(shape: Shape, key: Any, dz: Any) -> Any:
    """dx for z = x[key] and an x of `shape`; of a Tensor dz, recorded."""
    return (
        Scatter(shape, key)(dz)
        if isinstance(dz, Tensor)
        else SEAMS.scatter(shape, key, np.asarray(dz))
    )


@SEAMS.plain
def scatter(shape: Shape, key: Any, values: Array, distinct: bool = False) -> Array:
    """Zeros with `values` added at `key`. `distinct` tells that it picks nothing twice."""
    whole = np.zeros(shape, values.dtype)
    np.add.at(whole, key, values)  # += would count an element once that the key picks twice
    return whole


def slice_(x: TensorLike, key: Any) -> Tensor:
    """`Slice(key)(x)`, what x[key] records. Where nothing is recorded, a part of a named x is
    named: "x[:, 2]".
    """
    gate = Slice(key)
    part = gate(x)
    if part.node.gate is None and isinstance(x, Tensor) and x.name:
        part.name = f"{x.name}[{_show(gate.key)}]"
    return part


@implements(np.concatenate)
def concatenate(tensors: Sequence[TensorLike], axis: int | None = 0) -> Tensor:
    """`Concatenate(axis)(*tensors)`; with axis=None of all elements of each, in order, as NumPy."""
    if axis is None:
        tensors, axis = [Reshape(-1)(one) for one in tensors], 0
    return Concatenate(axis)(*tensors)


@implements(np.stack)
def stack(tensors: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """`Stack(axis)(*tensors)`."""
    return Stack(axis)(*tensors)


@implements(np.where)
def where(condition: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
    """`Where()(condition, a, b)`. The dtype of z is that of a and b; any number but 0 is a
    condition that holds.
    """
    condition = whole(condition)
    if condition.dtype != np.bool_:
        _, a, b = as_tensors([np.array(True), a, b])  # beside a boolean, which changes no dtype
    return Where()(condition, a, b)


@implements(np.pad)
def pad(
    x: TensorLike, pad_width: Any, mode: str = "constant", *, constant_values: float = 0
) -> Tensor:
    """`Pad(pad_width, constant_values)(x)`: these are widths and constant. NumPy's other modes are
    not recorded.
    """
    if mode != "constant":
        raise no_gate(f"np.pad with mode={mode!r}, only for mode='constant'")
    return Pad(pad_width, constant_values)(x)


@implements(np.split)
def split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """z_i = x[a_i : a_(i+1)] along `axis`: so many equal parts, or cut before the given indices.
    Each is a Slice of x.

    Returns a list; each z_i has the shape of x but along `axis`. As in NumPy, the number counts the
    parts; PyTorch's split takes the size of a part.

    >>> [part.array.tolist() for part in split(Tensor([1.0, 2.0, 3.0, 4.0]), [1, 3])]
    [[1.0], [2.0, 3.0], [4.0]]

    Errors: ShapeError for an axis that is not there (MG107); NumPy's for parts of different sizes.
    """
    (x,) = as_tensors([x])
    axes_of("split", axis, x.shape)
    parts = np.split(np.arange(x.shape[axis]), to_array(indices_or_sections))
    ranges = [slice(int(part[0]), int(part[-1]) + 1) if part.size else slice(0) for part in parts]
    return [slice_(x, (*(slice(None),) * (axis % x.ndim), one)) for one in ranges]


@implements(np.take_along_axis)
def take_along_axis(x: TensorLike, indices: TensorLike, axis: int | None = -1) -> Tensor:
    """z = x at `indices` along `axis`, and at z's own place along the others: one number for each
    index, as a Slice.

    `indices` are integers, with as many axes as x, and z has their shape. With axis=None they have
    one axis, and number all elements of x in order, as in NumPy. What is picked several times gets
    the sum of its gradients.

    >>> take_along_axis(Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), [[2], [0]]).array
    array([[3.],
           [4.]], dtype=float32)

    Errors: NumPy's, for indices outside the axis, of another kind than integers, or with fewer
    axes.
    """
    (x,) = as_tensors([x])
    picked = np.asarray(to_array(indices))
    np.take_along_axis(np.broadcast_to(False, x.shape), picked, axis)  # for its errors
    if axis is None:
        return slice_(Reshape(-1)(x), picked)
    key: list[Any] = list(np.ix_(*map(np.arange, x.shape)))
    key[axis] = picked
    return slice_(x, tuple(key))


def whole(values: TensorLike) -> TensorLike:
    """Labels, ids or conditions: a list of integers stays integers, where other inputs of gates
    become float32.
    """
    return values if isinstance(values, Tensor) else np.asanyarray(values)


def plain_key(key: Any) -> Any:
    """A key with its lists and Tensors converted to arrays, and arrays copied: the caller's may
    change.
    """
    if isinstance(key, tuple):
        return tuple([part if type(part) is slice else plain_key(part) for part in key])
    if isinstance(key, Tensor):
        return key.array.copy()
    if isinstance(key, list):
        array = np.array(key)
        return array if array.size else array.astype(np.intp)  # NumPy takes [] as integers too
    return key.copy() if isinstance(key, np.ndarray) else key


def _show(key) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    words = []
    for part in parts:
        if isinstance(part, slice):
            bounds = [
                "" if bound is None else str(bound) for bound in (part.start, part.stop, part.step)
            ]
            words.append(":".join(bounds[: 2 if part.step is None else 3]))
        else:
            words.append("..." if part is Ellipsis else str(part).replace("\n", ""))
    return ", ".join(words)
