"""Grading: which line is meant, and that nothing is computed of slips where none is looked for."""

from pathlib import Path

import pytest

from minigrad.course.grade import grade, line_of
from minigrad.course.lesson import lesson


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
    # which computes for seconds in some lessons
    monkeypatch.setattr("minigrad.course.grade._slip", None)
    assert not grade(lesson(1), Path(lesson(1).file), lesson(1).read("exercise.py")).passed
