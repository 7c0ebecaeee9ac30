"""Gates that work element by element: sums, products, powers, exponentials. Know nothing of matrices or of time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..gate import Gate
from ..tensor import Tensor, TensorLike, implements


def _pairs() -> list[tuple[Any, Any]]:
    """Operands away from 0: of one shape, broadcast on either side, and with a scalar."""
    rng = np.random.default_rng(7)
    shapes = [((3, 4), (3, 4)), ((2, 3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 3), ())]
    return [(rng.uniform(0.5, 2.0, a), rng.uniform(0.5, 2.0, b)) for a, b in shapes]


def _one() -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(8)
    return [(rng.uniform(0.5, 2.0, (3, 4)),), (rng.uniform(0.5, 2.0, ()),)]


class _Elementwise(Gate):
    """What the gates below share: the inputs that try them."""

    @classmethod
    def samples(cls) -> Any:
        return ((cls(), arrays) for arrays in _pairs())

    @classmethod
    def refused(cls) -> Any:
        yield cls(), (np.ones((3, 4)), np.ones((3, 5))), ShapeError


class AddGate(_Elementwise):
    """z = a + b, shapes broadcast together. da = dz, db = dz: a sum hands its gradient to both.

    >>> (Tensor([1.0, 2.0]) + 3.0).array
    array([4., 5.], dtype=float32)
    """

    symbol = "+"

    def forward(self, a: Any, b: Any) -> Any:
        return a + b

    def backward(self, dz: Any, z: Any, a: Any, b: Any) -> Any:
        return dz, dz


class Subtract(_Elementwise):
    """z = a - b. da = dz, db = -dz.

    >>> (Tensor([1.0, 2.0]) - 3.0).array
    array([-2., -1.], dtype=float32)
    """

    symbol = "−"

    def forward(self, a: Any, b: Any) -> Any:
        return a - b

    def backward(self, dz: Any, z: Any, a: Any, b: Any) -> Any:
        return dz, lambda: -dz


class Hadamard(_Elementwise):
    """z = a ⊙ b, element by element. da = dz ⊙ b, db = dz ⊙ a: each factor scales the other's gradient.

    >>> (Tensor([1.0, 2.0]) * Tensor([3.0, 4.0])).array
    array([3., 8.], dtype=float32)
    """

    symbol = "⊙"

    def forward(self, a: Any, b: Any) -> Any:
        return a * b

    def backward(self, dz: Any, z: Any, a: Any, b: Any) -> Any:
        return lambda: dz * b, lambda: dz * a


class Divide(_Elementwise):
    """z = a / b. da = dz / b, db = -dz · z / b.

    >>> (1.0 / Tensor([2.0, 4.0])).array
    array([0.5 , 0.25], dtype=float32)
    """

    symbol = "÷"

    def forward(self, a: Any, b: Any) -> Any:
        return a / b

    def backward(self, dz: Any, z: Any, a: Any, b: Any) -> Any:
        return lambda: dz / b, lambda: -dz * z / b


class Power(_Elementwise):
    """z = a^b. da = dz · b · a^(b-1), db = dz · z · ln a (so a gradient for the exponent needs a > 0).

    Where b = 0, da is 0, also at a = 0.

    >>> (Tensor([1.0, 2.0, 3.0]) ** 2).array
    array([1., 4., 9.], dtype=float32)
    """

    symbol = "^"

    def forward(self, a: Any, b: Any) -> Any:
        return a**b

    def backward(self, dz: Any, z: Any, a: Any, b: Any) -> Any:
        # 0^(0-1) would be infinite, and infinity times the factor b = 0 is NaN: the exponent is set to any other.
        return lambda: dz * b * a ** np.where(b == 0, 1.0, b - 1), lambda: dz * z * np.log(a)


class _OneInput(Gate):
    @classmethod
    def samples(cls) -> Any:
        return ((cls(), arrays) for arrays in _one())


class Negate(_OneInput):
    """z = -x. dx = -dz.

    >>> (-Tensor([1.0, -2.0])).array
    array([-1.,  2.], dtype=float32)
    """

    symbol = "−"

    def forward(self, x: Any) -> Any:
        return -x

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (-dz,)


class Exp(_OneInput):
    """z = e^x. dx = dz · z.

    >>> exp(Tensor([0.0, 1.0])).array.round(4)
    array([1.    , 2.7183], dtype=float32)
    """

    symbol = "exp"

    def forward(self, x: Any) -> Any:
        return np.exp(x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (dz * z,)


class Log(_OneInput):
    """z = ln x, for x > 0. dx = dz / x.

    >>> log(Tensor([1.0, 4.0])).array.round(4)
    array([0.    , 1.3863], dtype=float32)
    """

    symbol = "ln"

    def forward(self, x: Any) -> Any:
        return np.log(x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (dz / x,)


class Sqrt(_OneInput):
    """z = √x, for x > 0. dx = dz / (2z), infinite at 0.

    >>> sqrt(Tensor([4.0, 9.0])).array
    array([2., 3.], dtype=float32)
    """

    symbol = "√"

    def forward(self, x: Any) -> Any:
        return np.sqrt(x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (0.5 * dz / z,)


add = implements(np.add)(AddGate())
subtract = implements(np.subtract)(Subtract())
multiply = implements(np.multiply)(Hadamard())
divide = implements(np.divide)(Divide())
power = implements(np.power)(Power())
negate = implements(np.negative)(Negate())
exp = implements(np.exp)(Exp())
log = implements(np.log)(Log())
sqrt = implements(np.sqrt)(Sqrt())


@implements(np.square)
def square(x: TensorLike) -> Tensor:
    """x ⊙ x, recorded as a Hadamard product of x with itself."""
    return multiply(x, x)
