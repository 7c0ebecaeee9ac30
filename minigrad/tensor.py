"""The Tensor: an array with a gradient, a `backward` method, and arithmetic that is recorded.

A Tensor is a handle to one node of the graph. numpy_api.py defines the attributes and methods that
Tensors share with NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .backward import start, sweep
from .context import ON_BACKWARD, ON_CUT
from .gradients import Gradient, add, for_leaf
from .graph import Array, Leaf, Node, next_serial
from .help import engine_errors as checks
from .help.other_frameworks import ForeignNames, call_renamed, own_keywords
from .numpy_api import as_array, as_operand, check_differentiable, common_dtype
from .pytorch_api import TorchMethods

TensorLike = Any  # a Tensor, an array, a number, or nested lists of numbers
Recorded = Callable[..., "Tensor"]


class Tensor(TorchMethods, ForeignNames):
    """An array that remembers how it was computed.

    `data` is an array, a number, or nested lists of numbers. Arrays are copied and keep their
    dtype; numbers and lists become float32. With `requires_grad=True`, the Tensor is a parameter.
    Calling `backward` on a result computed from a parameter adds the gradient to the parameter's
    `.grad`. The array is read-only, because recorded graphs rely on its value. To change a
    parameter, assign a new array: `W.array = W.array - 0.1 * W.grad`.

    In arithmetic with a float Tensor, a plain number takes the Tensor's dtype. Otherwise dtypes
    combine as in NumPy (a boolean plus 1 is an integer), but a Python float counts as float32.

    >>> x = Tensor([[1.0, 2.0]], name="x")
    >>> W = Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
    >>> loss = (x @ W).sum()
    >>> loss.backward()
    >>> W.grad
    array([[1.],
           [2.]], dtype=float32)

    Errors: DtypeError for data that is not numeric (MG110), for masked arrays (MG172), and for
    integer or float16 data with requires_grad=True (MG112); ShapeError for ragged lists (MG103).
    Source: Griewank and Walther, Evaluating Derivatives (2008), ch. 3.

    Since: 0.1.
    """

    __slots__ = ("__weakref__", "node")

    # recorded operators and methods, which gates/operators.py binds to gates
    __add__: Recorded
    __radd__: Recorded
    __sub__: Recorded
    __rsub__: Recorded
    __mul__: Recorded
    __rmul__: Recorded
    __truediv__: Recorded
    __rtruediv__: Recorded
    __pow__: Recorded
    __rpow__: Recorded
    __matmul__: Recorded
    __rmatmul__: Recorded
    __iadd__: Recorded
    __isub__: Recorded
    __imul__: Recorded
    __itruediv__: Recorded
    __ipow__: Recorded
    __imatmul__: Recorded
    __neg__: Recorded
    __abs__: Recorded
    sum: Recorded
    mean: Recorded
    max: Recorded
    min: Recorded
    var: Recorded
    std: Recorded
    cumsum: Recorded
    logsumexp: Recorded
    permute: Recorded
    clip: Recorded
    astype: Recorded
    reshape: Recorded
    swapaxes: Recorded
    squeeze: Recorded
    abs: Recorded
    exp: Recorded
    log: Recorded
    sqrt: Recorded
    square: Recorded
    sin: Recorded
    cos: Recorded
    tanh: Recorded
    sigmoid: Recorded
    relu: Recorded
    softmax: Recorded
    log_softmax: Recorded

    def __init__(
        self,
        data: TensorLike,
        *,
        requires_grad: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **others: Any,
    ) -> None:
        if others:
            own_keywords(Tensor.__init__, others)
        array = as_array(data, dtype)
        if requires_grad:
            check_differentiable(array.dtype, name)
            array = _in_rows(array)
        array.setflags(write=False)
        self.node = Leaf(array, requires_grad, name)

    @property
    def array(self) -> Array:
        """The value, as a read-only array.

        You can assign a new array of the same shape. Graphs that used the old array remain valid.
        """
        array = self.node.output
        # set here, because setting the flag at every gate call would be slower
        array.setflags(write=False)
        return array

    @array.setter
    def array(self, value: TensorLike) -> None:
        leaf, array = _leaf(self, "assign to the array of"), as_array(value)
        if array.shape != leaf.shape:
            raise checks.array_misshapen(leaf, array.shape)
        if leaf.requires_grad:
            check_differentiable(array.dtype, leaf.name)
            array = _in_rows(array)
        array.setflags(write=False)
        leaf.output = array

    def update(self, change: Callable[[Array], object]) -> None:
        """Call `change(array)` to write to the array in place. Optimizers use this to avoid a copy.

        A backward pass through a graph recorded before the update raises an error, because the
        graph's saved array has changed. A tensor that requires no gradient gets a new array
        instead.

        Errors: GradientError for a tensor that a gate computed (MG126); OptionError if `change`
        returns a new array of this shape instead of writing in place (MG171).
        """
        leaf = _leaf(self, "update")
        array = leaf.output if leaf.requires_grad else leaf.output.copy("K")
        array.setflags(write=True)
        try:
            returned = change(array)
        finally:
            array.setflags(write=False)
            leaf.output = array
            if leaf.requires_grad:
                leaf.updated = next_serial()
        if returned is not None:
            checks.check_written(leaf, array, returned)

    @property
    def grad(self) -> Array | None:
        """The sum of the gradients from all `backward` calls, or None before the first call.

        The gradient has this tensor's shape. Only leaves that require a gradient have one. To reset
        it, assign None. If only some rows of a table were read, only their gradients are stored.
        Reading `.grad` converts them to a full array, and an optimizer then updates every row.
        """
        if not isinstance(self.node, Leaf):
            return checks.gradient_of_step(self.node)
        if isinstance(self.node.grad, Gradient):
            self.node.grad = self.node.grad.dense().astype(self.dtype, copy=False)
        return self.node.grad

    @grad.setter
    def grad(self, value: TensorLike) -> None:
        leaf = _leaf(self, "assign to the gradient of")
        if value is not None:
            value = as_array(getattr(value, "array", value), leaf.dtype)
            if value.shape != leaf.shape:
                raise checks.gradient_misshapen(leaf, value)
        leaf.grad = value

    @property
    def requires_grad(self) -> bool:
        """True if gradients flow to this tensor. To freeze a leaf, set this to False."""
        return self.node.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        leaf = _leaf(self, "change requires_grad of")
        if value:
            check_differentiable(leaf.dtype, leaf.name)
            # copied because recorded views may share the array, and updates write to it in place
            leaf.output = leaf.output.copy("C")
        leaf.requires_grad = bool(value)

    @property
    def name(self) -> str | None:
        """The name shown in drawings and errors."""
        return self.node.name

    @name.setter
    def name(self, value: str | None) -> None:
        self.node.name = value

    def backward(
        self, upstream: TensorLike = None, *, retain_graph: bool = True, **others: Any
    ) -> None:
        """Add d(self)/d(leaf) to `.grad` of every leaf in the graph that requires a gradient.

        `upstream` is dL/d(self), an array of this tensor's shape. You can omit it if this tensor is
        a scalar, because then L is the tensor itself. The graph is kept, so you can draw it, and a
        second `backward` adds the same gradients again. `retain_graph` is accepted for
        compatibility with PyTorch and has no effect.

        Errors: GradientError if a non-scalar has no upstream gradient, if nothing was recorded, if
        `backward` is called inside `no_grad`, or if a leaf was updated after the forward pass;
        NonFiniteError if this tensor is a scalar that is NaN or infinite; ShapeError if the
        upstream gradient has another shape.
        """
        if others:
            call_renamed(Tensor.backward, **locals())
            return
        upstream = start(self.node, upstream)
        for leaf, gradient in sweep(self.node, upstream).items():
            assert isinstance(leaf, Leaf)
            if leaf.grad is not None:
                gradient = for_leaf(add(leaf.grad, gradient, leaf.shape))
            sparse = isinstance(gradient, Gradient)
            leaf.grad = gradient if sparse else gradient.astype(leaf.dtype, copy=False)
        self.node.upstream = upstream
        if (watch := ON_BACKWARD.get()) is not None:
            watch(self)

    def detach(self) -> Tensor:
        """Return a copy of the value as a constant, without its history. Gradients stop here."""
        return constant(self.array.copy(), "detached", self.name)


def _leaf(tensor: Tensor, action: str) -> Leaf:
    if not isinstance(tensor.node, Leaf):
        raise checks.not_a_leaf(tensor.node, action)
    return tensor.node


def _in_rows(array: Array) -> Array:
    """Return the array in C order. Gradients are in C order, and if a parameter is not, as with
    transposed weights from PyTorch, an optimizer's step takes three times as long.
    """
    return np.asarray(array, order="C")


def cut(tensor: TensorLike) -> Tensor:
    """z = tensor, as a new leaf where gradients stop.

    Truncated backpropagation through time uses cuts. z has the tensor's shape. For drawings, the
    leaf keeps the history before the cut in memory. To drop the history, use `Tensor.detach`.

    >>> w = Tensor(3.0, requires_grad=True)
    >>> (cut(w) * w).backward()
    >>> w.grad                               # the gradient of 3 w, not of w²
    array(3., dtype=float32)

    Errors: as for Tensor. Source: Williams and Peng, An efficient gradient-based algorithm
    (1990).

    Since: 0.1.
    """
    (tensor,), watch = as_tensors([tensor]), ON_CUT.get()
    leaf = Leaf(
        watch(tensor.array.copy()) if watch else tensor.array.copy(), False, tensor.name, "cut"
    )
    leaf.cut_from = tensor.node
    return from_node(leaf)


def as_tensors(values: Sequence[TensorLike]) -> list[Tensor]:
    """Return Tensors unchanged, and all other values as constants.

    A plain number takes the dtype of a float Tensor. An object of a subclass of Tensor becomes a
    plain Tensor of the same node.
    """
    floats = [
        value.dtype for value in values if isinstance(value, Tensor) and value.dtype.kind == "f"
    ]
    dtype = floats[0] if floats else common_dtype(values)
    return [value if type(value) is Tensor else _as_plain_tensor(value, dtype) for value in values]


def _as_plain_tensor(value: TensorLike, dtype: np.dtype[Any]) -> Tensor:
    return (
        from_node(value.node) if isinstance(value, Tensor) else constant(as_operand(value, dtype))
    )


def from_node(node: Node) -> Tensor:
    """Return a Tensor for an existing node."""
    tensor = Tensor.__new__(Tensor)
    tensor.node = node
    return tensor


def constant(array: Array, origin: str = "created", name: str | None = None) -> Tensor:
    """Return a Tensor that requires no gradient. The array is not copied."""
    array.setflags(write=False)
    return from_node(Leaf(array, False, name, origin))
