"""The engine's input checks and error messages, in a separate file to keep the core readable.

Functions named after a mistake, such as `not_a_leaf`, return an error for the engine to raise. They
are called only if there is a mistake. Functions named `check_...` raise the error themselves.
"""

import sys
import warnings
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from ..context import RECORDING, SCOPE, scope_label
from ..errors import (
    DtypeError,
    GradientError,
    MinigradError,
    NonFiniteError,
    NumberRangeError,
    OptionError,
    ShapeError,
    UnknownNameError,
    UnsupportedError,
)
from ..graph import Array, Leaf, Node
from .other_frameworks import hint

Shape = tuple[int, ...]


def describe(node: Node) -> str:
    """Return a tensor's name for an error message, or its shape if it has no name."""
    return f"tensor {node.name!r}" if node.name else f"a tensor of shape {node.shape}"


def _with_shape(node: Node) -> str:
    return describe(node) + (f" of shape {node.shape}" if node.name else "")


def _where(node: Node) -> str:
    return f"{node.gate.name if node.gate else 'a leaf'} {scope_label(node.scope)}"


# ---- making and changing a Tensor ----


def already_a_tensor(node: Node) -> DtypeError:
    """Return the error for making a Tensor from a Tensor."""
    return DtypeError(
        "MG111",
        f"cannot make a Tensor from {describe(node)}: it is already a Tensor",
        cause="copying it would silently drop its computation history",
        remedy="use the tensor itself; t.detach() returns a constant with the same value, and "
        "t.array is its NumPy array",
    )


def masked_array(shape: Shape) -> DtypeError:
    """Return the error for making a Tensor from a masked array."""
    return DtypeError(
        "MG172",
        f"cannot make a Tensor from a masked array of shape {shape}",
        cause="a Tensor has no mask, so masked values would be used as data",
        remedy="fill the masked values, as in data.filled(0), and pass the mask separately "
        "or use mg.where",
    )


def ragged(data: Any, error: Exception) -> ShapeError:
    """Return the error for data from which NumPy cannot make an array."""
    return ShapeError(
        "MG103",
        f"cannot make an array from {str(data)[:80]!r}: {str(error).split('. The detected')[0]}",
        cause="nested lists must contain numbers and have equal lengths at each level",
        remedy="pad the rows to the same length with minigrad.data.pad, or make one Tensor per row",
    )


def number_out_of_range(number: Any, dtype: np.dtype[Any]) -> NumberRangeError:
    """Return the error for a number that is too large for a dtype."""
    huge = isinstance(number, int) and number.bit_length() > 100  # Python may refuse to print it
    return NumberRangeError(
        "MG175",
        f"{'a huge integer' if huge else str(number)[:60]} does not fit into {dtype}",
        cause="the range of the dtype is limited; as in NumPy, a plain number takes the dtype of "
        "the Tensor that it is combined with",
        remedy="use a larger dtype; for a Tensor, first t.astype('int64') or t.astype('float32')",
    )


def not_real(dtype: np.dtype[Any], *data: Any) -> DtypeError:
    """Return the error for a dtype other than real numbers. The message quotes `data`."""
    return DtypeError(
        "MG110",
        f"a Tensor must contain real numbers, not {dtype}"
        + "".join(f" ({str(one)[:60]!r})" for one in data),
        cause="text, objects, dates and complex numbers have no gradients in minigrad",
        remedy="convert the data to numbers first; for text, use minigrad.data.Vocabulary",
    )


def tensors_inside(data: Any) -> DtypeError:
    """Return the error for a list or tuple of Tensors where a Tensor or numbers are expected."""
    return DtypeError(
        "MG111",
        f"cannot make a Tensor from a {type(data).__name__} that contains Tensors",
        cause="copying their values would silently drop their computation history",
        remedy="pass the Tensors one by one, as in mg.gradcheck(f, x, y), or join them with "
        "mg.stack",
    )


def array_misshapen(leaf: Leaf, shape: Shape) -> ShapeError:
    """Return the error for assigning an array whose shape differs from the leaf's shape."""
    return ShapeError(
        "MG104",
        f"{describe(leaf)} has shape {leaf.shape}, but the assigned array has shape {shape}",
        cause="optimizers and recorded graphs require a tensor to keep its shape",
        remedy="reshape the array first, or make a new Tensor",
    )


