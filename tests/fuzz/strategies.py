"""Strategies of Hypothesis that several properties share: arrays of every dtype, and settings in other
forms, which the caller changes afterwards. And the comparison with the same computation in float64.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

from .thresholds import THRESHOLDS

Array = np.ndarray[Any, Any]
Results = dict[str, Array]
"""What a computation returned, by names such as "value" and "gradient of x"."""

SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
WHOLE = ["bool", *SIGNED, *UNSIGNED]
PARAMETERS = ["float32", "float64"]
"""The dtypes that can have gradients."""
FLOATS = ["float16", *PARAMETERS]

# at the ends of the short integers, and products that leave them
LARGE = [-128, -100, 90, 100, 127, 128, 200, 255, 300]
TOLERANCES = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-9}


def numbers(dtype: str, low: float = -4, high: float = 4, large: bool = True) -> Any:
    """Numbers that every float dtype stores exactly, so that equal numbers stay equal in each."""
    if dtype == "bool":
        return st.booleans().filter(lambda one: low <= one <= high)
    if dtype in FLOATS:
        return st.integers(int(8 * low), int(8 * high)).map(lambda eighths: eighths / 8)
    ends = np.iinfo(dtype)
    values = [*range(-3, 5), *(LARGE if large else [])]
    most = high if high < 4 or not large else 300  # 4 stands for any number
    least = low if low > -4 or not large else -300
    values = [
        one for one in values if max(least, ends.min) <= one <= min(most, ends.max)
    ]
    return st.sampled_from(values)


def arrays(
    dtype: str,
    shape: tuple[int, ...],
    low: float = -4,
    high: float = 4,
    large: bool = True,
) -> Any:
    return hnp.arrays(
        dtype, shape, elements=numbers(dtype, low, high, large), fill=st.nothing()
    )


def eighths(shape: tuple[int, ...], seed: int) -> Array:
    """Numbers as above, for upstream gradients and directions, which need not shrink."""
    return np.asarray(np.random.default_rng(seed).integers(-16, 17, shape) / 8)


# Small values of some of the thresholds, or of none
small_thresholds = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(sizes) for name, sizes in THRESHOLDS.items()}
)


def examples(share: float) -> settings:
    """More or fewer examples than other properties, in any profile."""
    return settings(max_examples=int(share * settings().max_examples))


# ---- a computation and its derivatives ----


def derivatives(
    compute: Callable[..., mg.Tensor],
    leaves: dict[str, mg.Tensor],
    twice: bool = True,
    between: Callable[[], object] = lambda: None,
    unfuse: bool = False,
) -> Results:
    """The value of compute(), and its first and second derivatives by the leaves that require a
    gradient: by `backward`, and by `mg.grad` along fixed directions. `between` is called after the
    forward pass.
    """
    z = compute()
    between()
    if unfuse:
        z = mg.unfuse(z)
    found = {"value": z.array}
    wanted = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    if not (wanted and z.requires_grad):
        return found
    upstream = eighths(z.shape, 0)
    for leaf in wanted.values():
        leaf.grad = None
    z.backward(upstream)
    for name, leaf in wanted.items():
        found[f"gradient of {name}"] = (
            np.zeros_like(leaf.array) if leaf.grad is None else leaf.grad
        )
    if not twice:
        return found
    leaf_list = list(wanted.values())
    firsts = mg.grad(z, leaf_list, create_graph=True, upstream=upstream)
    for name, first in zip(wanted, firsts, strict=True):
        found[f"gradient of {name}, recorded"] = first.array
    total: Any = sum(
        (0.0 * leaf).sum() for leaf in leaf_list
    )  # a linear gate has a constant slope
    for number, first in enumerate(firsts):
        total = (
            total
            + (
                first * mg.Tensor(eighths(first.shape, 1 + number), dtype=first.dtype)
            ).sum()
        )
    for name, second in zip(wanted, mg.grad(total, leaf_list), strict=True):
        found[f"second derivative by {name}"] = second.array
    return found


def shaken(array: Array, number: int, size: float) -> Array:
    """The array with each number changed by a few units in the last place of another dtype. Equal
    numbers stay equal.
    """
    return np.asarray(array * (1 + size * np.sin(number + 1000 * array)))


def require_near(
    found: Results,
    exactly: Callable[[Callable[[Array], Array]], Results],
    dtypes: Sequence[Any],
) -> None:
    """Raise an AssertionError unless the results are those in float64, up to rounding in the widest
    of these dtypes' roundings.

    `exactly(change)` is the computation in float64, with its numbers changed. If the plain
    tolerance is exceeded, the numbers are changed as rounding would, and so much more is allowed.
    """
    expected = exactly(lambda array: array)
    assert found.keys() == expected.keys(), f"{list(found)} instead of {list(expected)}"
    names = [str(one) for one in dtypes if str(one) in FLOATS]

    def moved(what: str, kind: str) -> Any:
        """How far rounding in a dtype can move a result."""
        size = float(np.finfo(kind).eps)
        distances = [
            np.abs(
                exactly(partial(shaken, number=number, size=size))[what]
                - expected[what]
            )
            for number in range(4)
        ]
        return np.nan_to_num(np.max(distances, axis=0), nan=np.inf)

    for what, result in found.items():
        exact = np.asarray(expected[what], float)
        assert result.shape == exact.shape, (
            f"{what} has shape {result.shape}, not {exact.shape}"
        )
        own = [str(result.dtype)] if result.dtype.kind == "f" else ["float64"]
        kind = min(names + own, key=FLOATS.index)
        near = _near(result, exact, TOLERANCES[kind] * (10 if "second" in what else 1))
        if not near.all():
            near |= np.abs(result.astype(float) - exact) <= 30 * moved(what, kind)
        assert near.all(), f"{what}: {result!r}\n    instead of {exact!r}"


def _near(result: Array, exact: Array, tolerance: float) -> Array:
    """Where the result is right up to rounding, or no result of its dtype could be."""
    if result.dtype.kind in "iub":
        ends = (0, 1) if result.dtype == bool else (np.iinfo(result.dtype).min, np.iinfo(result.dtype).max)  # fmt: skip
        beyond = (exact < ends[0]) | (exact > ends[1])
    else:
        beyond = np.abs(exact) > float(np.finfo(result.dtype).max) / 8
    scale = np.abs(exact).max(where=np.isfinite(exact) & ~beyond, initial=1)
    with np.errstate(all="ignore"):
        difference = np.abs(result.astype(float) - exact)
    return np.asarray((difference <= tolerance * scale) | beyond | ~np.isfinite(exact))


# ---- settings in other forms, which the caller changes ----


def is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return isinstance(value, (bool, int, float))


@st.composite
def forms(draw: Any, value: Any) -> Any:
    """Draw a setting as its caller may write it: as it is, as a list, an array or a NumPy number."""
    if isinstance(value, np.ndarray):
        as_list = value.size and value.dtype.kind != "f"  # a list becomes float32
        return value.tolist() if as_list and draw(st.booleans()) else value.copy()
    if isinstance(value, tuple) and not is_plain(value):
        return tuple(draw(forms(one)) for one in value)
    if not is_plain(value):
        return copy.deepcopy(value)
    array = np.array(value)
    if array.dtype.kind == "i":
        dtypes = SIGNED if array.min(initial=0) < 0 else WHOLE[1:]
        array = array.astype(draw(st.sampled_from(dtypes)))
    elif array.dtype.kind == "f":
        array = array.astype(draw(st.sampled_from(PARAMETERS)))
    other = listed(value) if isinstance(value, tuple) else array[()]
    return draw(st.sampled_from([value, array, other]))


def listed(value: Any) -> Any:
    return [listed(one) for one in value] if isinstance(value, tuple) else value


def change(value: Any) -> None:
    """Change a setting in place, where its caller could."""
    if isinstance(value, np.ndarray):
        value[...] = ~value if value.dtype == bool else value + 1
    elif isinstance(value, (list, tuple)):
        for one in value:
            change(one)
        if isinstance(value, list):
            value.clear()
