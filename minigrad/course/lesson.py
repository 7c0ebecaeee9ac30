"""What a lesson is made of: its folder's files, the questions that its check asks, and its
slips.
"""

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
    """One thing that a check asks of a learner's file.

    `ask(file)` calls the learner's functions, `file.backward(...)`, and returns their raw answer: a
    number, an array, a string, a bool, None, or lists and dicts of them. It runs in the learner's
    process and judges nothing. The right answer is what `ask` returns for the solution.
    """

    what: str
    """What is asked, with its numbers: 'dL/da at a = 2, b = -3'."""
    function: str
    """The name in the learner's file that answers: 'backward' or 'Tanh.backward'."""
    ask: Callable[[Any], Any]
    measured: str = "it should be"
    """What the right number is called beside the learner's own: 'finite difference', 'the
    engine'."""
    tolerance: float = 1e-6
    """Largest difference allowed, absolute for numbers below 1 and relative above."""
    formula: str = ""
    """Said on the third try where no slip is recognised."""
    compare: Callable[[Any, Any], str | None] | None = None
    """Judges instead of equality: (learner's answer, solution's) -> None if right, else what is
    wrong, in numbers."""
    expect: Callable[[], Any] | None = None
    """Gives the right answer where asking the solution would take long."""


@dataclass(frozen=True)
class Slip:
    """A well-known wrong solution. Who answers as it does has made that mistake."""

    name: str
    """The mistake in a few words: 'upstream gradient forgotten'. Said on the second try."""
    code: str
    """Python that is run after the solution's, and replaces part of it by the mistake."""
    kind: str
    """Said on the second try, after the name: a sentence or two about the mistake, without the
    formula."""
    formula: str
    """Said on the third try: the right formula."""


@dataclass(frozen=True)
class Lesson:
    """A lesson, by its folder.

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
        """What the learner's file is called."""
        return f"{self.name}.py"

    @cached_property
    def title(self) -> str:
        """The heading of its text, without 'Lesson 3: '."""
        return self.text.partition("\n")[0].partition(": ")[2]

    @cached_property
    def text(self) -> str:
        return self.read("text.md")

    @cached_property
    def hints(self) -> list[str]:
        """The hints, from vague to plain: the parts of hints.md between lines of three dashes."""
        return [hint.strip() for hint in re.split(r"^---$", self.read("hints.md"), flags=re.M)]

    @property
    def check(self) -> ModuleType:
        """check.py: QUESTIONS, and page(file, path, failed), which draws the learner's graph."""
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
    """The lesson of this number, name or file. Errors: OptionError MG911 if there is none."""
    for one in lessons():
        if str(which) in (str(one.number), one.name, one.file):
            return one
    raise OptionError(
        "MG911",
        f"there is no lesson {str(which)!r}",
        cause="the lessons are numbered 1 to 14",
        remedy="give a number: minigrad course check 3",
    )
