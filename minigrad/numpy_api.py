"""What makes a Tensor feel like a NumPy array: NumPy's functions, methods, comparisons and
conversions.

`np.tanh(t)`, `array @ t` and `t.sum(axis=0)` mean what they mean for arrays, and are recorded.
NumPy's functions are looked up in `FUNCTIONS`, where the files in gates/ register their gates;
operators and methods are bound to their gates in gates/operators.py. A NumPy function without a
gate raises an error,
because its plain result would silently drop the gradient.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar

import numpy as np

from .errors import UnsupportedError
from .graph import Array
from .help import engine_errors as checks
from .help.other_frameworks import answering
from .support.text import printable

if TYPE_CHECKING:
    from .graph import Node

F = TypeVar("F", bound=Callable[..., Any])

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy's functions, each with the function that records it."""

# Functions whose results are integers or booleans, which have no gradient.
_WITHOUT_GRADIENT = {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isfinite, np.isnan, np.isinf,
    np.logical_and, np.logical_or, np.logical_not, np.signbit, np.argmax, np.argmin, np.argsort, np.shape, np.ndim,
    np.size, np.count_nonzero, np.flatnonzero, np.nonzero, np.all, np.any, np.allclose, np.array_equal, np.isclose,
}  # fmt: skip


_COMPARISONS = {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal}


def implements(*numpy_functions: Callable[..., Any]) -> Callable[[F], F]:
    """Register a function to run when one of those NumPy functions is called on a Tensor: a
    decorator.
    """

    def register(function: F) -> F:
        FUNCTIONS.update(dict.fromkeys(numpy_functions, function))
        return function

    return register


def to_array(value: Any) -> Any:
    """A Tensor's array; anything else unchanged."""
    return value.array if isinstance(value, ArrayMethods) else value


class Size(int):
    """A number of elements, which answers PyTorch's `x.size()`."""

    def __call__(self, *axes: int) -> NoReturn:
        raise UnsupportedError(
            "MG129",
            f"the size, {self}, is a number and cannot be called",
            cause="x.size is the number of elements, as in NumPy; PyTorch's x.size() is the shape",
            remedy="x.shape, or x.shape[0]",
        )


