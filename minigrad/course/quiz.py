"""The questions that a learner answers before running anything: a choice or a number, with a
sentence for each answer.

quiz.json holds no answer that could be read by looking at it: a digest of each, and sentences that
only the answer opens. Whoever wants to can try all choices; who only looks into the file is not
told by accident.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..errors import OptionError
from .lesson import Lesson

Quiz = dict[str, Any]


def seal(
    question: str,
    right: str,
    sentences: Mapping[str, str],
    choices: Mapping[str, str] | None = None,
) -> Quiz:
    """A question for quiz.json. `sentences` has one for each answer that is worth one: the right
    one, known wrong ones.

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
    """Whether this answer is right, and the sentence that it has; '' if none was written for it."""
    digest = _digest(quiz["question"], text)
    sealed = base64.b64decode(quiz["sentences"].get(digest, ""))
    return digest == quiz["right"], _sealed(quiz["question"], text, sealed).decode()


def require_fit(quiz: Quiz, text: str) -> None:
    """Errors: OptionError MG916 if this cannot be an answer: one of the choices, or else a
    number.
    """
    choices, answer = list(quiz["choices"]), _normal(text)
    fits = answer in choices if choices else _as_number(answer) is not None
    if not fits:
        raise OptionError(
            "MG916",
            f"{text!r} is no answer to this question",
            cause=f"it has the choices {', '.join(choices)}" if choices else "it asks for a number",
            remedy=f"minigrad course answer {choices[0] if choices else '0.5'}",
        )


def read(lesson: Lesson) -> list[Quiz]:
    """The questions of a lesson."""
    return list(json.loads(lesson.read("quiz.json")))


def _normal(text: str) -> str:
    """An answer as it is compared: numbers by value, choices without case."""
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
    """The sentence, xored with a stream of bytes that the answer gives: sealing and opening are the
    same.
    """
    stream = hashlib.shake_256(f"{question}\n{_normal(text)}".encode()).digest(len(sentence))
    return bytes(a ^ b for a, b in zip(sentence, stream, strict=True))
