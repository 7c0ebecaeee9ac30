"""Derivatives as Tensors, of the first order and of higher ones, against closed forms."""

import numpy as np
import pytest

import minigrad as mg


def parameter(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name, dtype=np.float64)


def test_create_graph_after_an_assignment_is_an_error_not_a_mixture():
    x = parameter(2.0, "x")
    y = x * x * x
    x.array = 5.0
    with pytest.raises(mg.MinigradError, match="MG123"):
        mg.grad(y, [x], create_graph=True)


def test_third_derivatives_by_closed_form():
    x = parameter(0.7)
    value = mg.tanh(x)
    derivatives = []
    for _ in range(3):
        (value,) = mg.grad(value, [x], create_graph=True)
        derivatives.append(value.item())
    t = np.tanh(0.7)
    s = 1 - t * t
    np.testing.assert_allclose(derivatives, [s, -2 * t * s, (6 * t * t - 2) * s], rtol=1e-12)


def test_gradient_of_an_inner_step():
    x = parameter(2.0)
    y = x * x
    (dy,) = mg.grad(y * y, [y])
    assert dy.item() == 8.0
    assert x.grad is None and y.grad is None


def test_an_input_that_does_not_matter_gets_zeros():
    x, other = parameter([1.0]), parameter([[1.0, 2.0]])
    _, zero = mg.grad(x.sum(), [x, other])
    np.testing.assert_array_equal(zero.array, [[0, 0]])


def test_hessian_of_a_quadratic_form():
    A = np.array([[2.0, 1.0], [1.0, 3.0]])
    x = parameter([0.3, -0.4])
    (g,) = mg.grad(0.5 * (x @ (A @ x)), [x], create_graph=True)
    hessian = [mg.grad(g[i], [x])[0].array for i in range(2)]
    np.testing.assert_allclose(hessian, A)
