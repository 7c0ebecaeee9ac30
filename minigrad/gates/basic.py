"""Gates for a simple network: arithmetic, the matrix product, and tanh."""

import math
from typing import Any, ClassVar

import numpy as np

from ..errors import ShapeError
from ..gate import Gate, Shape
from ..gradients import Product, matrix_product
from ..help.engine_errors import broadcast_shape
from ..numpy_api import implements
from ..tensor import Tensor
from .samples import positive, samples_on

WIDE = "fdg"  # the characters of the dtypes that need no conversion: float32, float64, longdouble


def shifted(x, axis: int):
    """Return x minus its maximum along `axis`. x may be empty."""
    return x - (x.max(axis=axis, keepdims=True) if x.size else 0)


def copied(setting):
    """Return a gate's setting with arrays copied, and lists converted to tuples.

    Gates call this for each setting, because the caller may change a list or an array before the
    backward pass.
    """
    if isinstance(setting, (list, tuple)):
        return tuple(map(copied, setting))
    return setting.copy() if isinstance(setting, np.ndarray) else setting


def floats(x: Any) -> Any:
    """Return x, with integers and booleans converted to float64, and float16 to float32.

    Without the conversion, a difference of uint8 values, e^x of an int8 value or a sum of float16
    squares would overflow. x is an array or a Tensor.
    """
    dtype = x.dtype
    if dtype.char in WIDE:
        return x
    return x.astype(np.float32 if dtype.kind == "f" else np.float64)


def on_floats(gate: Gate, x, *others):
    """Return a gate's output for `floats(x)`, as float16 if no input is wider than float16."""
    z = gate.value(floats(x), *others)
    if x.dtype != np.float16:
        return z
    for position, other in enumerate(others, 1):
        if other.dtype.char in WIDE and position not in gate.constant_inputs:
            return z
    return z.astype(x.dtype)


def apply(gate: Gate, x):
    """Call a gate on a Tensor, which records the call, or run it on an array. For backward rules."""
    return gate(x) if isinstance(x, Tensor) else gate.forward(x)


class _TwoOperands(Gate):
    """Base class of gates with two operands. Sample inputs are never close to 0.

    Shapes: a and b broadcast by NumPy's rules, and z has the resulting shape.
    """

    sample_inputs = samples_on(
        "3x4 3x4",
        "2x3x4 4",
        "3x1 1x4",
        "() 2x3",
        "2x3 ()",
        draw=positive,
    )


class _OneOperand(Gate):
    """Base class of gates with one operand.

    Shapes: z has x's shape. Errors: DtypeError if x is not numeric (MG110).
    """

    sample_inputs = samples_on("3x4", "()")


class _Function(_OneOperand):
    """Base class of gates that apply `function` to floats: a NumPy function, or a method."""

    function: ClassVar[Any]

    def forward(self, x):
        if x.dtype.char not in WIDE:
            return on_floats(self, x)
        return self.function(x)


class AddGate(_TwoOperands):
    """z = a + b, with broadcasting. da = dz, db = dz: a sum passes its gradient to both inputs.

    >>> from minigrad import Tensor
    >>> (Tensor([1.0, 2.0]) + 3.0).array
    array([4., 5.], dtype=float32)

    Since: 0.1.
    """

    symbol = "+"

    def forward(self, a, b):
        return a + b

    def backward(self, dz, z, a, b):
        return dz, dz


class Subtract(_TwoOperands):
    """z = a - b. da = dz, db = -dz.

    >>> from minigrad import Tensor
    >>> (Tensor([1.0, 2.0]) - 3.0).array
    array([-2., -1.], dtype=float32)

    Since: 0.1.
    """

    symbol = "−"

    def forward(self, a, b):
        return a - b

    def backward(self, dz, z, a, b):
        return dz, lambda: -dz


class Hadamard(_TwoOperands):
    """z = a ⊙ b, elementwise. da = dz ⊙ b, db = dz ⊙ a: each factor scales the other's gradient.

    >>> from minigrad import Tensor
    >>> (Tensor([1.0, 2.0]) * Tensor([3.0, 4.0])).array
    array([3., 8.], dtype=float32)

    Since: 0.1.
    """

    symbol = "⊙"

    def forward(self, a, b):
        return a * b

    def backward(self, dz, z, a, b):
        return lambda: dz * b, lambda: dz * a


class Divide(_TwoOperands):
    """z = a / b. da = dz / b, db = -dz · z / b.

    >>> from minigrad import Tensor
    >>> (1.0 / Tensor([2.0, 4.0])).array
    array([0.5 , 0.25], dtype=float32)

    Since: 0.1.
    """

    symbol = "÷"

    def forward(self, a, b):
        return a / b

    def backward(self, dz, z, a, b):
        return lambda: dz / b, lambda: -dz * z / b


class Negate(_OneOperand):
    """z = -x. dx = -dz.

    >>> from minigrad import Tensor
    >>> (-Tensor([1.0, -2.0])).array
    array([-1.,  2.], dtype=float32)

    Since: 0.1.
    """

    symbol = "−"

    def forward(self, x):
        return -x

    def backward(self, dz, z, x):
        return (-dz,)