class ArrayMethods:
    """What a Tensor has in common with NumPy arrays. The rest of it is in tensor.py."""

    __slots__ = ()
    node: "Node"
    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.node.shape

    @property
    def ndim(self) -> int:
        return len(self.node.shape)

    @property
    def size(self) -> int:
        return Size(math.prod(self.node.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.node.dtype

    # ---- operators and methods that are recorded: gates/operators.py binds them to gates ----

    __add__: ClassVar[Callable[..., Self]]
    __radd__: ClassVar[Callable[..., Self]]
    __sub__: ClassVar[Callable[..., Self]]
    __rsub__: ClassVar[Callable[..., Self]]
    __mul__: ClassVar[Callable[..., Self]]
    __rmul__: ClassVar[Callable[..., Self]]
    __truediv__: ClassVar[Callable[..., Self]]
    __rtruediv__: ClassVar[Callable[..., Self]]
    __pow__: ClassVar[Callable[..., Self]]
    __rpow__: ClassVar[Callable[..., Self]]
    __matmul__: ClassVar[Callable[..., Self]]
    __rmatmul__: ClassVar[Callable[..., Self]]
    __iadd__: ClassVar[Callable[..., Self]]
    __isub__: ClassVar[Callable[..., Self]]
    __imul__: ClassVar[Callable[..., Self]]
    __itruediv__: ClassVar[Callable[..., Self]]
    __neg__: ClassVar[Callable[..., Self]]
    __abs__: ClassVar[Callable[..., Self]]
    __getitem__: ClassVar[Callable[..., Self]]
    sum: ClassVar[Callable[..., Self]]
    mean: ClassVar[Callable[..., Self]]
    max: ClassVar[Callable[..., Self]]
    min: ClassVar[Callable[..., Self]]
    var: ClassVar[Callable[..., Self]]
    std: ClassVar[Callable[..., Self]]
    cumsum: ClassVar[Callable[..., Self]]
    logsumexp: ClassVar[Callable[..., Self]]
    clip: ClassVar[Callable[..., Self]]
    astype: ClassVar[Callable[..., Self]]
    reshape: ClassVar[Callable[..., Self]]
    transpose: ClassVar[Callable[..., Self]]
    swapaxes: ClassVar[Callable[..., Self]]
    squeeze: ClassVar[Callable[..., Self]]
    abs: ClassVar[Callable[..., Self]]
    exp: ClassVar[Callable[..., Self]]
    log: ClassVar[Callable[..., Self]]
    sqrt: ClassVar[Callable[..., Self]]
    square: ClassVar[Callable[..., Self]]
    sin: ClassVar[Callable[..., Self]]
    cos: ClassVar[Callable[..., Self]]
    tanh: ClassVar[Callable[..., Self]]
    sigmoid: ClassVar[Callable[..., Self]]
    relu: ClassVar[Callable[..., Self]]
    softmax: ClassVar[Callable[..., Self]]
    log_softmax: ClassVar[Callable[..., Self]]

    # fmt: off
    @property
    def T(self) -> Self: return self.transpose()
    def __iter__(self) -> Iterator[Self]: return (self[index] for index in range(len(self)))
    def __pos__(self) -> Self: return self

    # ---- comparisons, which give arrays and warn of (N, 1) beside (N,) (MG170), and conversions
    # ----

    def __lt__(self, other: Any) -> Array: return np.less(self, other)
    def __le__(self, other: Any) -> Array: return np.less_equal(self, other)
    def __gt__(self, other: Any) -> Array: return np.greater(self, other)
    def __ge__(self, other: Any) -> Array: return np.greater_equal(self, other)
    def __eq__(self, other: object) -> Any: return np.equal(self, other)  # type: ignore[call-overload]
    def __ne__(self, other: object) -> Any: return np.not_equal(self, other)  # type: ignore[call-overload]
    __hash__ = object.__hash__
    def argmax(self, axis: int | None = None) -> Any: return np.argmax(self, axis)
    def __float__(self) -> float: return float(self.item())
    def __int__(self) -> int: return int(self.item())
    def __bool__(self) -> bool: return bool(self.item())
    # for printing
    def __round__(self, digits: int | None = None) -> float: return round(float(self), digits)
    def __format__(self, spec: str) -> str: return format(self.item() if spec else str(self), spec)
    def __len__(self) -> int: return len(self.array)
    # fmt: on

    def item(self) -> float | int | bool:
        """The one number of a tensor of size 1, as a Python number."""
        if self.size != 1:
            raise checks.not_one_number(self.node)
        return self.array.item()

    def __repr__(self) -> str:
        body = np.array2string(
            self.array, separator=", ", prefix="Tensor(", threshold=20, precision=4
        )
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        node = self.node
        name = f", name={node.name!r}" if node.name else ""
        origin = (
            f", made by {node.gate.name}"
            if node.gate
            else ", requires_grad=True"
            if node.requires_grad
            else ""
        )
        return f"Tensor({body}{dtype}{name}{printable(origin)})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.node.requires_grad:
            raise checks.gradient_dropped(self.node)
        return np.array(self.array, dtype=dtype, copy=copy)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise checks.element_assigned(self.node)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc in _WITHOUT_GRADIENT and method == "__call__":
            return _plainly(ufunc, inputs, options)
        if method != "__call__" or options or ufunc not in FUNCTIONS:
            name = f"np.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
            raise checks.no_gate(
                name + (f" with {', '.join(options)}=" if options and ufunc in FUNCTIONS else "")
            )
        return FUNCTIONS[ufunc](*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function in _WITHOUT_GRADIENT:
            return _plainly(function, args, options)
        if function not in FUNCTIONS:
            raise checks.no_gate(f"np.{function.__name__}")
        return answering(FUNCTIONS[function])(*args, **options)


# Operators without a gate, such as ~ and %, call NumPy's functions, which MG118 refuses by name.
# Those in place are not among them: Python makes `x = x ** 2` of `x **= 2`.
for _name, _operator in vars(np.lib.mixins.NDArrayOperatorsMixin).items():
    if (
        callable(_operator)
        and (_name == "__invert__" or _name[:3] != "__i")
        and _name not in dir(ArrayMethods)
    ):
        setattr(ArrayMethods, _name, _operator)


def _plainly(function: Callable[..., Any], args: Iterable[Any], options: dict[str, Any]) -> Any:
    """What NumPy's function returns for the Tensors' arrays."""
    arrays = [to_array(value) for value in args]
    try:
        if function in _COMPARISONS:
            checks.warn_of_pairs(*arrays)
        result = function(*arrays, **{name: to_array(value) for name, value in options.items()})
    except (ValueError, TypeError, OverflowError) as error:
        raise checks.numpy_failed(function, arrays, error) from None
    return watched_column(result) if function in _COMPARISONS else result


def watched_column(array: Any) -> Any:
    """A column (N, 1) as an array that warns when it is compared with N labels (MG170); anything
    else unchanged.
    """
    return array.view(Column) if array.shape[1:] == (1,) else array


class Column(np.ndarray):
    """An array (N, 1) that warns when it is compared with N labels; so does the result of another
    comparison.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [_uncompared(one) for one in inputs]
        if ufunc in _COMPARISONS and not any(isinstance(one, ArrayMethods) for one in arrays):
            checks.warn_of_pairs(*arrays)
        if "out" in options:
            options["out"] = tuple(map(_uncompared, options["out"]))
        result = getattr(ufunc, method)(*arrays, **options)
        return watched_column(result) if ufunc in _COMPARISONS and method == "__call__" else result

    def __reduce_ex__(self, protocol: Any) -> Any:
        # a file does not need minigrad to be read
        return self.view(np.ndarray).__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


def _uncompared(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Column) else value
