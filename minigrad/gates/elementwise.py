"""Powers, exponentials and roots, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..gate import Gate
from ..numpy_functions import implements
from ..tensor import Tensor, TensorLike
from .basic import _TwoOperands, multiply


class Power(_TwoOperands):
    """z = a^b. da = dz · b · a^(b-1), db = dz · z · ln a (so a gradient for the exponent needs a > 0).

    Where b = 0, da is 0, even at a = 0.

    >>> (Tensor([1.0, 2.0, 3.0]) ** 2).array
    array([1., 4., 9.], dtype=float32)
    """

    symbol = "^"

    def forward(self, a: Any, b: Any) -> Any:
        return a**b

    def backward(self, dz: Any, z: Any, a: Any, b: Any) -> Any:
        # Where b = 0, a^(b-1) is infinite at a = 0, and b times that is NaN. With any positive exponent it is 0.
        return lambda: dz * b * a ** np.where(b == 0, 1.0, b - 1), lambda: dz * z * np.log(a)


class _Positive(Gate):
    """What gates of one positive operand share: sample inputs."""

    @classmethod
    def samples(cls) -> Any:
        rng = np.random.default_rng(8)
        return ((cls(), (rng.uniform(0.5, 2.0, shape),)) for shape in [(3, 4), ()])


class Exp(_Positive):
    """z = e^x. dx = dz · z.

    >>> exp(Tensor([0.0, 1.0])).array.round(4)
    array([1.    , 2.7183], dtype=float32)
    """

    symbol = "exp"

    def forward(self, x: Any) -> Any:
        return np.exp(x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (dz * z,)


class Log(_Positive):
    """z = ln x, for x > 0. dx = dz / x.

    >>> log(Tensor([1.0, 4.0])).array.round(4)
    array([0.    , 1.3863], dtype=float32)
    """

    symbol = "ln"

    def forward(self, x: Any) -> Any:
        return np.log(x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (dz / x,)


class Sqrt(_Positive):
    """z = √x, for x > 0. dx = dz / (2z), infinite at 0.

    >>> sqrt(Tensor([4.0, 9.0])).array
    array([2., 3.], dtype=float32)
    """

    symbol = "√"

    def forward(self, x: Any) -> Any:
        return np.sqrt(x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (0.5 * dz / z,)


power = implements(np.power)(Power())
exp = implements(np.exp)(Exp())
log = implements(np.log)(Log())
sqrt = implements(np.sqrt)(Sqrt())


@implements(np.square)
def square(x: TensorLike) -> Tensor:
    """x ⊙ x, recorded as a Hadamard product of x with itself."""
    return multiply(x, x)
