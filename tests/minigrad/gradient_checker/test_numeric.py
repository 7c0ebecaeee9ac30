"""Differences against derivatives known in closed form: what they measure is right before it judges
anybody.
"""

import numpy as np
import pytest

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
