"""Updates in place, which keep a parameter's dtype, and arithmetic of mixed shapes and dtypes against
NumPy and against derivatives that are written out.
"""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

from .strategies import (
    FLOATS,
    PARAMETERS,
    TOLERANCES,
    WHOLE,
    Array,
    arrays,
    eighths,
    numbers,
)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
IN_PLACE = {
    "+=": (operator.iadd, operator.add),
    "-=": (operator.isub, operator.sub),
    "*=": (operator.imul, operator.mul),
    "/=": (operator.itruediv, operator.truediv),
    "**=": (operator.ipow, operator.pow),
}
OPERATORS: dict[str, Any] = {
    # (the operation, its derivatives by both operands)
    "+": (operator.add, lambda a, b: (1 + 0 * a + 0 * b, 1 + 0 * a + 0 * b)),
    "-": (operator.sub, lambda a, b: (1 + 0 * a + 0 * b, -1 + 0 * a + 0 * b)),
    "*": (operator.mul, lambda a, b: (b + 0 * a, a + 0 * b)),
    "/": (operator.truediv, lambda a, b: (1 / b + 0 * a, -a / b**2)),
    "**": (operator.pow, lambda a, b: (b * a ** (b - 1), a**b * np.log(a))),
    "maximum": (np.maximum, lambda a, b: (share(a, b), share(b, a))),
    "minimum": (np.minimum, lambda a, b: (share(b, a), share(a, b))),
}


def share(one: Array, other: Array) -> Array:
    """The part of the gradient that goes to the larger number: a half if both are equal."""
    return 0.5 * (one > other) + 0.5 * (one >= other)


def summed(gradient: Array, shape: tuple[int, ...]) -> Array:
    """A gradient summed over the axes along which an operand of this shape was repeated."""
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and gradient.shape[axis] != 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient


@st.composite
def updates(draw: Any) -> tuple[str, Array, Any]:
    """An operator, a parameter and what it is updated with: an array, a number or a Tensor."""
    shape = draw(hnp.array_shapes(max_dims=3, max_side=3))
    W = draw(arrays(draw(st.sampled_from(PARAMETERS)), shape, 1))
    dtype = draw(st.sampled_from([*WHOLE, *FLOATS]))
    part = shape[draw(st.integers(0, len(shape))) :]  # broadcasts to W
    other = draw(arrays(dtype, part, 1))
    kinds = ["array", "tensor", "list"] + ["number", "number of NumPy"] * (part == ())
    kind = draw(st.sampled_from(kinds))
    values = {
        "array": other,
        "tensor": mg.Tensor(other),
        "list": other.tolist(),
        "number": other.item() if part == () else 0,
        "number of NumPy": other[()] if part == () else 0,
    }
    return draw(st.sampled_from(list(IN_PLACE))), W, values[kind]


@settings(max_examples=200)
@given(updates())
def test_updates_in_place_keep_the_dtype(case):
    sign, start, other = case
    W = mg.Tensor(start, requires_grad=True)
    before, name = W.array.copy(), W
    (W * W).sum().backward()
    with mg.no_grad():
        W = IN_PLACE[sign][0](W, other)
    assert W is name and W.requires_grad and W.grad is not None
    assert W.dtype == W.array.dtype == start.dtype, f"{start.dtype} became {W.dtype}"
    plain = np.asarray(getattr(other, "array", other), float)
    expected = IN_PLACE[sign][1](before.astype(float), plain)
    fits = np.abs(expected) < np.finfo(start.dtype).max / 8
    tolerance = 1e-5 if start.dtype == "float32" else 1e-12
    near = np.abs(W.array - expected) <= tolerance * np.abs(expected)
    assert np.all(near | ~fits), f"{before} {sign} {other!r} is {W.array}"
    (2 * W).backward(
        np.ones(W.shape)
    )  # the parameter works as before, also if it is infinite
    assert W.grad.dtype == start.dtype


@st.composite
def operations(draw: Any) -> tuple[str, Array, Array, bool, bool]:
    """Two operands, of which one at least is a parameter, whose shapes may not fit together."""
    if draw(st.booleans()):
        shapes = draw(
            hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)
        )
        a_shape, b_shape = shapes.input_shapes
    else:
        a_shape, b_shape = draw(
            st.tuples(*[hnp.array_shapes(min_dims=0, max_dims=3, max_side=3)] * 2)
        )
    flags = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    operands = []
    for shape, wanted in zip((a_shape, b_shape), flags, strict=True):
        dtype = draw(st.sampled_from(PARAMETERS if wanted else [*WHOLE, *FLOATS]))
        operands.append(draw(arrays(dtype, shape, 1)))
    return draw(st.sampled_from(list(OPERATORS))), *operands, *flags


