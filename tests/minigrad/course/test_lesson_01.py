"""Lesson 1's numbers against nudges, and the answers that a wrong number gets."""

import math

import pytest

from minigrad.course.lessons.lesson_01_by_hand import check, solution


def y(a=4.0, b=0.5, c=-1.2):
    return math.tanh(a * b + c)


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_the_solution_is_what_a_nudge_measures(name):
    at = check.POINT[name]
    measured = (y(**{name: at + 1e-5}) - y(**{name: at - 1e-5})) / 2e-5
    assert getattr(solution, f"dy_d{name}") == pytest.approx(measured, abs=1e-4)


def test_a_wrong_number_is_answered_with_what_y_does_and_not_with_the_right_number():
    question = next(q for q in check.QUESTIONS if q.function == "dy_da")
    message = str(question.compare(0.5, solution.dy_da))
    assert f"{y(a=4.1) - y():+.3f}" in message and f"{solution.dy_da:.3f}" not in message
