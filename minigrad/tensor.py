"""The Tensor: a handle on one node of the graph, with NumPy's operators. Knows no gate: it looks each one up by name.

Whatever a NumPy user writes (`2 * t`, `array @ t`, `np.tanh(t)`, `t[3:5].sum(axis=0)`) arrives here and is passed on to
the function that a gate's module filed under the NumPy function it stands for (`implements`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from .backward import sweep
from .checks import as_array, check_differentiable, check_seed, title
from .errors import DtypeError, GradientError, ShapeError, UnsupportedError
from .graph import Leaf, Node, show, state
from .pieces import Array, Deferred

TensorLike = Any  # a Tensor, an array, a number, or nested lists of numbers
F = TypeVar("F", bound=Callable[..., Any])

FUNCTIONS: dict[Callable[..., Any], Callable[..., Tensor]] = {}
"""NumPy's functions, each with the minigrad function that records it."""

# Their results are whole numbers or booleans, which have no gradient to lose.
_WITHOUT_GRADIENT = {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isfinite, np.isnan, np.isinf,
    np.logical_and, np.logical_or, np.logical_not, np.signbit, np.argmax, np.argmin, np.argsort, np.shape, np.ndim,
    np.size, np.count_nonzero, np.flatnonzero, np.nonzero, np.all, np.any, np.allclose, np.array_equal, np.isclose,
}  # fmt: skip


def implements(*numpy_functions: Callable[..., Any]) -> Callable[[F], F]:
    """File a function as what those NumPy functions do to a Tensor."""

    def file(function: F) -> F:
        FUNCTIONS.update(dict.fromkeys(numpy_functions, function))
        return function

    return file


