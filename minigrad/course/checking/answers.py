"""Encode raw answers as JSON, and compare them.

A grader can read the JSON without running the learner's code. Answers are numbers, strings,
booleans, None, arrays, and lists and dicts of these. Any other object becomes an `Unusable`, which
is not equal to any answer. Examples are a function, a complex number, an int too large for a float,
and a list that contains itself.
"""

import base64
from collections.abc import Iterator, Sized
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

DEEPEST = 50
"""The maximum nesting depth of lists and dicts in an answer."""
MOST_PARTS = 1_000_000
"""The maximum total number of list and dict elements in an answer."""
MOST_AXES = 8
"""The maximum number of axes of an answer whose relation to the right answer is described."""
LONGEST_EMPTY = 1 << 16
"""The maximum length of each dimension of an empty array. A billion empty rows take no space until
they are converted to a list.
"""

DATA = int, float, np.ndarray, list, tuple, dict
"""Types of values that can be compared with an earlier copy."""


@dataclass(frozen=True)
class Unusable:
    """An answer of an unsupported type, with a short description."""

    what: str


@dataclass(frozen=True)
class Difference:
    """A difference between two answers: its position `place` and both values as text."""

    place: str
    yours: str
    right: str
    relation: str = field(default="", repr=False)
    """A sentence that says how all numbers differ, such as 'Every number has the wrong sign.'"""


def encode(answer: Any) -> Any:
    """Convert any object to JSON types. The data of an array or a Tensor is encoded in base64."""
    try:
        return _encoded(answer, DEEPEST, iter(range(MOST_PARTS)))
    except Exception as error:
        # the answer is too large, or the learner's own __repr__ or __iter__ raised an error
        reason = type(error).__name__
        text = f"{type(answer).__name__}, which cannot be read ({reason})"
        return {"unusable": text[:200]}


def _encoded(answer: Any, depth: int, parts: Iterator[int]) -> Any:
    """Convert an answer to JSON types. Each element consumes one item of `parts`, which therefore
    limits the number of elements.

    Errors: RecursionError if the answer has more than `depth` levels, OverflowError if it has more
    elements than `parts` or contains an int too large for a float.
    """
    if not depth:
        raise RecursionError
    if next(parts, None) is None:
        raise OverflowError
    answer = _array_of(answer)
    if isinstance(answer, np.longdouble):
        answer = float(answer)
    elif isinstance(answer, np.generic):
        answer = answer.item()
    match answer:
        case None | bool() | str():
            return answer
        case int():
            float(answer)  # OverflowError if the int is too large for a float
            return answer
        case float():
            return float(answer)
    if isinstance(answer, np.ndarray) and answer.dtype.kind in "biuf":
        data = base64.b64encode(answer.tobytes()).decode()
        return {"dtype": answer.dtype.str, "shape": answer.shape, "data": data}
    if isinstance(answer, list | tuple):
        return [_encoded(part, depth - 1, parts) for part in answer]
    if isinstance(answer, dict):
        values = [_encoded(part, depth - 1, parts) for part in answer.values()]
        return {"keys": [str(key) for key in answer], "values": values}
    return {"unusable": f"{type(answer).__name__} {answer!r}"[:200]}


def is_data(value: Any) -> bool:
    """Return whether a value, which may be a Tensor, can be compared with an earlier copy."""
    return isinstance(_array_of(value), DATA)


def _array_of(value: Any) -> Any:
    """Return a Tensor's array, and any other value unchanged."""
    is_tensor = type(value).__name__ == "Tensor"
    return getattr(value, "array", value) if is_tensor else value


def signature(answer: Any) -> tuple[str, float]:
    """Return the form of an answer, and a number that depends on all its numbers and their order.

    If two answers have equal signatures, they almost certainly differ at most by rounding. The form
    ends in "nan" or "inf" if the answer's numbers are not all finite.

    >>> signature([np.ones(2), "a"])
    ('[(2,),a]', 2.618033988749895)
    """
    numbers: list[np.ndarray] = []

    def form(value: Any) -> str:
        if isinstance(value, list) and value and all(map(_is_numeric, value)):
            value = _as_array(value)
        if _is_numeric(value):
            array = np.asarray(value, float)
            numbers.append(array.ravel())
            return str(array.shape) if array.ndim else "()"
        if isinstance(value, list):
            return f"[{','.join(map(form, value))}]"
        if isinstance(value, dict):
            parts = [f"{name}:{form(value[name])}" for name in sorted(value)]
            return f"{{{','.join(parts)}}}"
        return str(value)[:200]

    described = form(answer)
    flat = np.concatenate(numbers) if numbers else np.zeros(0)
    for name, test in (("nan", np.isnan), ("inf", np.isinf)):
        if test(flat).any():
            described += f" {name}"
    golden = (5**0.5 - 1) / 2
    weights = 1 + np.arange(flat.size) * golden % 1
    with np.errstate(over="ignore"):
        finite = np.nan_to_num(flat, nan=0, posinf=0, neginf=0)
        number = float((finite * weights).sum())
    if not np.isfinite(number):
        return f"{described} inf", 0.0
    return described, number


