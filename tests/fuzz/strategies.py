"""Arrays of every dtype, settings in other forms, and the comparison with float64."""

import copy
from functools import partial
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
WHOLE = ["bool", *SIGNED, *UNSIGNED]
PARAMETERS = ["float32", "float64"]
"""The dtypes that can have gradients."""
FLOATS = ["float16", *PARAMETERS]
TOLERANCES = {
    "float16": 1e-2,
    "float32": 1e-4,
    "float64": 1e-9,
}

# at the ends of the short integers, and products that leave them
LARGE = -128, -100, 90, 100, 127, 128, 200, 255, 300


def examples(share):
    """More or fewer examples than other properties, in any profile."""
    return settings(max_examples=int(share * settings().max_examples))


def ends(dtype):
    if dtype == "bool":
        return 0, 1
    kind: Any = np.finfo if dtype in FLOATS else np.iinfo
    info = kind(dtype)
    return float(info.min), float(info.max)


def numbers(
    dtype,
    low=-4,
    high=4,
    large=True,
):
    """Numbers that every float dtype stores exactly, so that equal numbers stay equal.

    `large` adds integers beyond low=-4 and high=4.
    """
    if dtype in FLOATS:
        whole = st.integers(
            int(8 * low),
            int(8 * high),
        )
        return whole.map(lambda number: number / 8)
    values = [number for number in range(-3, 5) if low <= number <= high]
    if large and low == -4:
        values += [number for number in LARGE if number < 0]
    if large and high == 4:
        values += [number for number in LARGE if number > 0]
    least, most = ends(dtype)
    return st.sampled_from([number for number in values if least <= number <= most])


def arrays(dtype, shape, *bounds, **options):
    elements = numbers(dtype, *bounds, **options)
    return hnp.arrays(
        dtype,
        shape,
        elements=elements,
        fill=st.nothing(),
    )


def eighths(shape, seed):
    """Return numbers as above, which need not shrink."""
    return np.asarray(np.random.default_rng(seed).integers(-16, 17, shape) / 8)


# ---- a computation and its derivatives ----


def derivatives(
    compute,
    leaves,
    twice=True,
    between=lambda: None,
    unfuse=False,
):
    """Return the value of compute(), and its first and second derivatives along fixed directions.

    `between` is called after the forward pass.
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
        zeros = np.zeros_like(leaf.array)
        found[f"gradient of {name}"] = zeros if leaf.grad is None else leaf.grad
    if not twice:
        return found
    tensors = list(wanted.values())
    firsts = mg.grad(
        z,
        tensors,
        create_graph=True,
        upstream=upstream,
    )
    total = sum((0.0 * leaf).sum() for leaf in tensors)  # slopes may be constant
    for number, first in enumerate(firsts):
        found[f"recorded gradient {number}"] = first.array
        direction = eighths(first.shape, 1 + number).astype(first.dtype)
        total = total + (first * direction).sum()
    seconds = mg.grad(total, tensors)
    for name, second in zip(wanted, seconds, strict=True):
        found[f"second derivative by {name}"] = second.array
    return found


def shaken(array, number, size):
    """Change each number by a few units in the last place. Equal numbers stay equal."""
    return np.asarray(array * (1 + size * np.sin(number + 1000 * array)))


def require_near(found, exactly, dtypes):
    """Compare results with float64, up to rounding in the narrowest of these dtypes.

    `exactly(change)` is the computation in float64, with its numbers changed. If the plain
    tolerance is exceeded, the numbers are changed as rounding would, and so much more is allowed.
    """
    expected = exactly(lambda array: array)
    assert found.keys() == expected.keys()
    for what, result in found.items():
        exact = np.asarray(expected[what], float)
        assert result.shape == exact.shape, what
        names = [str(one) for one in (*dtypes, result.dtype) if str(one) in FLOATS]
        kind = min(
            [*names, "float64"],
            key=FLOATS.index,
        )
        least, most = ends(str(result.dtype))
        if result.dtype.kind == "f":
            least, most = least / 8, most / 8
        fits = (least <= exact) & (exact <= most)
        tolerance = TOLERANCES[kind] * np.abs(exact).max(where=fits, initial=1)
        if "second" in what:
            tolerance *= 10
        distance = np.abs(result.astype(float) - exact)
        near = (distance <= tolerance) | ~fits
        if not near.all():
            size = np.finfo(kind).eps
            moved = []
            for number in range(4):
                change = partial(shaken, number=number, size=size)
                moved.append(np.abs(exactly(change)[what] - exact))
            near |= ~(distance > 30 * np.max(moved, axis=0))
        assert near.all(), f"{what}: {result!r}\n    instead of {exact!r}"


# ---- settings in other forms, which the caller changes ----


def is_plain(value):
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return isinstance(value, (bool, int, float))


@st.composite
def forms(draw, value):
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


def listed(value):
    return [listed(one) for one in value] if isinstance(value, tuple) else value


def change(value):
    """Change a setting in place, where its caller could."""
    if isinstance(value, np.ndarray):
        value[...] = ~value if value.dtype == bool else value + 1
    elif isinstance(value, (list, tuple)):
        for one in value:
            change(one)
        if isinstance(value, list):
            value.clear()
