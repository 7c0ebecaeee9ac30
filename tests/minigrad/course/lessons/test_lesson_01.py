"""Lesson 1: its numbers against finite differences, and the answers to wrong numbers."""

import math
from types import SimpleNamespace

import pytest

from minigrad.course.lessons.lesson_01_by_hand import check, solution

from ..conftest import alike


def y(a=4.0, b=0.5, c=-1.2):
    return math.tanh(a * b + c)


def slope(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_solution_is_a_finite_difference(name):
    measured = slope(
        lambda x: y(**{name: x}),
        check.POINT[name],
    )
    alike(getattr(solution, f"dy_d{name}"), measured, 1e-4)


def test_compare_tells_how_y_changes_and_not_the_right_number():
    asked = {question.function: question for question in check.QUESTIONS}
    message = str(asked["dy_da"].compare(0.5, solution.dy_da))
    assert f"{y(a=4.1) - y():+.3f}" in message
    assert f"{solution.dy_da:.3f}" not in message


def test_page_shows_no_number_that_is_still_asked_for(tmp_path):
    numbers = dict.fromkeys(["dy_ds", "dy_dm", "dy_dc"], 0.559)
    file = SimpleNamespace(**numbers, dy_da=0.5, dy_db=None)
    path = tmp_path / "page.html"
    check.page(file, path, "dy_da")
    text = path.read_text("utf-8")
    assert "0.279" not in text
    assert "2.236" not in text


@pytest.mark.parametrize("a", [2.0, -0.7])
def test_slopes_of_a_number_that_is_used_twice(a):
    measured = slope(lambda x: y(x, 0.3, x), a)
    alike(
        solution.slopes_shared(a, 0.3)[0],
        measured,
        1e-8,
    )
    by_hand = 0.3 * (1 - y(a, 0.3, a) ** 2)
    alike(
        solution.slopes(a, 0.3, a)[0],
        by_hand,
    )