class Tensor:
    """An array that remembers how it was computed.

    `data` is an array, which is copied and keeps its dtype, or a number or nested lists of numbers, which become
    float32. With `requires_grad=True` the Tensor is a parameter: `backward` on anything computed from it leaves the
    gradient in `.grad`. The array itself cannot be written to, since whoever computed with it relies on its value. To
    change a parameter, assign a new one: `W.array = W.array - 0.1 * W.grad`.

    >>> x = Tensor([[1.0, 2.0]], name="x")
    >>> W = Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
    >>> loss = (x @ W).sum()
    >>> loss.backward()
    >>> W.grad
    array([[1.],
           [2.]], dtype=float32)

    Errors: DtypeError for data that are not numbers, and for integer or float16 data that ask for a gradient;
    ShapeError for ragged lists. Source: Griewank and Walther, Evaluating Derivatives (2008), ch. 3.
    """

    __slots__ = ("__weakref__", "node")
    node: Node

    def __init__(
        self, data: TensorLike, *, requires_grad: bool = False, name: str | None = None, dtype: Any = None
    ) -> None:
        array = as_array(data, dtype)
        if requires_grad:
            check_differentiable(array.dtype, name)
        array.setflags(write=False)
        self.node = Leaf(array, requires_grad, name)

    # ---- what it holds ----

    @property
    def array(self) -> Array:
        """The value, as a read-only array. Assigning replaces it: same shape, and graphs recorded before stay right."""
        array = self.node.output
        array.setflags(write=False)  # here, where it is handed out, and not in every step of a computation
        return array

    @array.setter
    def array(self, value: TensorLike) -> None:
        leaf = self._leaf("assign to the array of")
        array = as_array(value, None)
        if array.shape != leaf.output.shape:
            raise ShapeError(
                "MG104",
                f"{title(self.node)} has shape {leaf.output.shape} and cannot take an array of shape {array.shape}",
                cause="optimizers and recorded graphs rely on a tensor keeping its shape",
                remedy="make a new Tensor, or reshape the array first",
            )
        if leaf.requires_grad:
            check_differentiable(array.dtype, leaf.name)
        array.setflags(write=False)
        leaf.output = array

    def update(self, change: Callable[[Array], None]) -> None:
        """Let `change(array)` write into the array in place: for optimizers, where a copy would cost too much.

        Graphs recorded before then hold a changed array, and their backward is refused with an error.
        """
        leaf = self._leaf("update")
        leaf.touch()
        array = leaf.output
        array.setflags(write=True)
        try:
            change(array)
        finally:
            array.setflags(write=False)

    @property
    def grad(self) -> Array | None:
        """The gradient that `backward` calls have added up here, an array of this shape; None before the first.

        Only leaves that require a gradient keep one. Assign None to start again.
        """
        node = self.node
        if not isinstance(node, Leaf):
            return None
        if isinstance(node.grad, Deferred):
            node.grad = node.grad.dense()
        return node.grad

    @grad.setter
    def grad(self, value: TensorLike) -> None:
        leaf = self._leaf("assign to the gradient of")
        if value is not None:
            value = np.array(value, dtype=leaf.stored.dtype)
            if value.shape != leaf.stored.shape:
                raise ShapeError(
                    "MG105",
                    f"{title(leaf)} has shape {leaf.output.shape} and cannot take a gradient of shape {value.shape}",
                    cause="a gradient has one number for each number of the tensor",
                    remedy="assign an array of the tensor's shape, or None",
                )
        leaf.grad = value

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor. Can be set on leaves: False freezes a parameter."""
        return self.node.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        leaf = self._leaf("change requires_grad of")
        if value:
            check_differentiable(leaf.output.dtype, leaf.name)
        leaf.requires_grad = bool(value)

    @property
    def name(self) -> str | None:
        """What drawings and errors call it."""
        return self.node.name

    @name.setter
    def name(self, value: str | None) -> None:
        self.node.name = value

    @property
    def shape(self) -> tuple[int, ...]:
        return self.node.stored.shape

    @property
    def ndim(self) -> int:
        return self.node.stored.ndim

    @property
    def size(self) -> int:
        return self.node.stored.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.node.stored.dtype

    # ---- gradients ----

    def backward(self, seed: TensorLike = None) -> None:
        """Add d(self)/d(leaf) to `.grad` of every leaf that led here and requires a gradient.

        `seed`, of this tensor's shape, is the gradient of something with respect to this tensor; a scalar's is 1. The
        graph survives: it can be drawn, and a second `backward` adds the same again.

        Errors: GradientError (no seed for a non-scalar, nothing recorded, inside `no_grad`, a leaf updated since),
        NonFiniteError (a scalar that is NaN or infinite), ShapeError (a seed of another shape).
        """
        seed = check_seed(self.node, _plain(seed))
        gradients = sweep(self.node, seed)
        self.node.seed = seed
        for leaf, gradient in gradients.items():
            assert isinstance(leaf, Leaf)
            if isinstance(gradient, Deferred):
                leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
            else:
                gradient = np.asarray(gradient, leaf.stored.dtype)
                leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient

    def detach(self) -> Tensor:
        """A copy of the value with no history: a constant for all that is computed from it."""
        return _leaf(self.array.copy(), "detached", self.name)

    # ---- conversion and display ----

    def item(self) -> float | int | bool:
        """The one number of a tensor of size 1, as a Python number."""
        return self.array.item()  # type: ignore[no-any-return]

    def __float__(self) -> float:
        return float(self.array.item())

    def __int__(self) -> int:
        return int(self.array.item())

    def __bool__(self) -> bool:
        return bool(self.array)

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        body = np.array2string(self.array, separator=", ", prefix="Tensor(", threshold=20, precision=4)
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        name = f", name={self.name!r}" if self.name else ""
        node = self.node
        origin = f", made by {node.gate.name}" if node.gate else ", requires_grad=True" if node.requires_grad else ""
        return f"Tensor({body}{dtype}{name}{origin})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.requires_grad:
            raise UnsupportedError(
                "MG114",
                f"NumPy asked for {title(self.node)} as a plain array, which would drop its gradient silently",
                cause="np.asarray, or a NumPy function that minigrad does not know, was called on it",
                remedy="take t.array on purpose, or use a function that minigrad records",
            )
        return np.array(self.array, dtype=dtype, copy=copy)

    # ---- operators: one look-up each ----

    # fmt: off
    def __add__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.add](self, other)
    def __radd__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.add](other, self)
    def __sub__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.subtract](self, other)
    def __rsub__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.subtract](other, self)
    def __mul__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.multiply](self, other)
    def __rmul__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.multiply](other, self)
    def __truediv__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.divide](self, other)
    def __rtruediv__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.divide](other, self)
    def __pow__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.power](self, other)
    def __rpow__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.power](other, self)
    def __matmul__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.matmul](self, other)
    def __rmatmul__(self, other: TensorLike) -> Tensor: return FUNCTIONS[np.matmul](other, self)
    def __neg__(self) -> Tensor: return FUNCTIONS[np.negative](self)
    def __pos__(self) -> Tensor: return self
    def __getitem__(self, key: Any) -> Tensor: return FUNCTIONS[np.ndarray.__getitem__](self, key)
    def __lt__(self, other: TensorLike) -> Array: return np.less(self, other)
    def __le__(self, other: TensorLike) -> Array: return np.less_equal(self, other)
    def __gt__(self, other: TensorLike) -> Array: return np.greater(self, other)
    def __ge__(self, other: TensorLike) -> Array: return np.greater_equal(self, other)
    def __eq__(self, other: Any) -> Any: return np.equal(self, other)
    def __ne__(self, other: Any) -> Any: return np.not_equal(self, other)
    __hash__ = object.__hash__

    def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor: return FUNCTIONS[np.sum](self, axis, keepdims)
    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor: return FUNCTIONS[np.mean](self, axis, keepdims)
    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor: return FUNCTIONS[np.max](self, axis, keepdims)
    def reshape(self, *shape: Any) -> Tensor: return FUNCTIONS[np.reshape](self, shape[0] if len(shape) == 1 else shape)
    def transpose(self, *axes: Any) -> Tensor: return FUNCTIONS[np.transpose](self, _axes(axes))
    def swapaxes(self, axis1: int, axis2: int) -> Tensor: return FUNCTIONS[np.swapaxes](self, axis1, axis2)
    @property
    def T(self) -> Tensor: return FUNCTIONS[np.transpose](self, None)
    # fmt: on

    def __setitem__(self, key: Any, value: Any) -> None:
        raise DtypeError(
            "MG113",
            f"{title(self.node)} cannot be written to element by element",
            cause="graphs that were recorded with it rely on its value",
            remedy="combine tensors with mg.where or mg.concatenate, or assign a whole new array: t.array = ...",
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc in _WITHOUT_GRADIENT and method == "__call__":
            return ufunc(*[_plain(value) for value in inputs], **kwargs)
        if method != "__call__" or kwargs or ufunc not in FUNCTIONS:
            name = f"np.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
            raise _unsupported(name + (f" with {', '.join(kwargs)}=" if kwargs and ufunc in FUNCTIONS else ""))
        return FUNCTIONS[ufunc](*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in _WITHOUT_GRADIENT:
            return function(*[_plain(value) for value in args], **kwargs)
        if function not in FUNCTIONS:
            raise _unsupported(f"np.{function.__name__}")
        return FUNCTIONS[function](*args, **kwargs)

    # ---- helpers ----

    def _leaf(self, action: str) -> Leaf:
        if isinstance(self.node, Leaf):
            return self.node
        gate = self.node.gate.name if self.node.gate else "?"
        raise GradientError(
            "MG126",
            f"cannot {action} {title(self.node)}: {gate} made it in {show(self.node.scope)}",
            cause="only leaves, which no gate made, can be changed; this one is a step of a computation",
            remedy="change the leaves that it was computed from, or take t.detach()",
        )


def as_tensor(value: TensorLike, dtype: np.dtype[Any] | None = None) -> Tensor:
    """A Tensor as it is; anything else as a constant. `dtype` is that of the Tensor it meets: numbers take it over."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (bool, int, float, np.number)):  # a lone number never widens what it meets
        if dtype is not None and (dtype.kind == "f" or isinstance(value, (bool, int, np.integer))):
            return _leaf(np.array(value, dtype), "created")
        return _leaf(np.array(value, np.float32), "created")
    return Tensor(value)


