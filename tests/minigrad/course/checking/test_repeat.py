"""The lines that a check prints, to repeat a question in Python."""

import numpy as np
import pytest

from minigrad.course import inputs, steps
from minigrad.course.checking.registry import lesson
from minigrad.course.checking.repeat import Steps
from minigrad.errors import OptionError


def test_inputs_and_steps_of_another_version_say_so(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lesson_01_by_hand.py").write_text(lesson(1).solution)
    for call in (inputs, steps):
        with pytest.raises(OptionError, match="MG911.* no question 99"):
            call(1, 99)
    with pytest.raises(OptionError, match="MG911.* no steps for question 1"):
        steps(1, 1)


def test_steps_are_printed_one_on_each_line_with_plain_numbers():
    assert (
        str(Steps({"a": np.float64(0.5), "b": [np.float64(1 / 3)]}))
        == "a = 0.5\nb = [0.333333]"
    )
