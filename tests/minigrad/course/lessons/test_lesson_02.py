"""Lesson 2's solution against closed forms."""

import math

import numpy as np
import pytest

from minigrad.course.lessons.lesson_02_slopes import solution


@pytest.mark.parametrize(("x", "h"), [(-3, 0.01), (0, 2), (1.5, 0.3)])
def test_a_central_difference_of_a_cubic_is_off_by_h_squared(x, h):
    slope = solution.central_difference(lambda x: x**3, x, h)
    assert slope == pytest.approx(3 * x * x + h * h, abs=1e-9)


def test_the_numeric_gradient_of_a_function_of_three_inputs():
    a, b, c = point = np.array([2.0, -3.0, 6.5])
    slope = 1 - math.tanh(a * b + c) ** 2
    measured = solution.numeric_gradient(
        lambda x: math.tanh(x[0] * x[1] + x[2]), point, 1e-5
    )
    assert measured == pytest.approx([b * slope, a * slope, slope], abs=1e-9)
    assert point.tolist() == [2.0, -3.0, 6.5]


def test_the_stretch_tasks_are_exact_for_low_powers():
    cubic = solution.finer_difference(lambda x: x**3 - x, 1.5, 0.5)
    assert cubic == pytest.approx(3 * 1.5**2 - 1, abs=1e-12)
    along = solution.slope_along(
        lambda x: x[0] * x[1], np.array([3.0, 2.0]), np.array([1.0, -2.0]), 0.5
    )
    assert along == pytest.approx(2 * 1 + 3 * -2)