@settings(max_examples=200)
@given(operations())
def test_arithmetic_of_mixed_shapes_and_dtypes(case):
    sign, a, b, a_wanted, b_wanted = case
    function, slopes = OPERATORS[sign]
    x, y = mg.Tensor(a, requires_grad=a_wanted), mg.Tensor(b, requires_grad=b_wanted)
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        with pytest.raises(mg.MinigradError, match="MG101"):
            function(x, y)
        return
    left, right = (one if wanted else array for one, array, wanted in ((x, a, a_wanted), (y, b, b_wanted)))  # fmt: skip
    wide = a.astype(float), b.astype(float)
    exact = function(*wide)
    upstream = eighths(shape, 3)
    tolerance = max(TOLERANCES.get(str(one.dtype), 0) for one in (a, b))
    for first, second in ((x, y), (left, right)):  # Tensors, and arrays for constants
        x.grad = y.grad = None
        z = function(first, second)
        assert isinstance(z, mg.Tensor) and z.shape == shape
        assert z.dtype == np.result_type(a, b) or z.dtype.kind == "f"
        require(z.array, exact, tolerance, "value")
        with warnings.catch_warnings(
            action="ignore"
        ):  # of shapes such as (N, 1) and (N,)
            z.backward(upstream)
        for leaf, slope, wanted in zip(
            (x, y), slopes(*wide), (a_wanted, b_wanted), strict=True
        ):
            if wanted:
                assert leaf.grad is not None and leaf.grad.dtype == leaf.dtype
                gradient = summed(upstream * np.broadcast_to(slope, shape), leaf.shape)
                require(leaf.grad, gradient, tolerance, "gradient")


@st.composite
def powers(draw: Any) -> tuple[Array, Array, bool]:
    """Positive bases and exponents that are no integers, and whether the base is the parameter. The
    other is a constant, in float16 or in an integer of any width.
    """
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
    by_base = draw(st.booleans())
    bases = draw(
        arrays(
            draw(st.sampled_from(PARAMETERS if by_base else WHOLE + FLOATS)), shape, 1
        )
    )
    dtype = draw(st.sampled_from(FLOATS if by_base else PARAMETERS))
    some = st.sampled_from([0.3, 1.3, -0.7, 0.5, 2.0, 1.0, 0.0]).map(
        np.dtype(dtype).type
    )
    return bases, draw(hnp.arrays(dtype, shape, elements=some)), by_base


@settings(max_examples=100)
@given(powers())
def test_powers_of_narrow_numbers(case):
    """No step may be computed in the constant's dtype, if it has fewer digits than the result's."""
    bases, exponents, by_base = case
    x = mg.Tensor(bases, requires_grad=by_base)
    y = mg.Tensor(exponents, requires_grad=not by_base)
    z = x**y
    a, b = bases.astype(float), exponents.astype(float)
    tolerance = 1e-5 if "float32" in (x.dtype, y.dtype) else 1e-12
    assert z.dtype == np.result_type(x.dtype, y.dtype)
    require(z.array, a**b, tolerance, "value")
    z.backward(np.ones(z.shape))
    gradient = (x if by_base else y).grad
    assert gradient is not None
    require(
        gradient, OPERATORS["**"][1](a, b)[0 if by_base else 1], tolerance, "gradient"
    )


def require(found: Array, exact: Array, tolerance: float, what: str) -> None:
    limit = float(np.finfo(found.dtype).max) / 8
    fits = np.isfinite(exact) & (np.abs(exact) < limit)
    scale = np.abs(exact).max(where=fits, initial=1)
    near = np.abs(found.astype(float) - exact) <= tolerance * scale
    assert np.all(near | ~fits), f"{what}: {found!r}\n    instead of {exact!r}"


@settings(max_examples=100)
@given(
    st.sampled_from(["+", "-", "*", "/", "maximum", "minimum"]),
    st.sampled_from(PARAMETERS),
    st.data(),
)
def test_numbers_take_the_parameter_s_dtype(sign, dtype, data):
    kind = data.draw(st.sampled_from([*WHOLE, *FLOATS]))
    number = np.dtype(kind).type(data.draw(numbers(kind, 1)))
    number = data.draw(st.sampled_from([number, number.item()]))
    x = mg.Tensor(np.array([1.5, 2.0], dtype), requires_grad=True)
    function, slopes = OPERATORS[sign]
    for z, swapped in ((function(x, number), False), (function(number, x), True)):
        assert z.dtype == dtype, f"{dtype} {sign} {number!r} is {z.dtype}"
        wide = np.array([1.5, 2.0]), np.float64(number)
        exact = function(*(wide[::-1] if swapped else wide))
        require(z.array, exact, 1e-5, "value")
        (gradient,) = mg.grad(z.sum(), x)
        slope = slopes(*(wide[::-1] if swapped else wide))[int(swapped)]
        require(gradient.array, np.broadcast_to(slope, 2), 1e-5, "gradient")
