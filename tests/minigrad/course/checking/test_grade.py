"""Grading: which line is meant, and what a wrong answer is explained by, in which order."""

from pathlib import Path

import pytest

from minigrad.course.checking import feedback
from minigrad.course.checking.grade import grade, judge, line_of
from minigrad.course.checking.registry import lesson
from minigrad.course.checking.sandbox import collected


@pytest.mark.parametrize(
    ("text", "function", "line"),
    [
        ("x = 1\ndef f(): pass\nf(2)\ndef f(): pass\n", "f", 4),
        (
            "class A:\n    def g(self): pass\nclass B:\n    def g(self): pass\n\ndef g(): pass",
            "A.g",
            2,
        ),
        ("class A:\n    def g(self): pass\nclass B:\n    pass\n", "B.g", 3),
        ("y=1\nx: float = 2", "x", 2),
        ("x == 1", "y", None),
    ],
)
def test_the_line_of_a_definition(text, function, line):
    assert line_of(text, function) == line


def test_what_is_not_written_is_compared_with_no_slip(monkeypatch):
    monkeypatch.setattr("minigrad.course.checking.key.find_slip", None)
    assert not grade(
        lesson(1), Path(lesson(1).file), lesson(1).read("exercise.py")
    ).passed


def problem_of(code, number=13):
    """The problem of lesson 13's solution with other functions after it."""
    one = lesson(number)
    verdict = grade(
        one, Path("course") / one.file, f"{one.read('solution.py')}\n{code}"
    )
    assert verdict.problem is not None
    return verdict.problem


def test_a_changed_input_comes_before_everything_else():
    problem = problem_of(
        "def state_gradients(g, hs, W_hh):\n"
        "    for t in range(len(g) - 1, 0, -1):\n"
        "        g[t - 1] += tanh_backward(g[t], hs[t]) @ W_hh.T\n"
        "    return g\n"
    )
    assert (problem.kind, problem.function, problem.message) == (
        "changed",
        "state_gradients",
        "g",
    )
    assert (
        problem.difference.place == "g[0, 0, 0]"
        or problem.difference.place.startswith("g[")
    )


def test_a_function_that_works_with_right_helpers_is_not_blamed():
    # tanh_backward is right for all its own questions, and wrong for larger arrays
    problem = problem_of(
        "def tanh_backward(dh, h):\n"
        "    return dh * (1 - h * h) if h.size < 7 and h.shape != (1, 1) or dh.max() == 1 else dh\n"
    )
    assert (problem.function, problem.blames) == ("state_gradients", "tanh_backward")
    assert problem.slip is None and problem.line is not None


def test_the_first_value_on_the_way_is_shown():
    problem = problem_of(
        "def state_gradients(g, hs, W_hh):\n"
        "    dh = g.copy()\n"
        "    for t in range(len(g) - 1, 0, -1):\n"
        "        dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh.T * (1 if t != 2 else 1.5)\n"
        "    return dh\n"
    )
    # the text's example: dh_3 = 1, dh_2 = 2.32, and step 2 sends .4176
    assert (problem.after, problem.difference.place) == ("dh_2", "dh_1[0, 0]")
    assert (problem.difference.yours, problem.difference.right) == ("0.6264", "0.4176")
    assert dict(problem.inputs)["W_hh"] == "(1, 1) [[0.5]]"


def test_helpers_and_renamed_imports_of_the_file_stay_in_the_version_with_right_functions():
    problem = problem_of(
        "import numpy as numpy\n"
        "def slope(h):\n    return numpy.ones_like(h) - h * h\n"
        "def tanh_backward(dh, h):\n    return dh * slope(h)\n"
        "def state_gradients(g, hs, W_hh):\n    return numpy.array(g) + 0 * slope(hs)\n"
    )
    assert (problem.kind, problem.function, problem.blames) == (
        "wrong",
        "state_gradients",
        "",
    )
    assert problem.slip is not None


def test_judge_says_that_a_file_did_not_run_to_its_end():
    one, late = lesson(1), "it took longer than 10 s"
    stopped = collected([{"started": True}], late)
    verdict = judge(one, "while True: pass", stopped, lambda *_: stopped)
    told = " ".join(feedback.lines(verdict, 1))
    assert f"lesson_01_by_hand.py did not run to its end: {late}." in told
    assert "dy_ds" not in told