def handle(node: Node) -> Tensor:
    """The Tensor of a node that is already there."""
    tensor = Tensor.__new__(Tensor)
    tensor.node = node
    return tensor


def grad(
    output: Tensor, inputs: Sequence[Tensor] | Tensor, *, create_graph: bool = False, seed: TensorLike = None
) -> tuple[Tensor, ...]:
    """d(output)/d(input) for each of `inputs`, leaves or steps on the way, without touching any `.grad`.

    With `create_graph=True` the results are recorded themselves and can be differentiated again. An input that
    `output` does not depend on gets zeros. Errors: as `Tensor.backward`.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (first,) = grad(x * x * x, [x], create_graph=True)
    >>> (second,) = grad(first, [x])
    >>> first.item(), second.item()
    (27.0, 18.0)
    """
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for number, tensor in enumerate(inputs):
        if not getattr(tensor, "requires_grad", False):
            raise GradientError(
                "MG127",
                f"input {number} of grad, {tensor!r}, does not require a gradient",
                cause="it is not a Tensor, was made without requires_grad=True, or under no_grad",
                remedy="make it with requires_grad=True, and compute the output from it",
            )
    seed = check_seed(output.node, _plain(seed))
    wanted = {tensor.node for tensor in inputs}
    if create_graph:
        found = sweep(output.node, handle(Leaf(seed)), keep=wanted, lift=handle)
    else:
        found = sweep(output.node, seed, keep=wanted)
    results = []
    for tensor in inputs:
        gradient = found.get(tensor.node)
        if gradient is None:
            gradient = np.zeros(tensor.shape, tensor.dtype)
        elif isinstance(gradient, Deferred):
            gradient = gradient.dense()
        results.append(gradient if isinstance(gradient, Tensor) else Tensor(np.asarray(gradient)))
    return tuple(results)


def cut(tensor: Tensor) -> Tensor:
    """The same value as a fresh leaf, where gradients stop. The leaf knows what it was cut from, and drawings show it.

    The history before the cut stays in memory as long as the leaf does; `Tensor.detach` forgets it.
    """
    array = tensor.array.copy()
    fresh = _leaf(array if state.on_cut is None else state.on_cut(array), "cut", tensor.name)
    assert isinstance(fresh.node, Leaf)
    fresh.node.cut_from = tensor.node
    return fresh


def _leaf(array: Array, origin: str, name: str | None = None) -> Tensor:
    array.setflags(write=False)
    return handle(Leaf(array, False, name, origin))


def _unsupported(function: str) -> UnsupportedError:
    return UnsupportedError(
        "MG118",
        f"minigrad records no gate for {function}",
        cause="NumPy's own result would have dropped the gradient silently",
        remedy="build it from functions that have a gate (docs/gates.md), use t.array if no gradient is wanted, "
        "or write a Gate for it",
    )


def _plain(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else value


def _axes(axes: tuple[Any, ...]) -> Any:
    if not axes:
        return None
    return axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