class Tanh(_Function):
    """z = tanh x, between -1 and 1. dx = dz · (1 - z²).

    A saturated unit (z near ±1) passes on almost no gradient.

    >>> from minigrad import Tensor
    >>> tanh(Tensor([0.0, 0.5])).array.round(4)
    array([0.    , 0.4621], dtype=float32)

    Since: 0.1.
    """

    symbol = "tanh"
    function = np.tanh

    def backward(self, dz, z, x):
        # dz · (1 - z²), but without the Python number 1, which NumPy would convert on every call
        dropped = dz * z
        dropped *= z
        return (dz - dropped,)


class MultiplyGate(Gate):
    """z = a @ b, the matrix product. da = dz @ bᵀ, db = aᵀ @ dz.

    The product is over the last two axes, (..., n, k) @ (..., k, m) -> (..., n, m), and the other
    axes broadcast as in NumPy. A vector (k,) counts as a row on the left and as a column on the
    right. Each gradient is also a matrix product, with the other operand transposed.

    >>> from minigrad import Tensor
    >>> a = Tensor([[1.0, 2.0]])
    >>> (a @ [[3.0], [4.0]]).array
    array([[11.]], dtype=float32)

    Source: Giles, Collected matrix derivative results (2008), 2.2.1.

    Since: 0.1.
    """

    symbol = "×"

    def forward(self, a, b):
        if a.ndim == b.ndim == 2:
            return a.dot(b)
        # one product for the whole batch
        if a.ndim > 2 and b.ndim == 2 and a.shape[-1] == b.shape[0]:
            shape = (*a.shape[:-1], b.shape[1])
            z = np.empty(shape, np.result_type(a, b))
            _matrix(a).dot(b, out=_matrix(z))  # a reshaped product would be a view, to be copied
            return z
        return a @ b

    def backward(self, dz, z, a, b):
        if a.ndim == b.ndim == 2:
            return lambda: matrix_product(dz, b.T), Product(a, dz)
        # Treat a vector as a row on the left and as a column on the right. Add the missing axes to
        # dz.
        A = a if a.ndim > 1 else a.reshape(1, -1)
        B = b if b.ndim > 1 else b.reshape(-1, 1)
        batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
        dZ = dz.reshape(*batch, A.shape[-2], B.shape[-1])
        if B.ndim == 2:  # one product for the whole batch
            A, dZ = _matrix(A), _matrix(dZ)
            return (
                lambda: matrix_product(dZ, B.T).reshape(a.shape),
                lambda: matrix_product(A.T, dZ).reshape(b.shape),
            )
        A, B = A.swapaxes(-1, -2), B.swapaxes(-1, -2)
        return (
            lambda: (dZ @ B).reshape(*batch, *a.shape[-2:]),
            lambda: (A @ dZ).reshape(*batch, *b.shape[-2:]),
        )

    def shape(self, *shapes: Shape) -> Shape:
        a, b = shapes
        if not a or not b:
            raise ShapeError(
                "MG108",
                f"MultiplyGate cannot multiply {a} by {b}",
                cause="each operand of a matrix product needs at least one axis, but an operand of "
                "shape () is a single number",
                remedy="use * to multiply by a number",
            )
        inner = b[-2] if len(b) > 1 else b[0]
        if a[-1] != inner:
            raise ShapeError(
                "MG101",
                f"MultiplyGate cannot multiply {a} by {b}",
                cause=f"the last axis of the left operand has size {a[-1]}, but the "
                f"{'second-last' if len(b) > 1 else 'only'} axis of the right operand has size "
                f"{inner}; the two must be equal",
                remedy=_suggest(a, b, inner),
            )
        batch = broadcast_shape(self.name, a[:-2], b[:-2])
        return (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 2 * math.prod(output) * shapes[0][-1]

    sample_inputs = samples_on(
        "3x4 4x2",
        "2x3x4 4x2",
        "3x4 2x4x2",
        "2x1x3x4 5x4x2",
        "4 4",
        "3x4 4",
        "4 4x2",
        "2x3x4 4",
        "4 2x4x3",
        "2x3x0 0x4",
        "2x0x3 3x2",
        "0 0x3",
    )


def _suggest(a: Shape, b: Shape, inner: int) -> str:
    if len(b) == 2 and a[-1] == b[1]:
        return f"transpose the right operand with .T, from {b} to {b[::-1]}"
    if len(a) == 2 and a[0] == inner:
        return f"transpose the left operand with .T, from {a} to {a[::-1]}"
    return f"use a right operand with {a[-1]} rows, or a left operand with {inner} columns"


def _matrix(a):
    """Reshape `a` from (..., k) to a matrix (n, k)."""
    # reshape(-1, k) would fail for k = 0
    return a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


add = implements(np.add)(AddGate())
subtract = implements(np.subtract)(Subtract())
multiply = implements(np.multiply)(Hadamard())
divide = implements(np.divide)(Divide())
negate = implements(np.negative)(Negate())
matmul = implements(np.matmul)(MultiplyGate())
tanh = implements(np.tanh)(Tanh())
