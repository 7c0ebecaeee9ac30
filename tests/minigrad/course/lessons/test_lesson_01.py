"""Lesson 1's numbers against nudges, and the answers that a wrong number gets."""

import math
from types import SimpleNamespace

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
    assert (
        f"{y(a=4.1) - y():+.3f}" in message and f"{solution.dy_da:.3f}" not in message
    )


def test_the_page_after_a_wrong_number_shows_no_number_that_is_still_asked_for(
    tmp_path,
):
    numbers = {
        "dy_ds": 0.559,
        "dy_dm": 0.559,
        "dy_dc": 0.559,
        "dy_da": 0.5,
        "dy_db": None,
    }
    check.page(SimpleNamespace(**numbers), tmp_path / "page.html", "dy_da")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "0.279" not in text and "2.236" not in text


@pytest.mark.parametrize("a", [2.0, -0.7])
def test_the_slopes_of_a_number_that_is_used_twice(a):
    measured = [(y(a + h, 0.3, a + h) - y(a - h, 0.3, a - h)) / 2e-5 for h in [1e-5]]
    assert solution.slopes_shared(a, 0.3)[0] == pytest.approx(measured[0], abs=1e-8)
    assert solution.slopes(a, 0.3, a)[0] == pytest.approx(0.3 * (1 - y(a, 0.3, a) ** 2))
