"""Numeric differences against derivatives in closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minigrad.gradient_checker.numeric import careful, central, kinks

ONE = np.ones(())


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (
            np.sin,
            np.cos(0.7),
        ),
        (
            np.exp,
            np.exp(0.7),
        ),
        (
            np.tanh,
            np.cosh(0.7) ** -2,
        ),
    ],
)
def test_central_and_careful_differences(f, slope):
    def line(t):
        return f(0.7 + t)

    assert_allclose(central(line, ONE), slope, rtol=1e-9)
    value, spread = careful(line, ONE)
    assert_allclose(value, slope, rtol=1e-10)
    assert abs(value - slope) <= 10 * spread + 1e-10


def test_careful_shortens_a_step_that_is_too_long():
    # ln x at x = 1e-5: the plain step of 6e-6 is off by a sixth, the derivative is 1e5.
    def line(t):
        return np.log(1e-5 + t)

    assert abs(central(line, ONE) - 1e5) > 1e3
    assert_allclose(careful(line, ONE)[0], 1e5, rtol=1e-6)


@pytest.mark.parametrize(
    ("f", "x", "kinked"),
    [
        (np.abs, 0.0, True),
        (np.sign, 0.0, True),
        (np.sqrt, 0.0, True),  # the edge of the domain
        (np.abs, 1e-5, False),
        (np.cosh, 0.0, False),
        (lambda x: 1000 * x * x, 0.0, False),
        (
            lambda x: 1e6 + np.sin(x),
            0.3,
            False,
        ),  # rounding
    ],
)
def test_kinks(f, x, kinked):
    found = kinks(lambda t: np.asarray(f(x + t)), np.asarray(f(x)))
    assert bool(found) == kinked