def check_written(leaf: Leaf, array: Array, returned: Any) -> None:
    """Raise OptionError if the function passed to `update` returned an array of the leaf's shape.

    That array would be lost, because `update` expects the function to write in place.
    """
    returned = getattr(returned, "array", returned)
    if getattr(returned, "shape", None) == array.shape and not np.may_share_memory(returned, array):
        raise OptionError(
            "MG171",
            f"the function passed to update for {_with_shape(leaf)} returned a new array",
            cause="update keeps only what the function writes into its argument, so the returned "
            "array would be lost",
            remedy="write in place, as in `def halve(a): a *= 0.5`, or assign W.array = W.array "
            "* 0.5",
        )


def gradient_misshapen(leaf: Leaf, gradient: Any) -> ShapeError:
    """Return the error for a gradient whose shape differs from the leaf's shape."""
    return ShapeError(
        "MG105",
        f"{describe(leaf)} has shape {leaf.shape}, but its gradient has shape {gradient.shape}",
        cause="a gradient must have the same shape as its tensor",
        remedy=f"assign an array of shape {leaf.shape}, or None",
    )


def not_differentiable(dtype: np.dtype[Any], name: str | None) -> DtypeError:
    """Return the error for arrays of a dtype that cannot have a gradient."""
    steps = "gradients are computed only for float32 and float64"
    return DtypeError(
        "MG112",
        f"{f'tensor {name!r}' if name else 'a tensor'} of dtype {dtype} cannot require a gradient",
        cause="gradients below 6e-8 become 0 in float16" if dtype == np.float16 else steps,
        remedy="convert the data to float32 or float64, for example with array.astype('float32')",
    )


def not_a_leaf(node: Node, action: str) -> GradientError:
    """Return the error for changing a tensor that a gate computed."""
    return GradientError(
        "MG126",
        f"cannot {action} {describe(node)}: it was computed by {node.gate.name} "
        f"{scope_label(node.scope)}",
        cause="only leaves can be changed, and this tensor is an intermediate result",
        remedy="change the leaves that it was computed from, or work on a copy made with t.detach()",
    )


def gradient_of_step(node: Node) -> Array | None:
    """Return None, which is the `.grad` of any tensor that is not a leaf.

    Raise GradientError if the tensor is the result of `w = w - lr * w.grad`.
    """
    old = node.inputs[0]
    if (
        node.gate.name == "Subtract"
        and isinstance(old, Leaf)
        and old.grad is not None
        and not node.inputs[1].gate
    ):
        raise GradientError(
            "MG135",
            f"{describe(node)} has no .grad: it is an intermediate result, {describe(old)} minus "
            "a constant",
            cause="w = w - lr * w.grad makes a new tensor called w and leaves the parameter "
            "unchanged",
            remedy="use an optimizer from optim, assign w.array = w.array - lr * w.grad, or "
            "write w -= ... inside `with mg.no_grad():`",
        )
    return None


def element_assigned(node: Node) -> DtypeError:
    """Return the error for assigning to an element of a Tensor."""
    return DtypeError(
        "MG113",
        f"cannot assign to an element of {describe(node)}",
        cause="graphs recorded with this tensor rely on its value",
        remedy="combine tensors with mg.where or mg.concatenate, or replace the whole array with "
        "t.array = ...",
    )


# ---- NumPy functions ----


def gradient_dropped(node: Node) -> UnsupportedError:
    """Return the error for converting a Tensor that requires a gradient to a plain array."""
    return UnsupportedError(
        "MG114",
        f"converting {describe(node)} to a plain NumPy array would silently drop its gradient",
        cause="it was passed to np.asarray or to a NumPy function that minigrad does not support",
        remedy="if you want the plain array, use t.array; otherwise use a function that minigrad "
        "supports",
    )


def no_gate(function: str) -> UnsupportedError:
    """Return the error for a NumPy function without a gate."""
    known = hint(function.rpartition(".")[2])
    return UnsupportedError(
        "MG118",
        f"minigrad has no gate for {function}",
        cause="NumPy's own function would silently drop the gradient",
        remedy=(
            known or "build the computation from functions that have a gate (mg.GATES lists them)"
        )
        + (";" if known else ",")
        + " use t.array if you need no gradient, or write your own gate",
    )


