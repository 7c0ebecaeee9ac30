"""Define the parts of a lesson: its files, the questions that its check asks, and its slips."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import OptionError

FOLDER = Path(__file__).parent / "lessons"


@dataclass(frozen=True)
class Question:
    """One question that a check asks about a learner's file.

    `ask(file)` calls the learner's functions, for example `file.backward(...)`, and returns the raw
    answer: a number, an array, a string, a bool, None, or a list or dict of these. It runs in the
    learner's process and does not judge the answer. The right answer is the value that `ask`
    returns for the solution.
    """

    what: str
    """The question with its numbers, for example 'dL/da at a = 2, b = -3'."""
    function: str
    """The name of a function or variable in the learner's file, for example 'backward' or
    'Tanh.backward'.
    """
    ask: Callable[[Any], Any]
    measured: str = "it should be"
    """The label shown next to the right number, for example 'finite difference' or 'the engine'."""
    tolerance: float = 1e-6
    """The maximum allowed difference. It is absolute for numbers below 1 and relative for larger
    numbers.
    """
    formula: str = ""
    """The right formula. Shown on the third try if no slip is recognised."""
    compare: Callable[[Any, Any], str | None] | None = None
    """Replaces the default comparison. This function takes the learner's answer and the solution's
    answer. It returns None if the learner's answer is right, otherwise a message with the numbers.
    """
    expect: Callable[[], Any] | None = None
    """Returns the right answer. Needed only if computing it with the solution takes too long."""


@dataclass(frozen=True)
class Slip:
    """A known mistake. If the learner's file gives the same answers as the slip's code, the learner
    has made this mistake.
    """

    name: str
    """A short name for the mistake, for example 'upstream gradient forgotten'. Shown on the second
    try.
    """
    code: str
    """Python code that runs after the solution and replaces part of it with the mistake."""
    kind: str
    """One or two sentences about the mistake, without the formula. Shown on the second try, after
    the name.
    """
    formula: str
    """The right formula. Shown on the third try."""


@dataclass(frozen=True)
class Lesson:
    """A lesson, defined by its folder.

    >>> Lesson(FOLDER / "lesson_01_by_hand").file
    'lesson_01_by_hand.py'
    """

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def number(self) -> int:
        return int(self.name.split("_")[1])

    @property
    def file(self) -> str:
        """The name of the learner's file."""
        return f"{self.name}.py"

    @cached_property
    def title(self) -> str:
        """The heading of the lesson's text, without the prefix 'Lesson 3: '."""
        return self.text.partition("\n")[0].partition(": ")[2]

    @cached_property
    def text(self) -> str:
        return self.read("text.md")

    @cached_property
    def hints(self) -> list[str]:
        """The hints, from vague to explicit. In hints.md, lines of three dashes separate them."""
        return [hint.strip() for hint in re.split(r"^---$", self.read("hints.md"), flags=re.M)]

    @property
    def check(self) -> ModuleType:
        """The module check.py. It defines QUESTIONS and page(file, path, failed), which draws the
        learner's graph.
        """
        return self._module("check")

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(self.check.QUESTIONS)

    @property
    def slips(self) -> tuple[Slip, ...]:
        return tuple(self._module("slips").SLIPS)

    def read(self, file: str) -> str:
        return (self.folder / file).read_text(encoding="utf-8")

    def _module(self, name: str) -> ModuleType:
        return importlib.import_module(f"minigrad.course.lessons.{self.name}.{name}")


@lru_cache
def lessons() -> tuple[Lesson, ...]:
    """All lessons in order."""
    return tuple(
        Lesson(folder)
        for folder in sorted(FOLDER.glob("lesson_*"))
        if (folder / "check.py").is_file()
    )


def lesson(which: int | str) -> Lesson:
    """Return the lesson with this number, name or file name. Errors: OptionError MG911 if no lesson
    matches.
    """
    for one in lessons():
        if str(which) in (str(one.number), one.name, one.file):
            return one
    raise OptionError(
        "MG911",
        f"there is no lesson {str(which)!r}",
        cause="the lessons are numbered 1 to 14",
        remedy="pass a lesson's number: minigrad course check 3",
    )
