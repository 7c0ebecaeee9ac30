"""Check a learner's answers to the questions that come before each exercise.

An answer is a choice or a number. After answering, the learner sees one sentence of feedback.

quiz.json does not contain the answers in plain text. It contains a digest of each answer, and
feedback that is encrypted with the answer. You can still find an answer by trying all choices, but
you cannot read it in the file by accident.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ...errors import OptionError
from .lesson import Lesson

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
    return {
        "question": question,
        "choices": dict(choices or {}),
        "right": _digest(question, right),
        "sentences": {key: base64.b64encode(text).decode() for key, text in sealed.items()},
    }


def answer(quiz: Quiz, text: str) -> tuple[bool, str]:
    """Return whether this answer is right, and its feedback, or '' if there is no feedback."""
    question, right = quiz["question"], quiz["right"]
    # 1,280 may mean 1280 or 1.28
    without = text.replace(",", "")
    if _digest(question, without) == right:
        text = without
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
