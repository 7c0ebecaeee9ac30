"""Tensor operators and methods, such as `x + y`, `x.sum()` and `x[0]`. Each calls its gate."""

from collections.abc import Callable
from typing import NoReturn

from ..context import RECORDING
from ..errors import UnknownNameError
from ..gate import Gate
from ..help.engine_errors import order_of_axes
from ..tensor import Tensor, TensorLike
from . import activation, basic, elementwise, indexing, reduction, shape


def _of_one(gate: Gate) -> Callable[[Tensor], Tensor]:
    def method(x: Tensor) -> Tensor:
        return gate(x)

    method.__doc__ = f"`{gate.name}()(x)`."
    return method


def _of_two(gate: Gate) -> Callable[[Tensor, TensorLike], Tensor]:
    return lambda x, other: gate.__call__(x, other)  # faster than gate(x, other)


def _reflected(gate: Gate) -> Callable[[Tensor, TensorLike], Tensor]:
    """Return a method for a Tensor as the right operand, as in `other + x`."""
    return lambda x, other: gate(other, x)


def _in_place(gate: Gate) -> Callable[[Tensor, TensorLike], Tensor]:
    """Return a method for `x += other`. Inside no_grad, it updates a parameter in place.

    As in NumPy, the parameter keeps its dtype.
    """

    def method(x: Tensor, other: TensorLike) -> Tensor:
        value = gate(x, other)
        if x.node.gate is None and x.requires_grad and not RECORDING.get():
            x.array = value.array.astype(x.dtype, copy=False)
            return x
        return value

    return method


def _apply(gate: type[Gate], *inputs: TensorLike) -> NoReturn:
    """Raise UnknownNameError (MG119) for PyTorch's way to call a function of one's own."""
    raise UnknownNameError(
        "MG119",
        f"{gate.__name__} has no apply",
        cause="this is a name from another framework",
        remedy=f"make the gate, with its settings, and call it: {gate.__name__}()(x)",
    )


Gate.apply = classmethod(_apply)  # type: ignore[attr-defined]
Tensor.__add__ = _of_two(basic.add)
Tensor.__radd__ = _reflected(basic.add)
Tensor.__iadd__ = _in_place(basic.add)
Tensor.__sub__ = _of_two(basic.subtract)
Tensor.__rsub__ = _reflected(basic.subtract)
Tensor.__isub__ = _in_place(basic.subtract)
Tensor.__mul__ = _of_two(basic.multiply)
Tensor.__rmul__ = _reflected(basic.multiply)
Tensor.__imul__ = _in_place(basic.multiply)
Tensor.__truediv__ = _of_two(basic.divide)
Tensor.__rtruediv__ = _reflected(basic.divide)
Tensor.__itruediv__ = _in_place(basic.divide)
Tensor.__pow__ = _of_two(elementwise.power)
Tensor.__rpow__ = _reflected(elementwise.power)
Tensor.__ipow__ = _in_place(elementwise.power)
Tensor.__matmul__ = _of_two(basic.matmul)
Tensor.__rmatmul__ = _reflected(basic.matmul)
Tensor.__imatmul__ = _in_place(basic.matmul)
Tensor.__neg__ = _of_one(basic.negate)
Tensor.__abs__ = _of_one(elementwise.absolute)
Tensor.__getitem__ = indexing.slice_

Tensor.abs = _of_one(elementwise.absolute)
Tensor.exp = _of_one(elementwise.exp)
Tensor.log = _of_one(elementwise.log)
Tensor.sqrt = _of_one(elementwise.sqrt)
Tensor.sin = _of_one(elementwise.sin)
Tensor.cos = _of_one(elementwise.cos)
Tensor.tanh = _of_one(basic.tanh)
Tensor.sigmoid = _of_one(activation.sigmoid)
Tensor.relu = _of_one(activation.relu)
Tensor.square = elementwise.square
Tensor.clip = elementwise.clip
Tensor.astype = elementwise.astype
Tensor.softmax = activation.softmax
Tensor.log_softmax = activation.log_softmax
Tensor.sum = reduction.sum
Tensor.mean = reduction.mean
Tensor.max = reduction.max
Tensor.min = reduction.min
Tensor.var = reduction.var
Tensor.std = reduction.std
Tensor.cumsum = reduction.cumsum
Tensor.logsumexp = reduction.logsumexp
Tensor.squeeze = shape.squeeze
Tensor.swapaxes = shape.swapaxes


def _reshape(x: Tensor, *to) -> Tensor:
    """`Reshape(to)(x)`. The shape may be one argument or several."""
    return shape.reshape(x, to[0] if len(to) == 1 else to)


def _transpose(x: Tensor, *axes) -> Tensor:
    """`Transpose(axes)(x)`. The axes may be one argument or several. Without arguments, the order
    of the axes is reversed.
    """
    return shape.transpose(x, order_of_axes(x.node, axes))


def _permute(x: Tensor, *axes) -> Tensor:
    """`Transpose(axes)(x)`, PyTorch's name."""
    return shape.transpose(x, axes[0] if len(axes) == 1 else axes)


Tensor.reshape = _reshape
Tensor.transpose = _transpose
Tensor.permute = _permute