def no_dtype_or_out(gate: str, value: Any) -> UnsupportedError:
    """Return the error for a dtype or an array in place of `keepdims`."""
    return UnsupportedError(
        "MG129",
        f"{gate} got a {type(value).__name__} as keepdims, which must be True or False",
        cause="the third argument is keepdims; in NumPy's own function, it is a dtype or an output array",
        remedy='pass keepdims=True by its name; for another dtype, use x.astype("float64") first',
    )


def warn_of_pairs(*arrays: Any) -> None:
    """Warn (MG170) before shapes (N, 1) and (N,) are compared, which would broadcast to (N, N)."""
    column, row = sorted(map(np.shape, arrays), key=len, reverse=True)
    if len(row) != 1 or column != (*row, 1) or row == (1,):
        return
    text = MinigradError(
        "MG170",
        f"comparing shapes {column} and {row} gives shape {row * 2}: every pair of elements is "
        "compared",
        cause="NumPy broadcasts the column and the row, so the mean of the comparison is not the "
        "accuracy",
        remedy=f"use the same shape for both, as in prediction.reshape{row}; if you want all "
        "pairs, index the row as [None, :]",
    )
    _warn(text)


def warn_of_all_pairs(matrix: Node) -> None:
    """Warn (MG173) if a recorded matrix (N, N) that is reduced to one number was computed from a
    column (N, 1) and a row (N,), as in (prediction - target) ** 2.
    """
    near = [matrix]
    for node in near:  # the list grows
        if _pairs_by_mistake(node):
            break
        near += [
            parent
            for parent in node.inputs
            if parent.gate and parent.shape == matrix.shape and parent not in near
        ]
        if len(near) > 20:  # a long computation, such as a recurrent one, is not a loss
            return
    else:
        return
    one, other = (parent.shape for parent in node.inputs)
    text = MinigradError(
        "MG173",
        f"{node.gate.name} of shapes {one} and {other} gives shape {node.shape}, and all of its "
        "elements are reduced to one number",
        where=_where(node),
        cause="NumPy broadcasts the column and the row, so every prediction is combined with every "
        "target",
        remedy=f"use the same shape for both, as in prediction.reshape({len(node.output)}); if you "
        "want all pairs, index the vectors, as in a[:, None] - b[None, :]",
    )
    _warn(text)


OPERATORS = ("minigrad.numpy_api", "minigrad.gates.reduction", "minigrad.help.", "numpy.")


def _warn(text: MinigradError) -> None:
    """Warn at the line that called an operator, unless it is in minigrad. In a backward rule on
    Tensors, an operator broadcasts like the user's operation.
    """
    frame, level = sys._getframe(), 1
    while frame.f_globals.get("__name__", "").startswith(OPERATORS) and frame.f_back:
        frame, level = frame.f_back, level + 1
    if not frame.f_globals.get("__name__", "").startswith("minigrad."):
        warnings.warn(UserWarning(str(text)), stacklevel=level)


def _pairs_by_mistake(node: Node) -> bool:
    """Return whether a node subtracts or multiplies a column (N, 1) and a row (N,), probably by
    mistake.

    It is no mistake if the user added the column's axis to a vector, as in x[:, None] - y, or if
    both contain the same numbers. A product of two values that are trained may be an outer product.
    """
    if node.gate is None or node.gate.name not in ("Subtract", "Hadamard"):
        return False
    row, column = sorted(node.inputs, key=lambda parent: len(parent.shape))
    if column.shape != (*row.shape, 1) or len(row.shape) != 1 or row.shape == (1,):
        return False
    if node.gate.name == "Hadamard" and row.requires_grad and column.requires_grad:
        return False
    added = column.gate and column.gate.name in ("Slice", "Reshape")
    return not (added and len(column.inputs[0].shape) == 1) and not np.array_equal(
        column.output[:, 0], row.output
    )


def order_of_axes(node: Node, axes: tuple[Any, ...]) -> Any:
    """Return the order of axes that `x.transpose(*axes)` requests.

    Raise OptionError for two axes that PyTorch would exchange, but that have no effect here.
    """
    if len(axes) < 2:
        return axes[0] if axes else None
    if len(node.shape) == 2 and axes in ((0, 1), (0, -1), (-2, 1), (-2, -1)):
        raise OptionError(
            "MG168",
            f"transpose{axes} would leave {_with_shape(node)} unchanged",
            cause="as in NumPy, the arguments are the new order of all axes; in PyTorch they are "
            "two axes to exchange",
            remedy=f"to exchange the axes, use x.swapaxes{axes} or x.T; to leave them unchanged, "
            f"use np.transpose(x, {axes})",
        )
    return axes


