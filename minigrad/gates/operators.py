"""Tensor operators and methods, such as `x + y`, `x.sum()` and `x[0]`. Each calls its gate."""

from collections.abc import Callable

from ..context import RECORDING
from ..gate import Gate
from ..help.engine_errors import order_of_axes
from ..tensor import Tensor, TensorLike
from . import reduction, shape
from .activation import log_softmax, relu, sigmoid, softmax
from .basic import add, divide, matmul, multiply, negate, subtract, tanh
from .elementwise import (
    absolute,
    astype,
    clip,
    cos,
    exp,
    log,
    power,
    sin,
    sqrt,
    square,
)
from .indexing import slice_

Binary = Callable[[Tensor, TensorLike], Tensor]


def _of_one(gate: Gate) -> Callable[[Tensor], Tensor]:
    def method(x: Tensor) -> Tensor:
        return gate(x)

    method.__doc__ = f"`{gate.name}()(x)`."
    return method


def _of_two(gate: Gate) -> Binary:
    return lambda x, other: gate.__call__(x, other)  # faster than gate(x, other)


def _reflected(gate: Gate) -> Binary:
    """Return a method for a Tensor as the right operand, as in `other + x`."""
    return lambda x, other: gate(other, x)


def _in_place(gate: Gate) -> Binary:
    """Return a method for `x += other`. Inside no_grad, it updates a parameter in place.

    As in NumPy, the parameter keeps its dtype.
    """

    def method(x: Tensor, other: TensorLike) -> Tensor:
        value = gate(x, other)
        parameter = x.node.gate is None and x.requires_grad
        if parameter and not RECORDING.get():
            x.array = value.array.astype(x.dtype, copy=False)
            return x
        return value

    return method


Tensor.__add__ = _of_two(add)
Tensor.__radd__ = _reflected(add)
Tensor.__iadd__ = _in_place(add)
Tensor.__sub__ = _of_two(subtract)
Tensor.__rsub__ = _reflected(subtract)
Tensor.__isub__ = _in_place(subtract)
Tensor.__mul__ = _of_two(multiply)
Tensor.__rmul__ = _reflected(multiply)
Tensor.__imul__ = _in_place(multiply)
Tensor.__truediv__ = _of_two(divide)
Tensor.__rtruediv__ = _reflected(divide)
Tensor.__itruediv__ = _in_place(divide)
Tensor.__pow__ = _of_two(power)
Tensor.__rpow__ = _reflected(power)
Tensor.__ipow__ = _in_place(power)
Tensor.__matmul__ = _of_two(matmul)
Tensor.__rmatmul__ = _reflected(matmul)
Tensor.__imatmul__ = _in_place(matmul)
Tensor.__neg__ = _of_one(negate)
Tensor.__abs__ = _of_one(absolute)
Tensor.__getitem__ = slice_

Tensor.abs = _of_one(absolute)
Tensor.exp = _of_one(exp)
Tensor.log = _of_one(log)
Tensor.sqrt = _of_one(sqrt)
Tensor.sin = _of_one(sin)
Tensor.cos = _of_one(cos)
Tensor.tanh = _of_one(tanh)
Tensor.sigmoid = _of_one(sigmoid)
Tensor.relu = _of_one(relu)
Tensor.square = square
Tensor.clip = clip
Tensor.astype = astype
Tensor.softmax = softmax
Tensor.log_softmax = log_softmax
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
