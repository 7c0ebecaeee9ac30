"""Clipping against norms computed apart from it."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import NonFiniteError, OptionError
from minigrad.graph import Leaf
from optim import clip_gradients


def with_gradients(*gradients):
    found = {}
    for number, gradient in enumerate(gradients):
        found[f"p{number}"] = mg.Tensor(
            np.zeros(gradient.shape, gradient.dtype), requires_grad=True
        )
        found[f"p{number}"].grad = gradient
    return found


def elements(parameters):
    """All elements of the gradients, as one vector."""
    return np.concatenate(
        [t.grad.ravel() for t in parameters.values() if t.grad is not None]
    )


def test_a_gradient_of_rows_counts_each_row_once_and_stays_rows():
    table = mg.Tensor(np.zeros((6, 2)), requires_grad=True)
    mg.lookup(table, [1, 4, 1]).sum().backward()  # row 1: [2, 2], row 4: [1, 1]
    assert clip_gradients({"table": table}, 1.0) == pytest.approx(
        math.sqrt(10), rel=1e-12
    )
    assert isinstance(table.node, Leaf)
    ids, values = table.node.grad.rows()
    assert ids.tolist() == [1, 4]
    np.testing.assert_allclose(
        values, np.array([[2, 2], [1, 1]]) / math.sqrt(10), rtol=1e-12
    )


def test_gradients_of_any_kind_count():
    W, part, absent = (mg.Tensor(np.ones(3), requires_grad=True) for _ in range(3))
    (W.sum() + W.sum() + part[1:].sum()).backward()  # gradients in pieces, not in rows
    norm = clip_gradients({"W": W, "part": part, "absent": absent}, 100.0)
    assert norm == pytest.approx(math.sqrt(3 * 4 + 2), rel=1e-12)
    assert absent.grad is None


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("float32", 1e-40), ("float32", 1e-25), ("float32", 1e30), ("float64", 1e-300), ("float64", 1e-25),
     ("float64", 1e30), ("float64", 1e300)],
)  # fmt: skip
def test_gradients_of_any_size_are_clipped(dtype, size):
    parameters = with_gradients(
        np.array([3 * size], dtype),
        np.array([[0.0, -4 * size]], dtype),
        np.zeros(0, dtype),
    )
    rtol = 1e-4 if size == 1e-40 else 1e-6  # a subnormal number has fewer digits

    as_list = list(parameters.values())  # like an optimizer's
    assert clip_gradients(as_list, 10 * size) == pytest.approx(5 * size, rel=rtol)
    assert elements(parameters) == pytest.approx(
        [3 * size, 0, -4 * size], rel=rtol, abs=0
    )  # short enough
    assert clip_gradients(parameters, size) == pytest.approx(5 * size, rel=rtol)
    assert elements(parameters) == pytest.approx(
        [0.6 * size, 0, -0.8 * size], rel=rtol, abs=0
    )


def test_no_gradient_has_the_norm_0():
    for parameters in (
        {},
        with_gradients(np.zeros(2)),
        with_gradients(np.zeros((0, 2), "float32")),
    ):
        assert clip_gradients(parameters, 0.0) == 0
    with pytest.raises(OptionError, match="MG305"):
        clip_gradients({}, float("nan"))


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_a_gradient_that_is_not_finite_is_named(bad):
    parameters = with_gradients(np.ones(2), np.array([1.0, bad]), np.ones(1))
    with pytest.raises(NonFiniteError, match=r"MG310.* p1 contains NaN or infinity"):
        clip_gradients(parameters, 1.0)
    np.testing.assert_array_equal(parameters["p0"].grad, np.ones(2))
