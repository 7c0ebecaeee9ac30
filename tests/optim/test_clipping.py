"""clip_gradients against norms computed by hand."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from minigrad.errors import NonFiniteError, OptionError
from optim import clip_gradients


def parameter(array, gradient=None):
    tensor = mg.Tensor(array, requires_grad=True)
    tensor.grad = gradient
    return tensor


def test_clip_counts_each_row_of_a_sparse_gradient_once():
    table: Any = parameter(np.zeros((6, 2)))
    mg.lookup(table, [1, 4, 1]).sum().backward()  # row 1: [2, 2], row 4: [1, 1]
    norm = clip_gradients({"table": table}, 1.0)
    assert norm == pytest.approx(math.sqrt(10), rel=1e-12)
    ids, values = table.node.grad.rows()  # they stay rows
    assert ids.tolist() == [1, 4]
    assert_allclose(
        values,
        np.array([[2, 2], [1, 1]]) / norm,
        rtol=1e-12,
    )


def test_clip_counts_gradients_of_any_kind():
    W, part, absent = (parameter(np.ones(3)) for _ in range(3))
    (W.sum() + W.sum() + part[1:].sum()).backward()  # gradients in pieces, not in rows
    norm = clip_gradients(
        {"W": W, "part": part, "absent": absent},
        100.0,
    )
    assert norm == pytest.approx(
        math.sqrt(3 * 4 + 2),
        rel=1e-12,
    )
    assert absent.grad is None


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("float32", 1e-40),
        ("float32", 1e-25),
        ("float32", 1e30),
        ("float64", 1e-300),
        ("float64", 1e-25),
        ("float64", 1e30),
        ("float64", 1e300),
    ],
)
def test_clip_gradients_of_any_size(dtype, size, as_list):
    rows: Any = [3], [[0, -4]], []
    arrays = [np.array(row, dtype) * np.float64(size) for row in rows]
    tensors = [parameter(0 * array, array) for array in arrays]
    parameters: Any = tensors if as_list else dict(zip("abc", tensors, strict=True))
    rtol = 1e-4 if size == 1e-40 else 1e-6  # a subnormal number has fewer digits
    for max_norm, factor in (10 * size, 1), (size, 0.2):
        norm = clip_gradients(parameters, max_norm)
        assert norm == pytest.approx(5 * size, rel=rtol)
        for tensor, row in zip(tensors, rows, strict=True):
            assert_allclose(
                tensor.grad,
                np.array(row) * (factor * size),
                rtol=rtol,
            )


@pytest.mark.parametrize(
    "shape",
    [None, (2,), (0, 2)],
)
def test_clip_of_no_gradient_is_0(shape):
    zeros = np.zeros(shape or 1, "float32")
    tensors = [parameter(zeros, zeros)] if shape else []
    assert clip_gradients(tensors, 0.0) == 0


def test_clip_refuses_a_norm_that_is_nan():
    with pytest.raises(OptionError, match="MG305"):
        clip_gradients({}, float("nan"))


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_clip_names_a_gradient_that_is_not_finite(bad):
    ones = np.ones(2)
    tensors = {
        "before": parameter(ones, ones.copy()),
        "bad": parameter(ones, ones * bad),
        "after": parameter(ones, ones.copy()),
    }
    with pytest.raises(NonFiniteError, match=r"MG310.* of bad contains NaN or inf"):
        clip_gradients(tensors, 1.0)
    assert_array_equal(tensors["before"].grad, ones)
