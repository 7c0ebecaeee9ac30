"""The Tensor: a handle on one node of the graph.

A reader finds here what a Tensor adds to a NumPy array: a gradient, `backward`, and arithmetic that is recorded. What
it has in common with arrays is in numpy_functions.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import backward, checks
from .arrays import Array, LazyGradient
from .backward import start, sweep
from .context import ON_CUT
from .graph import Leaf, Node, next_serial
from .numpy_functions import FUNCTIONS, ArrayMethods

TensorLike = Any  # a Tensor, an array, a number, or nested lists of numbers


class Tensor(ArrayMethods):
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

    def __init__(
        self, data: TensorLike, *, requires_grad: bool = False, name: str | None = None, dtype: Any = None
    ) -> None:
        array = checks.as_array(data, dtype)
        if requires_grad:
            checks.check_differentiable(array.dtype, name)
        array.setflags(write=False)
        self.node = Leaf(array, requires_grad, name)

    @property
    def array(self) -> Array:
        """The value, as a read-only array. Assigning replaces it: same shape, and graphs recorded before stay right."""
        array = self.node.output
        array.setflags(write=False)  # here, where it is handed out, and not in every step of a computation
        return array

    @array.setter
    def array(self, value: TensorLike) -> None:
        leaf = _leaf(self, "assign to the array of")
        array = checks.new_array(leaf, value)
        array.setflags(write=False)
        leaf.output = array

    def update(self, change: Callable[[Array], object]) -> None:
        """Let `change(array)` write into the array in place: for optimizers, where a copy would cost too much.

        Graphs recorded before then hold a changed array, and their backward is refused with an error.
        """
        leaf = self.node
        if not isinstance(leaf, Leaf):
            raise checks.not_a_leaf(leaf, "update")
        leaf.updated = next_serial()
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
        if not isinstance(self.node, Leaf):
            return None
        if isinstance(self.node.grad, LazyGradient):
            self.node.grad = self.node.grad.dense()
        return self.node.grad

    @grad.setter
    def grad(self, value: TensorLike) -> None:
        leaf = _leaf(self, "assign to the gradient of")
        leaf.grad = None if value is None else checks.new_gradient(leaf, value)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor. Can be set on leaves: False freezes a parameter."""
        return self.node.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        leaf = _leaf(self, "change requires_grad of")
        if value:
            checks.check_differentiable(leaf.dtype, leaf.name)
        leaf.requires_grad = bool(value)

    @property
    def name(self) -> str | None:
        """What drawings and errors call it."""
        return self.node.name

    @name.setter
    def name(self, value: str | None) -> None:
        self.node.name = value

    def backward(self, upstream: TensorLike = None, *, seed: TensorLike = None) -> None:
        """Add d(self)/d(leaf) to `.grad` of every leaf that led here and requires a gradient.

        `upstream`, of this tensor's shape, is the gradient of something with respect to this tensor; a scalar's is 1.
        The graph survives: it can be drawn, and a second `backward` adds the same again. `seed` is the old name of
        `upstream`.

        Errors: GradientError (no upstream gradient for a non-scalar, nothing recorded, inside `no_grad`, a leaf updated
        since), NonFiniteError (a scalar that is NaN or infinite), ShapeError (an upstream gradient of another shape).
        """
        if seed is not None:
            upstream = checks.renamed("seed", "upstream", seed)
        upstream = start(self.node, upstream)
        gradients = sweep(self.node, upstream)
        self.node.upstream = upstream
        for leaf, gradient in gradients.items():
            assert isinstance(leaf, Leaf)
            total = gradient if leaf.grad is None else backward.add(leaf.grad, gradient, leaf.shape)
            leaf.grad = total.finalize(leaf.dtype) if isinstance(total, LazyGradient) else np.array(total, leaf.dtype)

    def detach(self) -> Tensor:
        """A copy of the value with no history: a constant for all that is computed from it."""
        return constant(self.array.copy(), "detached", self.name)

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
    # fmt: on


def _leaf(tensor: Tensor, action: str) -> Leaf:
    if not isinstance(tensor.node, Leaf):
        raise checks.not_a_leaf(tensor.node, action)
    return tensor.node


def cut(tensor: Tensor) -> Tensor:
    """The same value as a fresh leaf, where gradients stop. The leaf knows what it was cut from, and drawings show it.

    The history before the cut stays in memory as long as the leaf does; `Tensor.detach` forgets it.
    """
    array, watch = tensor.array.copy(), ON_CUT.get()
    leaf = Leaf(array if watch is None else watch(array), False, tensor.name, "cut")
    leaf.cut_from = tensor.node
    return from_node(leaf)


def as_tensors(values: Sequence[TensorLike]) -> list[Tensor]:
    """Tensors as they are, anything else as a constant. A lone number takes the dtype of what it meets."""
    arrays = [value for value in values if isinstance(value, (Tensor, np.ndarray))]
    floats = [value for value in arrays if isinstance(value, Tensor) and value.dtype.kind == "f"]
    dtype = (floats or arrays or [np.float32(0)])[0].dtype
    return [value if isinstance(value, Tensor) else _constant(value, dtype) for value in values]


def _constant(value: TensorLike, dtype: np.dtype[Any]) -> Tensor:
    if not isinstance(value, (bool, int, float, np.number)):
        return Tensor(value)
    whole = not isinstance(value, (float, np.floating))
    return constant(np.array(value, dtype if whole or dtype.kind == "f" else np.float32))


def from_node(node: Node) -> Tensor:
    """The Tensor of a node that is already there."""
    tensor = Tensor.__new__(Tensor)
    tensor.node = node
    return tensor


def constant(array: Array, origin: str = "created", name: str | None = None) -> Tensor:
    """A Tensor that wants no gradient, on an array that belongs to nobody else."""
    array.setflags(write=False)
    return from_node(Leaf(array, False, name, origin))
