"""The NumPy interface of a Tensor: NumPy's functions, methods, comparisons and conversions.

With a Tensor t, `np.tanh(t)`, `array @ t` and `t.sum(axis=0)` return the same values as with an
array, and the calls are recorded. The files in gates/ register their gates for NumPy functions in
`FUNCTIONS`, and gates/operators.py binds operators and methods to gates. A NumPy function without a
gate raises an error, because its plain result would silently drop the gradient.
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
"""Maps each supported NumPy function to the function that records the call."""

# Functions that return integers or booleans, which have no gradient.
_COMPARISONS = {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal}
_WITHOUT_GRADIENT = {
    *_COMPARISONS, np.isfinite, np.isnan, np.isinf, np.logical_and, np.logical_or, np.logical_not, np.signbit,
    np.argmax, np.argmin, np.argsort, np.shape, np.ndim, np.size, np.count_nonzero, np.flatnonzero, np.nonzero,
    np.all, np.any, np.allclose, np.array_equal, np.isclose,
}  # fmt: skip


def implements(*numpy_functions: Callable[..., Any]) -> Callable[[F], F]:
    """Decorate the function to run when one of these NumPy functions is called on a Tensor."""

    def register(function: F) -> F:
        FUNCTIONS.update(dict.fromkeys(numpy_functions, function))
        return function

    return register


def to_array(value: Any) -> Any:
    """Return a Tensor's array, and anything else unchanged."""
    return value.array if isinstance(value, ArrayMethods) else value


class Size(int):
    """The number of elements. Calling it, as in PyTorch's `x.size()`, raises an error."""

    def __call__(self, *axes: int) -> NoReturn:
        raise UnsupportedError(
            "MG129",
            f"the size {self} is a number and cannot be called",
            cause="x.size is the number of elements, as in NumPy; PyTorch's x.size() is the shape",
            remedy="use x.shape, or x.shape[0] for the first axis",
        )


class ArrayMethods(np.lib.mixins.NDArrayOperatorsMixin):
    """The attributes and methods that a Tensor shares with NumPy arrays. tensor.py has the rest.

    Operators that are not defined here come from NumPy's mixin. Comparisons return arrays.
    Operators without a gate, such as ~ and %, raise an error (MG118).
    """

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

    # tensor.py lists the other recorded operators and methods.
    __getitem__: ClassVar[Callable[..., Self]]
    transpose: ClassVar[Callable[..., Self]]

    # fmt: off
    @property
    def T(self) -> Self: return self.transpose()
    def __iter__(self) -> Iterator[Self]: return (self[index] for index in range(len(self)))
    def __pos__(self) -> Self: return self

    # ---- conversions ----

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
        """Return the only element of a tensor of size 1, as a Python number."""
        if self.size != 1:
            raise checks.not_one_number(self.node)
        return self.array.item()

    def __repr__(self) -> str:
        body = np.array2string(
            self.array, separator=", ", prefix="Tensor(", threshold=20, precision=4
        )
        parts = [body]
        if self.dtype != np.float32:
            parts.append(f"dtype={self.dtype}")
        if self.node.name:
            parts.append(f"name={self.node.name!r}")
        if self.node.gate:
            parts.append(f"made by {printable(self.node.gate.name)}")
        elif self.node.requires_grad:
            parts.append("requires_grad=True")
        return f"Tensor({', '.join(parts)})"

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
            how = "" if method == "__call__" else f".{method}"
            given = "".join(f" with {name}=" for name in options)
            raise checks.no_gate(f"np.{ufunc.__name__}{how}{given}")
        return FUNCTIONS[ufunc](*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function in _WITHOUT_GRADIENT:
            return _plainly(function, args, options)
        if function not in FUNCTIONS:
            raise checks.no_gate(f"np.{function.__name__}")
        return answering(FUNCTIONS[function])(*args, **options)


def _plainly(function: Callable[..., Any], args: Iterable[Any], options: dict[str, Any]) -> Any:
    """Call a NumPy function with the arrays of all Tensors among its arguments."""
    arrays = [to_array(value) for value in args]
    if function in _COMPARISONS:
        checks.warn_of_pairs(*arrays)
    result = function(*arrays, **{name: to_array(value) for name, value in options.items()})
    return watched_column(result) if function in _COMPARISONS else result


def watched_column(array: Any) -> Any:
    """Return an array of shape (N, 1) as a Column, and any other array unchanged."""
    return array.view(Column) if array.shape[1:] == (1,) else array


class Column(np.ndarray):
    """An array of shape (N, 1) that warns when it is compared with an array of N labels (MG170).

    If the result of a comparison has shape (N, 1), it is a Column too.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [_uncompared(one) for one in inputs]
        if ufunc in _COMPARISONS and not any(isinstance(one, ArrayMethods) for one in arrays):
            checks.warn_of_pairs(*arrays)
        if "out" in options:
            options["out"] = tuple(map(_uncompared, options["out"]))
        result = getattr(ufunc, method)(*arrays, **options)
        return watched_column(result) if ufunc in _COMPARISONS and method == "__call__" else result

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


def _uncompared(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Column) else value