def decode(code: Any) -> Any:
    """Convert the output of `encode` back to an answer. NumPy scalars become Python numbers, and
    tuples become lists.

    >>> decode(encode({"dW": np.ones((2, 3), "f4"), "rate": 0.5, "name": ("W",)}))["name"]
    ['W']

    Errors: ValueError for JSON that `encode` did not write.
    """
    try:
        return _decoded(code, DEEPEST)
    except Exception as error:
        raise ValueError(f"not an encoded answer: {type(error).__name__}") from None


def _decoded(code: Any, depth: int) -> Any:
    if not depth:
        raise ValueError("too deep")
    match code:
        case list():
            return [_decoded(part, depth - 1) for part in code]
        case {"unusable": what}:
            return Unusable(str(what)[:200])
        case {"keys": keys, "values": values}:
            parts = [_decoded(part, depth - 1) for part in values]
            return dict(zip(map(str, keys), parts, strict=True))
        case dict():
            dtype = np.dtype(str(code["dtype"]))
            if dtype.kind not in "biuf":
                raise ValueError(f"unsupported dtype {dtype}")
            data = base64.b64decode(code["data"])
            array = np.frombuffer(data, dtype).reshape(code["shape"])
            if not array.size and max(array.shape) > LONGEST_EMPTY:
                raise ValueError(f"an empty array of shape {array.shape}")
            return array if array.ndim else array.item()
        case int():
            float(code)  # OverflowError if the int is too large for a float
    return code


def difference(yours: Any, right: Any, tolerance: float, place: str = "") -> Difference | None:
    """Return the first difference between `yours` and `right` that exceeds the tolerance, or None.
    In arrays, find the largest difference.

    >>> difference(decode(encode([1.0, [2.0, 3.0]])), decode(encode([1.0, [2.0, 4.0]])), 1e-6)
    Difference(place='[1][1]', yours='3', right='4')
    """
    match yours, right:
        case dict(), dict():
            if set(yours) != set(right):
                mine = f"names {', '.join(yours)}"[:200]
                return Difference(place, mine, f"names {', '.join(right)}")
            pairs = [(f"[{key!r}]", yours[key], right[key]) for key in right]
        case list() | np.ndarray(), list():
            if len(yours) != len(right):
                return Difference(place, _counted(yours), _counted(right))
            parts = yours if isinstance(yours, list) else yours.tolist()
            places = [f"[{i}]" for i in range(len(right))]
            pairs = list(zip(places, parts, right, strict=True))
        case _:
            return _plain_difference(yours, right, tolerance, place)
    for where, a, b in pairs:
        if found := difference(a, b, tolerance, place + where):
            return found
    return None


def _plain_difference(yours: Any, right: Any, tolerance: float, place: str) -> Difference | None:
    if isinstance(yours, list) and isinstance(right, np.ndarray):
        yours = _as_array(yours)  # accept a list of numbers in place of an array
    numeric = _is_numeric(yours) and _is_numeric(right)
    if not numeric or np.shape(yours) != np.shape(right):
        usable = not numeric and not isinstance(yours, Unusable)
        if usable and type(yours) is type(right) and yours == right:
            return None
        expected = "None" if right is None else described(right)
        related = relation(np.asarray(yours), np.asarray(right)) if numeric else ""
        return Difference(place, described(yours), expected, related)
    # signalling NaNs and large long doubles would cause warnings
    with np.errstate(invalid="ignore", over="ignore"):
        a = np.asarray(yours, float)
        b = np.asarray(right, float)
        wrong = ~np.isclose(a, b, tolerance, tolerance, equal_nan=True)
        if not wrong.any():
            return None
        gap = np.nan_to_num(
            np.abs(a - b),
            nan=np.inf,
            posinf=np.inf,
        )
        gap = np.where(wrong, gap, -1.0)
    index = np.unravel_index(int(gap.argmax()), gap.shape)
    if index:
        place += f"[{', '.join(map(str, index))}]"
    mine, expected = a[index], b[index]
    return Difference(place, _number(mine, expected), _number(expected, mine), relation(a, b))


