"""Repeat a question of a check in Python: `inputs` and `steps`, which a check prints."""

import importlib
from typing import Any

from ...errors import OptionError, reason
from .answers import described_input
from .lesson import Lesson, Question
from .registry import named


def inputs(which: int | str, number: int) -> Any:
    """Return the inputs of a lesson's question: one value, or a tuple of several.

    A check prints the line that calls this function. This function imports the learner's file from
    the current folder. Errors: OptionError MG911 for an unknown lesson or question.
    """
    one, question = _question(which, number)
    found = tuple(question.given(importlib.import_module(one.name)).values())
    return found[0] if len(found) == 1 else found


class Steps(dict[str, Any]):
    """Intermediate results, which are printed with one result on each line."""

    def __repr__(self) -> str:
        return "\n".join(f"{name} = {described_input(value)}" for name, value in self.items())


def steps(which: int | str, number: int) -> Any:
    """Return {name: intermediate result} of a lesson's question, as the learner's file computes it.
    See `inputs`. Errors: as for `inputs`, and OptionError MG911 if the results cannot be computed.
    """
    one, question = _question(which, number)
    try:
        file = importlib.import_module(one.name)
        return Steps(one.ask(question.way, file, question.given(file)))
    except Exception as error:
        raise _stale(one, f"has no steps for question {number} ({reason(error)})") from None


def _question(which: int | str, number: int) -> tuple[Lesson, Question]:
    one = named(which)
    if not 0 < number <= len(one.questions):
        raise _stale(one, f"has no question {number}")
    return one, one.questions[number - 1]


def _stale(one: Lesson, problem: str) -> OptionError:
    return OptionError(
        "MG911",
        f"lesson {one.number} {problem}",
        cause="the course or your file has changed since the check printed these lines",
        remedy=f"check the lesson again and paste its new lines: minigrad course check {one.number}",
    )
