"""The NumPy interface of a Tensor: NumPy's functions, methods, comparisons and conversions.

With a Tensor t, `np.tanh(t)`, `array @ t` and `t.sum(axis=0)` return the same values as with an
array, and the calls are recorded. The files in gates/ register their gates for NumPy functions in
`FUNCTIONS`, and gates/operators.py binds operators and methods to gates. A NumPy function without a
gate raises an error, because its plain result would silently drop the gradient.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, ClassVar, NoReturn, Self, TypeVar

import numpy as np

from .errors import UnsupportedError
from .graph import Array, Node, Shape
from .help import engine_errors as checks
from .help.other_frameworks import answering, call_renamed
from .support.text import printable

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)

REAL = "fiub"
"""The kinds of dtypes that a Tensor may have: floats, integers and booleans."""

FUNCTIONS: dict[Function, Function] = {}
"""Maps each supported NumPy function to the function that records the call."""

# Functions that return integers or booleans, which have no gradient.
_COMPARISONS = {
    np.equal,
    np.not_equal,
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
}
_WITHOUT_GRADIENT = _COMPARISONS | {
    getattr(np, name)
    for name in "isfinite isnan isinf logical_and logical_or logical_not signbit argmax argmin argsort "
    "shape ndim size count_nonzero flatnonzero nonzero all any allclose array_equal isclose".split()
}
_answering = cache(answering)


def implements(*numpy_functions: Function) -> Callable[[F], F]:
    """Decorate the function to run when one of these NumPy functions is called on a Tensor."""

    def register(function: F) -> F:
        FUNCTIONS.update(dict.fromkeys(numpy_functions, function))
        return function

    return register


def to_array(value: Any) -> Any:
    """Return a Tensor's array, and anything else unchanged."""
    if isinstance(value, ArrayMethods):
        return value.array
    return value


def as_array(data: Any, dtype: Any = None) -> Array:
    """Return `data` as a new array of numbers. It is copied because the caller may change it.

    Errors: DtypeError for a Tensor (MG111), a masked array (MG172) and data that is not numeric
    (MG110); ShapeError for ragged lists (MG103).
    """
    if isinstance(data, ArrayMethods):
        raise checks.already_a_tensor(data.node)
    one = data[0] if isinstance(data, (list, tuple)) and data else data
    if isinstance(one, np.ndarray) and hasattr(one, "mask"):
        raise checks.masked_array(one.shape)
    try:
        array = np.asarray(data)
    except UnsupportedError:  # raised by `__array__` below if `data` contains a Tensor
        raise checks.tensors_inside(data) from None
    except (ValueError, TypeError) as error:
        raise checks.ragged(data, error) from None
    check_real(array.dtype, data)
    if dtype is not None:
        check_real(np.dtype(dtype))
        return _converted(data, np.dtype(dtype))
    keeps_dtype = isinstance(data, (np.ndarray, np.generic))
    if keeps_dtype or array.dtype.kind == "b":
        return array.copy("K")  # in the same memory layout
    return array.astype(np.float32)


def keep_dtype(values: Any) -> Any:
    """Convert a list of labels, ids or conditions to an array in which integers remain integers.

    For all other inputs of gates, a list becomes a float32 array. Tensors are returned unchanged.
    """
    if isinstance(values, ArrayMethods):
        return values
    return np.asanyarray(values)


def check_real(dtype: np.dtype[Any], *data: Any) -> None:
    """Raise DtypeError (MG110) unless `dtype` is a type of real numbers. The message quotes `data`."""
    if dtype.kind not in REAL:
        raise checks.not_real(dtype, *data)


def check_differentiable(dtype: np.dtype[Any], name: str | None) -> None:
    """Raise DtypeError (MG112) unless arrays of this dtype can have a gradient."""
    if dtype not in (np.float32, np.float64):
        raise checks.not_differentiable(dtype, name)


def common_dtype(values: Sequence[Any]) -> np.dtype[Any]:
    """Return NumPy's common dtype for the Tensors and real arrays among `values`.

    If there are none, return float32.
    """
    dtypes = []
    for value in values:
        if isinstance(value, (np.ndarray, ArrayMethods)) and value.dtype.kind in REAL:
            dtypes.append(value.dtype)
    if not dtypes:
        return np.dtype(np.float32)
    return np.result_type(*dtypes)


