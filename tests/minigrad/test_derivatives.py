"""grad, jacobian and hvp against closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg


def parameter(value, name=None):
    return mg.Tensor(
        value,
        requires_grad=True,
        name=name,
        dtype=np.float64,
    )


def test_grad_with_create_graph_after_an_assignment_is_an_error():
    x = parameter(2.0, "x")
    y = x * x * x
    x.array = 5.0
    with pytest.raises(mg.MinigradError, match="MG123"):
        mg.grad(y, [x], create_graph=True)


def test_grad_of_an_inner_step():
    x = parameter(2.0)
    y = x * x
    (dy,) = mg.grad(y * y, [y])
    assert dy.item() == 8.0
    assert x.grad is None
    assert y.grad is None


def test_grad_of_an_unused_input_is_0():
    x, other = parameter([1.0]), parameter([[1.0, 2.0]])
    _, zero = mg.grad(
        x.sum(),
        [x, other],
    )
    assert_array_equal(zero.array, [[0, 0]])


A = np.array([[2.0, 1.0, 0.5], [-1.0, 3.0, 0.0]])


def test_jacobian_and_hvp_of_a_linear_map():
    x = parameter([0.3, -0.4, 1.0])
    assert_array_equal(
        mg.jacobian(lambda x: A @ x, x).array,
        A,
    )
    assert x.grad is None
    zeros = mg.hvp(
        lambda x: (A @ x).sum(),
        np.ones(3),
        np.ones(3),
    )
    assert_array_equal(zeros.array, [0, 0, 0])


def test_jacobian_has_the_shapes_of_output_and_input():
    X, W = np.random.default_rng(0).normal(size=(2, 2, 3)).astype("float32")
    dX, dW = mg.jacobian(
        lambda X, W: X @ W.T,
        [X, W],
    )
    assert dX.dtype == np.float32
    assert_allclose(
        dX.array,
        np.einsum("ik,jl->ijkl", np.eye(2), W),
    )
    assert_allclose(
        dW.array,
        np.einsum("jk,il->ijkl", np.eye(2), X),
    )
    assert mg.jacobian(
        lambda x: x[:0],
        np.ones(3),
    ).shape == (0, 3)


def test_jacobian_of_grad_is_the_hessian_and_hvp_its_product():
    x, v = np.array([0.3, -0.4, 1.0]), np.array([1.0, 0.5, -2.0])
    w, s, c = np.array([1.0, 2.0, 3.0]), np.sin(x), np.cos(x)

    def f(x):
        return mg.exp(mg.sin(x) @ w)

    def slope(x):
        return mg.grad(f(x), x, create_graph=True)[0]

    # by hand
    expected = np.outer(
        w * c,
        w * c,
    ) - np.diag(w * s)
    expected *= np.exp(s @ w)
    assert_allclose(mg.jacobian(slope, x).array, expected, rtol=1e-13)
    for vector in (v, mg.Tensor(v)):
        product = mg.hvp(f, x, vector).array
        assert_allclose(product, expected @ v, rtol=1e-13)


def test_hvp_for_several_inputs_and_for_parameters_of_f():
    a, b = parameter([1.0, 2.0]), parameter(3.0)

    def f(a, b):
        return (a * a * b).sum() + b * b

    for function in (f, lambda *_: f(a, b)):
        da, db = mg.hvp(
            function,
            [a, b],
            [[1.0, -1.0], 2.0],
        )
        # d²/da² = 2b, d²/dadb = 2a, d²/db² = 2
        assert da.array.tolist() == [
            2 * 3 + 2 * 1 * 2,
            -2 * 3 + 2 * 2 * 2,
        ]
        assert db.item() == 2 * 1 - 2 * 2 + 2 * 2
    assert a.grad is None
    assert b.grad is None


def test_hvp_and_jacobian_refuse_arguments():
    x = parameter([1.0, 2.0], "x")
    with pytest.raises(mg.MinigradError, match=r"MG102.*a vector of shape \(3,\).*'x'"):
        mg.hvp(
            lambda x: (x * x).sum(),
            x,
            np.ones(3),
        )
    with pytest.raises(mg.MinigradError, match="MG120"):
        mg.hvp(lambda x: x * x, x, np.ones(2))
    with pytest.raises(mg.MinigradError, match="MG122"):
        mg.jacobian(lambda x: x.array.sum(), x)  # no Tensor comes back
    with pytest.raises(mg.MinigradError, match="MG112"):
        mg.jacobian(
            lambda x: x.sum(),
            mg.Tensor([1, 2], dtype=int),
        )
