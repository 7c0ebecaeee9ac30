"""Arithmetic and in-place updates of mixed shapes and dtypes, against NumPy in float64."""

import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

from .strategies import FLOATS, PARAMETERS, WHOLE, eighths, examples, numbers

# numbers may be extreme, and shapes such as (N, 1) and (N,)
pytestmark = pytest.mark.filterwarnings("ignore")


def share(one, other):
    """Return the part of the gradient that goes to the larger number: half if equal."""
    return 0.5 * (one > other) + 0.5 * (one >= other)


OPERATORS: dict[str, Any] = {
    # the operation, and its derivatives by both operands
    "add": (operator.add, lambda a, b: (1, 1)),
    "sub": (operator.sub, lambda a, b: (1, -1)),
    "mul": (operator.mul, lambda a, b: (b, a)),
    "truediv": (
        operator.truediv,
        lambda a, b: (1 / b, -a / b**2),
    ),
    "pow": (
        operator.pow,
        lambda a, b: (
            b * a ** (b - 1),
            a**b * np.log(a),
        ),
    ),
    "maximum": (
        np.maximum,
        lambda a, b: (
            share(a, b),
            share(b, a),
        ),
    ),
    "minimum": (
        np.minimum,
        lambda a, b: (
            share(b, a),
            share(a, b),
        ),
    ),
}
DECIMALS = 0.3, 1.3
FORMS: dict[str, Any] = {
    "parameter": lambda array: mg.Tensor(array, requires_grad=True),
    "constant": mg.Tensor,
    "array": lambda array: array,
    "list": lambda array: array.tolist(),
    "number": lambda array: array.item(),
    "number of NumPy": lambda array: array[()],
}


@st.composite
def operands(draw, dtype, shape):
    elements = numbers(dtype, 1)
    if dtype in FLOATS:
        decimals: Any = np.array(DECIMALS, dtype)
        elements |= st.sampled_from(decimals)
    return draw(hnp.arrays(dtype, shape, elements=elements))


@st.composite
def operations(draw, shapes):
    """Draw an operator, a parameter, another operand, and the array that it stands for."""
    shape, other_shape = draw(shapes)
    more = ["number", "number of NumPy"] if other_shape == () else ["list"]
    form = draw(st.sampled_from(["parameter", "constant", "array", *more]))
    dtypes = PARAMETERS if form == "parameter" else [*WHOLE, *FLOATS]
    a = draw(operands(draw(st.sampled_from(PARAMETERS)), shape))
    b = draw(operands(draw(st.sampled_from(dtypes)), other_shape))
    stored = {
        "list": "float32",
        "number": a.dtype,
        "number of NumPy": a.dtype,
    }
    dtype = stored.get(form, b.dtype)
    return a, FORMS[form](b), b.astype(dtype)


shapes = hnp.array_shapes(min_dims=0, max_dims=3, max_side=3)
pairs = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)
any_shapes = st.tuples(shapes, shapes) | pairs.map(lambda pair: pair.input_shapes)


@st.composite
def updated_shapes(draw):
    """Draw a shape, and another that broadcasts to it."""
    shape = draw(shapes)
    return shape, shape[draw(st.integers(0, len(shape))) :]


def require_near(found, exact, terms=1.0):
    """Compare with a result, which may be the sum of larger terms."""
    fits = np.abs(exact) < np.finfo(found.dtype).max / 8
    terms = np.abs(terms)
    largest = np.max(
        terms,
        where=np.isfinite(terms),
        initial=1,
    )
    tolerance = {"float32": 1e-5, "float64": 1e-12}[str(found.dtype)]
    scale = np.maximum(np.abs(exact), largest)
    with np.errstate(all="ignore"):
        near = np.abs(found - exact) <= tolerance * scale
    assert np.all(near | ~fits), f"{found!r}\n    instead of {exact!r}"


def summed(gradient, shape):
    """Sum over the axes along which an operand of this shape was repeated."""
    more = gradient.ndim - len(shape)
    axes = [more + axis for axis, size in enumerate(shape) if size == 1]
    return gradient.sum(axis=(*range(more), *axes)).reshape(shape)


@examples(6)
@given(
    st.sampled_from([*OPERATORS]),
    operations(any_shapes),
    st.booleans(),
)
def test_arithmetic_of_mixed_operands(name, operation, swapped):
    function, slopes = OPERATORS[name]
    a, other, b = operation
    tensors = [mg.Tensor(a, requires_grad=True), other]
    wide = [a.astype(float), b.astype(float)]
    if swapped:
        tensors.reverse()
        wide.reverse()
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        with pytest.raises(mg.MinigradError, match="MG101"):
            function(*tensors)
        return
    z = function(*tensors)
    assert z.dtype == np.result_type(a, b) and z.shape == shape
    require_near(z.array, function(*wide))
    upstream = eighths(shape, 3)
    z.backward(upstream)
    for leaf, slope in zip(tensors, slopes(*wide), strict=True):
        if getattr(leaf, "requires_grad", False):
            assert leaf.grad.dtype == leaf.dtype
            terms = upstream * slope
            require_near(leaf.grad, summed(terms, leaf.shape), terms)


@examples(4)
@given(
    st.sampled_from([*OPERATORS][:5]),
    operations(updated_shapes()),
)
def test_update_in_place_keeps_the_dtype(name, operands):
    start, other, value = operands
    W = mg.Tensor(start, requires_grad=True)
    (W * W).sum().backward()
    with mg.no_grad():
        updated = getattr(operator, f"i{name}")(W, other)
    assert updated is W and W.requires_grad and W.grad is not None
    assert W.dtype == W.array.dtype == start.dtype
    operation = OPERATORS[name][0]
    exact = operation(start.astype(float), value.astype(float))
    require_near(W.array, exact)
    (2 * W).backward(np.ones(W.shape))  # works as before, also if it is infinite
    assert W.grad.dtype == start.dtype