def as_operand(value: Any, dtype: np.dtype[Any]) -> Array:
    """Return `value` as a new array, for arithmetic with arrays of `dtype`.

    A plain number gets `dtype` if `dtype` is a float dtype. Otherwise NumPy's rules apply, except
    that a Python float counts as float32.
    """
    number = isinstance(value, (bool, int, float, np.integer, np.floating))
    if number and dtype.kind == "f":
        return _converted(value, dtype)
    if not number or isinstance(value, np.generic):
        return as_array(value)
    if isinstance(value, float):
        return _converted(value, np.result_type(dtype, np.float32))
    return _converted(value, np.result_type(dtype, type(value)(0)))


def _converted(data: Any, dtype: np.dtype[Any]) -> Array:
    try:
        return np.array(data, dtype)
    except OverflowError:
        raise checks.number_out_of_range(data, dtype) from None


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
    node: Node
    array: Array

    @property
    def shape(self) -> Shape:
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

    @property
    def T(self) -> Self:
        return self.transpose()

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Self]:
        return (self[index] for index in range(len(self)))

    def __pos__(self) -> Self:
        return self

    # ---- conversions ----

    __hash__ = object.__hash__

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __round__(self, digits: int | None = None) -> float:
        return round(float(self), digits)

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec else str(self), spec)

    def argmax(self, axis: int | None = None, **others: Any) -> Any:
        """Return the index of the largest element along `axis`, as a plain array."""
        if others:
            return call_renamed(ArrayMethods.argmax, **locals())
        return np.argmax(self.array, axis)

    def item(self) -> float | int | bool:
        """Return the only element of a tensor of size 1, as a Python number."""
        if self.size != 1:
            raise checks.not_one_number(self.node)
        return self.array.item()

    def __repr__(self) -> str:
        parts = [
            np.array2string(self.array, separator=", ", prefix="Tensor(", threshold=20, precision=4)
        ]
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
        if method == "__call__" and not options and ufunc in FUNCTIONS:
            return FUNCTIONS[ufunc](*inputs)
        how = "" if method == "__call__" else f".{method}"
        given = "".join(f" with {name}=" for name in options)
        raise checks.no_gate(f"np.{ufunc.__name__}{how}{given}")

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function in _WITHOUT_GRADIENT:
            return _plainly(function, args, options)
        if function not in FUNCTIONS:
            raise checks.no_gate(f"np.{function.__name__}")
        # NumPy accepts some calls that minigrad does not, such as np.where with one argument
        return _answering(FUNCTIONS[function])(*args, **options)


def _plainly(function: Function, args: Iterable[Any], options: dict[str, Any]) -> Any:
    """Call a NumPy function with the arrays of all Tensors among its arguments."""
    arrays = [to_array(value) for value in args]
    options = {name: to_array(value) for name, value in options.items()}
    if function not in _COMPARISONS:
        return function(*arrays, **options)
    checks.warn_of_pairs(*arrays)
    return watched_column(function(*arrays, **options))


def watched_column(array: Any) -> Any:
    """Return an array of shape (N, 1) as a Column, and any other array unchanged."""
    if array.shape[1:] == (1,):
        return array.view(Column)
    return array


class Column(np.ndarray):
    """An array of shape (N, 1) that warns when it is compared with an array of N labels (MG170).

    If the result of a comparison has shape (N, 1), it is a Column too.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [_uncompared(one) for one in inputs]
        if "out" in options:
            options["out"] = tuple(map(_uncompared, options["out"]))
        compared = ufunc in _COMPARISONS
        if compared and not any(isinstance(one, ArrayMethods) for one in arrays):
            checks.warn_of_pairs(*arrays)
        result = getattr(ufunc, method)(*arrays, **options)
        if compared and method == "__call__":
            return watched_column(result)
        return result

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


def _uncompared(value: Any) -> Any:
    if isinstance(value, Column):
        return value.view(np.ndarray)
    return value
