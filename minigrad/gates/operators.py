"""The operators and methods of a Tensor, bound to the gates that they record: `x + y`, `x.sum()`,
`x[0]`.
"""

from collections.abc import Callable

from ..context import RECORDING
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
    return lambda x, other: gate(x, other)


def _reflected(gate: Gate) -> Callable[[Tensor, TensorLike], Tensor]:
    """For a Tensor on the right: `other + x`."""
    return lambda x, other: gate(other, x)


def _in_place(gate: Gate) -> Callable[[Tensor, TensorLike], Tensor]:
    """For `x += other`: inside no_grad a parameter is changed, and stays one."""

    def method(x: Tensor, other: TensorLike) -> Tensor:
        value = gate(x, other)
        if x.node.gate is None and x.requires_grad and not RECORDING.get():
            x.array = value.array
            return x
        return value

    return method


for _name, _gate in {
    "add": basic.add,
    "sub": basic.subtract,
    "mul": basic.multiply,
    "truediv": basic.divide,
    "pow": elementwise.power,
    "matmul": basic.matmul,
}.items():
    setattr(Tensor, f"__{_name}__", _of_two(_gate))
    setattr(Tensor, f"__r{_name}__", _reflected(_gate))
    setattr(Tensor, f"__i{_name}__", _in_place(_gate))
Tensor.__neg__ = _of_one(basic.negate)
Tensor.__abs__ = _of_one(elementwise.absolute)
Tensor.__getitem__ = indexing.slice_

for _gate in (
    elementwise.absolute, elementwise.exp, elementwise.log, elementwise.sqrt, elementwise.sin, elementwise.cos,
    basic.tanh, activation.sigmoid, activation.relu,
):  # fmt: skip
    setattr(Tensor, _gate.name.lower(), _of_one(_gate))  # x.abs(), x.exp(), ...
for _function in (
    elementwise.square, elementwise.clip, elementwise.astype, activation.softmax, activation.log_softmax,
    reduction.sum, reduction.mean, reduction.max, reduction.min, reduction.var, reduction.std, reduction.cumsum,
    reduction.logsumexp, shape.squeeze, shape.swapaxes,
):  # fmt: skip
    setattr(Tensor, _function.__name__, _function)


def _reshape(x: Tensor, *to) -> Tensor:
    """`Reshape(to)(x)`, for a shape given as one argument or as several."""
    return shape.reshape(x, to[0] if len(to) == 1 else to)


def _transpose(x: Tensor, *axes) -> Tensor:
    """`Transpose(axes)(x)`, for an order given as one argument or as several; without arguments it
    is reversed.
    """
    return shape.transpose(x, order_of_axes(x.node, axes))


Tensor.reshape = _reshape
Tensor.transpose = _transpose
