"""Lesson 2: its differences against closed forms."""

import math

import numpy as np
import pytest

from minigrad.course.lessons.lesson_02_slopes import solution

from ..conftest import alike


@pytest.mark.parametrize(
    ("x", "h"),
    [
        (-3, 0.01),
        (0, 2),
        (1.5, 0.3),
    ],
)
def test_central_difference_of_a_cubic_is_off_by_h_squared(x, h):
    slope = solution.central_difference(lambda x: x**3, x, h)
    alike(slope, 3 * x * x + h * h, 1e-9)


def test_numeric_gradient_of_three_inputs():
    a, b, c = point = np.array([2.0, -3.0, 6.5])

    def f(x):
        return math.tanh(x[0] * x[1] + x[2])

    slope = 1 - math.tanh(a * b + c) ** 2
    found = solution.numeric_gradient(f, point, 1e-5)
    alike(found, [b * slope, a * slope, slope], 1e-9)
    assert point.tolist() == [2.0, -3.0, 6.5]


def test_finer_difference_of_a_cubic_is_exact():
    slope = solution.finer_difference(
        lambda x: x**3 - x,
        1.5,
        0.5,
    )
    alike(slope, 3 * 1.5**2 - 1)


def test_slope_along_a_direction():
    point, direction = np.array([[3.0, 2.0], [1.0, -2.0]])
    slope = solution.slope_along(math.prod, point, direction, 0.5)
    alike(slope, 2 * 1 + 3 * -2)
