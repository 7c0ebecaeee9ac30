"""The questions that come before each exercise."""

from pathlib import Path

from minigrad.course.checking import quiz
from minigrad.course.checking.registry import lesson
from minigrad.course.questions import open_questions
from minigrad.course.workbook import Workbook

from .conftest import record


def test_open_questions_have_no_right_answer(course):
    first = quiz.read(lesson(1))[0]

    def opened():
        return next(open_questions(Workbook(Path(".")), lesson(1)), None)

    assert opened() == (0, first, None)
    record(1, answers={"0": "-77"})
    assert opened() == (0, first, "-77")