def not_one_number(node: Node) -> ShapeError:
    """Return the error for converting a tensor whose size is not 1 to a single number."""
    return ShapeError(
        "MG169",
        f"{_with_shape(node)} has {node.output.size} elements, but must have exactly one",
        cause="item, float, int and bool convert a single number",
        remedy="reduce the tensor first, as in t.mean().item(), or pick one element, as in t[0, "
        "1].item()",
    )


# ---- calling a gate ----


def broadcast_shape(gate: str, *shapes: Shape) -> Shape:
    """Return the shape to which these shapes broadcast.

    Axes are matched from the right. Two sizes are compatible if they are equal or one of them is 1.
    If the sizes of an axis are incompatible, raise a ShapeError that names the axis.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        pass
    by_axis = zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1)
    misfits = [(k, {*sizes} - {1}) for k, sizes in enumerate(by_axis, 1) if len({*sizes} - {1}) > 1]
    back, sizes = misfits[0]
    raise ShapeError(
        "MG101",
        f"{gate} cannot combine shapes {' and '.join(map(str, shapes))}",
        cause=f"axis {-back} has sizes {' and '.join(map(str, sorted(sizes)))}; sizes are "
        "compatible if they are equal or one is 1",
        remedy="reshape or transpose one of them; for example, t.reshape(n, 1) turns a row into "
        "a column",
    )


def forward_failed(gate: Any, error: Exception, nodes: Sequence[Node]) -> Exception:
    """Return the error for a failed forward call, with the scope and the inputs' shapes.

    If the gate's `shape` method raises an error for these inputs, return that error.
    """
    if not isinstance(error, MinigradError):
        try:
            gate.shape(*[node.shape for node in nodes])
        except MinigradError as better:
            error = better
    if not isinstance(error, MinigradError):
        remedy = "in your own gate, raise a ShapeError in `shape` for inputs that forward does not accept"
        if isinstance(error, AttributeError) and error.obj is gate:
            remedy = (
                "to keep a value for backward, return the pair (z, value); backward then receives "
                "the value after the inputs"
            )
        elif isinstance(error, TypeError) and "positional argument" in str(error):
            remedy = "define forward(self, *arrays) with one argument for each input, without ctx"
        elif any(node.dtype.kind != "f" for node in nodes):
            remedy = f"convert the integers or booleans with t.astype('float32'); {remedy}"
        error = ShapeError(
            "MG106",
            f"{gate.name} failed: {error}",
            cause=f"its forward method raised {type(error).__name__}",
            remedy=remedy,
        )
    if not error.where:
        given = ", ".join(f"{node.name or 'input'} {node.shape}" for node in nodes)
        error.where = f"{gate.name} {scope_label(SCOPE.get())}; given {given or 'no inputs'}"
    return error


def no_apply(gate: str) -> UnknownNameError:
    """Return the error for PyTorch's way to call a custom function."""
    return UnknownNameError(
        "MG119",
        f"{gate} has no apply",
        cause="this is a name from another framework",
        remedy=f"make the gate, with its settings, and call it: {gate}()(x)",
    )


def constant_requires_grad(gate: Any, position: int, node: Node) -> GradientError:
    """Return the error for a constant input of a gate that requires a gradient."""
    return GradientError(
        "MG128",
        f"input {position} of {gate.name} ({node.name or 'unnamed'}) requires a gradient, but "
        "this gate computes none for it",
        where=f"{gate.name} {scope_label(SCOPE.get())}",
        cause="labels, ids and conditions are constants",
        remedy="pass t.detach(), or make the tensor without requires_grad=True",
    )


# ---- the backward pass ----


