"""Quizzes: an answer is right by its value, and only an answer opens its sentence."""

import pytest

from minigrad.course.checking import quiz
from minigrad.errors import OptionError

NUMBER = quiz.seal("dL/da?", "6", {"6": "Yes.", "3": "That is b."})
CHOICE = quiz.seal(
    "And?",
    "b",
    {"b": "Yes."},
    {"a": "it doubles", "b": "it stays"},
)
THOUSANDS = quiz.seal("How many?", "1280", {"1280": "Yes."})
DECIMALS = quiz.seal("How many?", "1.28", {"1.28": "Yes."})


@pytest.mark.parametrize(
    ("question", "text", "result"),
    [
        (NUMBER, " 6,0 ", (True, "Yes.")),
        (NUMBER, "3.", (False, "That is b.")),
        (NUMBER, "4", (False, "")),
        (CHOICE, "B)", (True, "Yes.")),
        (THOUSANDS, "1,280", (True, "Yes.")),
        (DECIMALS, "1,28", (True, "Yes.")),
    ],
)
def test_answer_is_compared_by_value(question, text, result):
    assert quiz.answer(question, text) == result
    assert "Yes" not in str(question)


@pytest.mark.parametrize(
    ("question", "right", "wrong", "needed"),
    [
        (NUMBER, "0.5", "many", "a number"),
        (CHOICE, "A", "e", "the choices a, b"),
    ],
)
def test_require_fit_names_possible_answers(question, right, wrong, needed):
    quiz.require_fit(question, right)
    with pytest.raises(OptionError, match=f"MG916[\\s\\S]*{needed}"):
        quiz.require_fit(question, wrong)
