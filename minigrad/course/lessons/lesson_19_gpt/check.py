"""Lesson 19's questions, in the order of the exercise, and its page. Each part has its own file."""

from minigrad.course.lessons.lesson_19_gpt import (
    check_attend,
    check_block,
    check_inputs,
    check_model,
    check_stretch,
    check_writing,
)
from minigrad.course.lessons.lesson_19_gpt.check_block import seen  # noqa: F401  # used by questions
from minigrad.course.lessons.lesson_19_gpt.check_inputs import places  # noqa: F401
from minigrad.course.lessons.lesson_19_gpt.shading import page  # noqa: F401

QUESTIONS = (
    *check_inputs.QUESTIONS,
    *check_block.QUESTIONS,
    *check_attend.QUESTIONS,
    *check_writing.QUESTIONS,
    *check_model.QUESTIONS,
    *check_stretch.QUESTIONS,
)