def nothing_recorded(node: Node) -> GradientError:
    """Return the error for a call to `backward` without a recorded graph."""
    if not RECORDING.get():
        return GradientError(
            "MG121",
            f"backward from {describe(node)} was called inside no_grad",
            cause="no_grad turns off recording and backward passes",
            remedy="call backward after the `with no_grad()` block",
        )
    origin = node.origin if isinstance(node, Leaf) else "constants"
    how = {
        "no_grad": "computed inside no_grad",
        "detached": "detached from its history",
        "cut": "cut from its history",
    }
    none = "none of the tensors that it was computed from requires a gradient"
    return GradientError(
        "MG122",
        f"cannot call backward on {describe(node)}: no graph was recorded for it",
        cause=f"it was {how[origin]}" if origin in how else none,
        remedy="compute it outside no_grad, from at least one tensor that was made with "
        "requires_grad=True",
    )


def upstream_missing(node: Node) -> GradientError:
    """Return the error for `backward` on a non-scalar without an upstream gradient."""
    return GradientError(
        "MG120",
        f"backward from {_with_shape(node)} needs an upstream gradient",
        cause="backward computes the gradient of a single number, but this tensor contains "
        f"{node.output.size}",
        remedy="call backward on a scalar, such as t.sum() or t.mean(), or pass an array of the "
        "tensor's shape as upstream=",
    )


def loss_not_finite(node: Node) -> NonFiniteError:
    """Return the error for `backward` on NaN or infinity."""
    return NonFiniteError(
        "MG130",
        f"the loss is {node.output.item()}, so its gradients would be meaningless",
        where=_where(node),
        cause="the learning rate is too large, the input contains NaN, or the model takes the "
        "log of 0 or divides by 0",
        remedy="lower the learning rate, clip gradients, or check the data; mg.detect_anomaly() "
        "names the first gate that produced NaN or infinity",
    )


def upstream_misshapen(node: Node, shape: Shape, what: str = "an upstream gradient") -> ShapeError:
    """Return the error for an upstream gradient or a vector for `hvp` that has the wrong shape."""
    return ShapeError(
        "MG102",
        f"{what} of shape {shape} does not match {_with_shape(node)}",
        cause="it must have the same shape as the tensor",
        remedy=f"pass an array of shape {node.shape}",
    )


def check_inputs_of_grad(inputs: Sequence[Any]) -> None:
    """Raise GradientError unless each of `inputs` is a Tensor that requires a gradient."""
    for number, tensor in enumerate(inputs):
        if not getattr(tensor, "requires_grad", False):
            raise GradientError(
                "MG127",
                f"input {number} of grad does not require a gradient: {tensor!r:.60}",
                cause="it is not a Tensor, or it was made without requires_grad=True or inside "
                "no_grad",
                remedy="make it with requires_grad=True, and compute the output from it",
            )


def changed_in_place(node: Node, leaf: Node) -> GradientError:
    """Return the error for a leaf that was updated between the forward pass and `backward`."""
    return GradientError(
        "MG123",
        f"{leaf.name or 'a tensor'} {leaf.shape} was changed after {node.gate.name} used it and "
        "before backward",
        where=_where(node),
        cause="an optimizer step or another update came between the forward and backward "
        "passes, or a recurrent state still belongs to the graph of the previous batch",
        remedy="run the forward pass again before calling backward; to carry a state over to the "
        "next batch, use state.detach()",
    )


def no_second_derivative(node: Node) -> GradientError:
    """Return the error for the second derivative of a gate whose rule cannot run on Tensors."""
    return GradientError(
        "MG124",
        f"{node.gate.name} has no second derivative",
        where=_where(node),
        cause="its backward rule works only on arrays and records no graph",
        remedy="write its backward rule with operators and functions that minigrad records, and "
        "delete differentiable_twice = False from the class"
        if node.gate.foreign
        else "differentiate mg.unfuse(output), or build the layer with fused=False; both use "
        "small gates instead of this one",
    )


def rule_failed(node: Node, dz: Any, error: Exception) -> GradientError:
    """Return the error for a backward rule that raised an exception or returned wrong gradients."""
    shapes = ", ".join(str(parent.shape) for parent in node.inputs)
    cause = "backward(dz, z, *arrays) must return one gradient for each input, of the input's shape"
    if "read-only" in str(error):
        cause = "it writes into an array that other gates also use: dz, its output or an input"
    return GradientError(
        "MG125",
        f"the backward rule of {node.gate.name} failed: {error}",
        where=f"{_where(node)}; inputs {shapes}, output {node.shape}, dz {dz.shape}",
        cause=cause,
        remedy=f"run mg.gradcheck to find the mistake in the backward rule of {node.gate.name}",
    )