@np.errstate(all="ignore")
def relation(
    yours: np.ndarray[Any, Any],
    right: np.ndarray[Any, Any],
) -> str:
    """Return a sentence that says how all numbers differ, or ''.

    >>> relation(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([4.0, 6.0]))
    'Summed over axis 0, your answer would be right.'
    >>> relation(np.array([1.0, -2.0]), np.array([-1.0, 2.0]))
    'Every number has the wrong sign.'
    """
    if yours.ndim > MOST_AXES or not np.isfinite(right).all():
        return ""
    if np.isnan(yours).any():
        return "nan comes from 0 / 0, inf - inf, or the logarithm of a negative number."
    if np.isinf(yours).any():
        return "inf comes from a division by 0, the logarithm of 0, or exp of a large number."
    if yours.ndim > 1 and _equal(np.swapaxes(yours, -1, -2), right):
        return "Transposed, your answer would be right."
    if yours.shape != right.shape:
        return _other_shape(yours, right)
    if len(np.unique(right)) < 2:
        return ""  # one number is related to any other
    for axis in range(yours.ndim):
        if np.allclose(np.flip(yours, axis), right):
            return f"The order along axis {axis} is reversed."
    mine = np.sort(yours, axis=None)
    sorted_right = np.sort(right, axis=None)
    if np.allclose(mine, sorted_right):
        return "These are the right numbers in another order."
    if np.allclose(yours, np.trunc(right)):
        return "Your numbers are the right ones without their decimals."
    factor = np.vdot(right, yours) / np.vdot(right, right)
    if factor and np.allclose(yours, factor * right):
        if np.isclose(factor, -1):
            return "Every number has the wrong sign."
        return f"Every number is {factor:.4g} times the right one."
    offset = np.mean(yours - right)
    if np.allclose(yours - offset, right):
        more = "larger" if offset > 0 else "smaller"
        return f"Every number is {abs(offset):.4g} {more} than the right one."
    return ""


def _other_shape(
    yours: np.ndarray[Any, Any],
    right: np.ndarray[Any, Any],
) -> str:
    extra = yours.ndim - right.ndim
    choices = list(combinations(range(yours.ndim), extra)) if extra > 0 else []
    if not extra:
        sizes = zip(yours.shape, right.shape, strict=True)
        choices.append(tuple(i for i, (a, b) in enumerate(sizes) if a != b == 1))
    for axes in choices:
        if axes and _equal(yours.sum(axis=axes, keepdims=not extra), right):
            named = " and ".join(map(str, axes))
            which = f"ax{'i' if len(axes) == 1 else 'e'}s {named}"
            return f"Summed over {which}, your answer would be right."
    if yours.size > 1 and _equal(yours.ravel(), right.ravel()):
        return "The numbers are right, but their shape is not."
    return ""


def _equal(yours: Any, right: Any) -> bool:
    return np.shape(yours) == np.shape(right) and bool(np.allclose(yours, right))


def described(answer: Any) -> str:
    """Describe an answer in a few words: a number, an array's shape, a string in quotes."""
    if _is_numeric(answer) and not np.ndim(answer):
        return _number(answer)
    match answer:
        case None:
            return "nothing (None): does the function return its result?"
        case np.ndarray():
            return f"an array of shape {answer.shape}"
        case Unusable(what):
            return what
        case list():
            return _counted(answer)
        case dict():
            return f"a dict with the keys {', '.join(answer)}"[:120]
    return repr(answer)[:120]


def _is_numeric(answer: Any) -> bool:
    kinds = int | float | np.number | np.ndarray
    return isinstance(answer, kinds) and not isinstance(answer, bool)


def _counted(items: Sized) -> str:
    return f"a list of {len(items)}"


def _as_array(numbers: list[Any]) -> Any:
    try:
        array = np.array(numbers)
    except ValueError:
        return numbers
    return array if array.dtype.kind in "biuf" else numbers


def _number(value: float, other: float = float("nan")) -> str:
    """Format a number with enough digits, up to 16, to distinguish it from `other`."""
    for digits in range(6, 17):
        text = f"{value:.{digits}g}"
        if text != f"{other:.{digits}g}":
            return text
    return str(value)


MOST_SHOWN = 24
"""The maximum number of elements of an array that is shown with its numbers."""


def described_input(value: Any) -> str:
    """Return an input in a form that a reader can copy, or the shape of a large array.

    >>> described_input(np.array([[1.0, 0.5]]))
    '(1, 2) [[1, 0.5]]'
    """
    value = _array_of(value)
    match value:
        case np.ndarray() if value.ndim:
            shown = f" {_listed(value.tolist())}" if value.size <= MOST_SHOWN else ""
            return f"{value.shape}{shown}"
        case list() | tuple() if len(value) > MOST_SHOWN:
            return _counted(value)
        case [one] if isinstance(value, tuple):
            return f"({described_input(one)},)"
        case list() | tuple():
            parts = ", ".join(map(described_input, value))
            return f"[{parts}]" if isinstance(value, list) else f"({parts})"
        case np.random.Generator():
            return "a generator"
    if callable(value):
        about: str = value.__doc__ or getattr(value, "__name__", "a function")
        return about.strip().partition("\n")[0]
    return _listed(value)


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_listed, value))}]"
    if isinstance(value, float | np.ndarray):
        return _number(float(value))
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 300 else f"{text[:300]} ..."
