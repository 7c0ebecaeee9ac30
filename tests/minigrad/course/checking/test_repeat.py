"""Repeated questions: the lines that a check prints, in Python."""

import numpy as np
import pytest

from minigrad.course import inputs, steps
from minigrad.course.checking.registry import lesson
from minigrad.course.checking.repeat import Steps
from minigrad.errors import OptionError


@pytest.mark.parametrize(
    ("call", "number", "message"),
    [
        (inputs, 99, "MG911.* no question 99"),
        (steps, 99, "MG911.* no question 99"),
        (steps, 1, "MG911.* no steps for question 1"),
    ],
)
def test_missing_question_is_named(tmp_path, monkeypatch, call, number, message):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lesson_01_by_hand.py").write_text(lesson(1).solution)
    with pytest.raises(OptionError, match=message):
        call(1, number)


def test_steps_are_printed_with_plain_numbers():
    values = {"a": np.float64(0.5), "b": [np.float64(1 / 3)]}
    assert str(Steps(values)) == "a = 0.5\nb = [0.333333]"
