"""The checker against derivatives known in closed form: what it measures is right before it judges anybody."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.gradient_checker.numeric import careful, central, kinks


def test_central_differences_of_functions_with_known_derivatives():
    one = np.ones(())
    for f, slope in [
        (lambda t: np.sin(0.7 + t), np.cos(0.7)),
        (lambda t: np.exp(0.7 + t), np.exp(0.7)),
        (lambda t: (0.7 + t) ** 3, 3 * 0.7**2),
        (lambda t: np.tanh(0.7 + t), 1 - np.tanh(0.7) ** 2),
    ]:
        assert central(f, one) == pytest.approx(slope, rel=1e-9)
        value, spread = careful(f, one)
        assert value == pytest.approx(slope, rel=1e-10)
        assert abs(value - slope) <= 10 * spread + 1e-10


def test_a_step_that_is_too_long_is_shortened():
    # ln x at x = 1e-5: the plain step of 6e-6 is off by a sixth, the derivative is 1e5.
    f = lambda t: np.log(1e-5 + t)  # noqa: E731
    assert abs(central(f, np.ones(())) - 1e5) > 1e3
    assert careful(f, np.ones(()))[0] == pytest.approx(1e5, rel=1e-6)


def test_kinks_are_told_from_curves():
    at = lambda f, x: bool(kinks(lambda t: np.asarray(f(x + t)), np.asarray(f(x))))  # noqa: E731
    assert at(np.abs, 0.0) and at(lambda x: np.maximum(x, 0), 0.0) and at(np.sign, 0.0)
    assert at(np.sqrt, 0.0)  # the edge of the domain
    assert not at(np.abs, 1e-5) and not at(np.cosh, 0.0) and not at(lambda x: 1000 * x * x, 0.0)
    assert not at(lambda x: 1e6 + np.sin(x), 0.3)  # the rounding of large numbers is no kink


@pytest.mark.parametrize("fast", [False, True])
def test_a_quadratic_form_has_the_gradient_it_should(fast):
    rng = np.random.default_rng(0)
    A = rng.normal(size=(4, 4))
    x = mg.Tensor(rng.normal(size=4), requires_grad=True, name="x")
    report = mg.gradcheck(lambda x: (x @ A) @ x, x, fast=fast)
    assert report and report.rules == 2
    if not fast:
        row = report.inputs[0]
        expected = (A + A.T) @ x.array  # d(xᵀAx)/dx, times the random cotangent of the one output
        assert row.numeric / row.recorded == pytest.approx(1)
        assert abs(row.recorded / expected[row.index]) == pytest.approx(abs(row.numeric / expected[row.index]))


def test_the_model_keeps_its_arrays_gradients_and_random_state():
    W = mg.Tensor([[0.5, -1.0]], requires_grad=True, name="W")
    array = W.array
    mg.seed(3)
    before = mg.generator().bit_generator.state
    assert mg.gradcheck(lambda W: mg.tanh(W * mg.generator().bit_generator.state["state"]["inc"] * 0 + W), W)
    assert W.array is array and W.dtype == np.float32 and W.grad is None and W.requires_grad
    assert mg.generator().bit_generator.state == before


def test_a_function_that_fails_midway_leaves_the_inputs_as_they_were():
    W = mg.Tensor([0.5, -1.0], name="W")
    calls = iter(range(5))

    def fails_later(W):
        if next(calls) == 4:
            raise KeyError("enough")
        return mg.tanh(W)

    with pytest.raises(KeyError):
        mg.gradcheck(fails_later, W)
    assert W.dtype == np.float32 and not W.requires_grad


def test_second_derivatives():
    x = mg.Tensor([0.3, 0.7], requires_grad=True, name="x")
    assert mg.gradcheck(lambda x: mg.exp(x) * mg.tanh(x), x, order=2).order == 2
    assert mg.gradcheck(lambda x: x * 2.0, x, order=2)  # a straight line: the second derivative is 0, and 0 is found
