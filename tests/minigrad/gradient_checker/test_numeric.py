"""Differences against derivatives known in closed form: what they measure is right before it judges
anybody.
"""

import numpy as np
import pytest

from minigrad.gradient_checker.numeric import careful, central, kinks

ONE = np.ones(())


@pytest.mark.parametrize(
    ("f", "slope"),
    [(np.sin, np.cos(0.7)), (np.exp, np.exp(0.7)), (np.tanh, np.cosh(0.7) ** -2)],
)
def test_central_differences_of_functions_with_known_derivatives(f, slope):
    def line(t):
        return f(0.7 + t)

    assert central(line, ONE) == pytest.approx(slope, rel=1e-9)
    value, spread = careful(line, ONE)
    assert value == pytest.approx(slope, rel=1e-10)
    assert abs(value - slope) <= 10 * spread + 1e-10


def test_a_step_that_is_too_long_is_shortened():
    # ln x at x = 1e-5: the plain step of 6e-6 is off by a sixth, the derivative is 1e5.
    f = lambda t: np.log(1e-5 + t)  # noqa: E731
    assert abs(central(f, ONE) - 1e5) > 1e3
    assert careful(f, ONE)[0] == pytest.approx(1e5, rel=1e-6)


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
        ),  # the rounding of large numbers is no kink
    ],
)
def test_kinks_are_told_from_curves(f, x, kinked):
    assert bool(kinks(lambda t: np.asarray(f(x + t)), np.asarray(f(x)))) == kinked
