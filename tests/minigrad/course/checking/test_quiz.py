"""Quizzes: an answer is right by its value, and only an answer opens its sentence."""

import numpy as np
import pytest

from minigrad.course.checking import quiz
from minigrad.course.checking.registry import lesson
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
    ("number", "place", "right", "wrong"),
    [
        (1, 0, 5 * 0 + 0.6 * 2, {0.6 * 10: "m", 0.6 / 2: "divided"}),
        (2, 0, (4**2 - 2**2) / 2, {3**2: "f(3)", (16 - 4) * 2: "multiplied"}),
        (
            3,
            1,
            -4 * 1,
            {4: "without the sign", np.exp(-4.0): "exp(-4)", 5: "subtracted"},
        ),
        (4, 1, 4 + 4 + 1, {4 * 4: "how large", 4 + 4 + 4: "unchanged"}),
        (6, 1, 0, {1 / 10: "stayed at 10", -3 / 100 - 5 / 100: "other two shares"}),
        (7, 0, 3 + 3 + 1, {3 * 3: "value of x * x"}),
        (8, 1, 1 / 2, {np.log(2): "loss itself", -1 / 4: "logarithm"}),
        (10, 2, 0.1, {0.1 * 100 / np.sqrt(1000): "left out the corrections"}),
        (11, 1, 32 * 40, {32 + 40: "added", 128: "each row"}),
        (12, 1, 2503, {253: "skipped the 0", 3052: "from the last to the first"}),
        (13, 1, 0.5 * (1 - 0.6**2), {0.5 * 0.6**2: "multiplied by h₃²"}),
        (15, 1, 4 / 5, {np.degrees(np.arccos(0.8)): "degrees", 5 / 4: "at most 1"}),
        (16, 1, 8 / 2**3, {8 - 3 * 0.5: "subtracted", 8 / 2**2: "two steps"}),
        (19, 1, (1 - 0.5) ** 3, {1 + (-0.5) ** 3: "only once", 0.25: "two blocks"}),
        (20, 0, (28 - 5 + 1) / 2, {24 * 24: "how wide", 12 * 12: "how wide"}),
    ],
)
def test_common_wrong_number_is_explained(number, place, right, wrong):
    question = quiz.read(lesson(number))[place]
    assert quiz.answer(question, str(right))[0]
    for given, words in wrong.items():
        correct, sentence = quiz.answer(question, f"{given:.4g}")
        assert not correct
        assert words in sentence


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
