"""Check a learner's answers to the questions that come before each exercise.

An answer is a choice or a number. After answering, the learner sees one sentence of feedback.

quiz.json does not contain the answers in plain text. It contains a digest of each answer, and
feedback that is encrypted with the answer. You can still find an answer by trying all choices, but
you cannot read it in the file by accident.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ...errors import OptionError
from ..workbook import Workbook
from .feedback import say
from .lesson import Lesson, lessons

Quiz = dict[str, Any]


def seal(
    question: str,
    right: str,
    sentences: Mapping[str, str],
    choices: Mapping[str, str] | None = None,
) -> Quiz:
    """Return a question for quiz.json. `sentences` maps the right answer and known wrong answers to
    feedback.

    >>> quiz = seal("What is dL/da?", "6", {"6": "Yes: b times 2.", "3": "That is b."})
    >>> answer(quiz, " 6.0 "), answer(quiz, "3"), answer(quiz, "4")
    ((True, 'Yes: b times 2.'), (False, 'That is b.'), (False, ''))
    """
    sealed = {
        _digest(question, text): _sealed(question, text, sentence.encode())
        for text, sentence in sentences.items()
    }
    return {"question": question, "choices": dict(choices or {}), "right": _digest(question, right),
            "sentences": {key: base64.b64encode(text).decode() for key, text in sealed.items()}}  # fmt: skip


def answer(quiz: Quiz, text: str) -> tuple[bool, str]:
    """Return whether this answer is right, and its feedback, or '' if there is no feedback."""
    question, right = quiz["question"], quiz["right"]
    # 1,280 may mean 1280 or 1.28
    text = max(text, text.replace(",", ""), key=lambda one: _digest(question, one) == right)
    digest = _digest(question, text)
    sealed = base64.b64decode(quiz["sentences"].get(digest, ""))
    return digest == right, _sealed(question, text, sealed).decode()


def require_fit(quiz: Quiz, text: str, command: str = "minigrad course answer") -> None:
    """Reject an answer of the wrong kind.

    Errors: OptionError MG916 if `text` is not one of the question's choices, or if the question has
    no choices and `text` is not a number.
    """
    choices = list(quiz["choices"])
    kind = f"has the choices {', '.join(choices)}" if choices else "asks for a number"
    if _normal(text) not in choices if choices else _as_number(_normal(text)) is None:
        raise OptionError(
            "MG916",
            f"{text!r} is not an answer to this question",
            cause=f"the question {kind}",
            remedy=f"answer with, for example, {command} {choices[0] if choices else 12}",
        )


def read(lesson: Lesson) -> list[Quiz]:
    """Return the lesson's questions."""
    return list(json.loads(lesson.read("quiz.json", "[]")))


def opened(workbook: Workbook, one: Lesson) -> tuple[int, bool] | None:
    """Return the index of the lesson's first question without a right answer, and whether it has a
    wrong one. Returns None if all answers are right.
    """
    answers = workbook.answers(one)
    for place, question in enumerate(read(one)):
        text = answers.get(str(place))
        if text is None or not answer(question, text)[0]:
            return place, text is not None
    return None


def command(workbook: Workbook, one: Lesson) -> str:
    """Return the command that answers a question of this lesson."""
    return "minigrad course answer" + f" --lesson {one.number}" * (one is not workbook.current())


def pose(question: Quiz, before: str) -> None:
    """Print a question."""
    say(f"{before}{question['question']}")
    say(*(f"  {name}) {text}" for name, text in question["choices"].items()))


def remind(workbook: Workbook, one: Lesson, first: bool) -> None:
    """Print the lesson's open question at the first check, or a reminder at the others."""
    place, answered = opened(workbook, one) or (0, True)
    if answered:
        return
    if first:
        pose(read(one)[place], "A question before you run it: ")
        say(f"  {command(workbook, one)} ...", "")
    else:
        say(f"  A question is still open: {command(workbook, one)}")


def ask_missed(workbook: Workbook, current: Lesson) -> None:
    """Print the first missed question of a lesson that is at least two lessons back."""
    for one in lessons()[: max(current.number - 2, 0)]:
        place, answered = opened(workbook, one) or (0, False)
        if answered:
            pose(read(one)[place], f"You missed this question in lesson {one.number}: ")
            say(f"  {command(workbook, one)} ...", "")
            return


def run(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    """Check an answer, or show the question: `minigrad course answer`."""
    if not read(one):
        say("This lesson has no question.")
        return 0
    place, _ = opened(workbook, one) or (0, True)
    question, text = read(one)[place], options.answer
    pose(question, f"Lesson {one.number}: ")
    if text is None:
        return 0
    require_fit(question, text, command(workbook, one))
    right, sentence = answer(question, text)
    say(f"✓ {sentence or 'Right.'}" if right else f"✗ {sentence or 'Wrong.'}")
    with workbook.changed(one) as entry:
        entry.setdefault("answers", {})[str(place)] = text
    if not right:
        say(f"  To answer it again: {command(workbook, one)} ...")
        other = one.number % len(lessons()) + 1
        say(f"  For another lesson's question, add its number, for example --lesson {other}.")
    elif following := opened(workbook, one):
        say("")
        pose(read(one)[following[0]], "And: ")
    return 0


def _normal(text: str) -> str:
    """Normalize an answer. Equal numbers get the same text, and choices become lowercase."""
    text = text.strip().lower().rstrip(".)")
    number = _as_number(text)
    return text if number is None else f"{number + 0.0:.4g}"


def _as_number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _digest(question: str, text: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", _normal(text).encode(), question.encode(), 20_000).hex()[
        :32
    ]


def _sealed(question: str, text: str, sentence: bytes) -> bytes:
    """Return the sentence XORed with bytes derived from the answer. Applying this function twice
    restores the sentence.
    """
    stream = hashlib.shake_256(f"{question}\n{_normal(text)}".encode()).digest(len(sentence))
    return bytes(a ^ b for a, b in zip(sentence, stream, strict=True))
