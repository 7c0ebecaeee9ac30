"""Questions: an answer is right by its value, and only an answer opens its sentence."""

import pytest

from minigrad.course.checking import quiz
from minigrad.errors import OptionError

NUMBER = quiz.seal("dL/da?", "6", {"6": "Yes.", "3": "That is b."})
CHOICE = quiz.seal(
    "What becomes of dL/da?", "b", {"b": "Yes."}, {"a": "it doubles", "b": "it stays"}
)


def test_answers_are_compared_by_value_and_choices_without_case():
    assert [quiz.answer(NUMBER, text) for text in (" 6,0 ", "3.", "4")] == [
        (True, "Yes."), (False, "That is b."), (False, "")]  # fmt: skip
    assert quiz.answer(CHOICE, "B)") == (True, "Yes.") and "Yes" not in str(NUMBER)
    for question, text, needed in (
        (NUMBER, "many", "a number"),
        (CHOICE, "e", "the choices a, b"),
    ):
        with pytest.raises(OptionError, match=f"MG916[\\s\\S]*{needed}"):
            quiz.require_fit(question, text)
    quiz.require_fit(NUMBER, "0.5")
    quiz.require_fit(CHOICE, "A")


def test_a_comma_may_separate_thousands_or_decimals():
    thousands, decimals = (
        quiz.seal("How many?", right, {right: "Yes."}) for right in ("1280", "1.28")
    )
    assert (
        quiz.answer(thousands, "1,280")
        == quiz.answer(decimals, "1,28")
        == (True, "Yes.")
    )
