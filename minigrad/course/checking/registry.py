"""Find the lessons, which are the course's or those in a teacher's folder, and the milestones,
which are not counted as lessons.
"""

import os
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...errors import OptionError
from .lesson import COURSE, Lesson

FOLDER = COURSE / "lessons"
MILESTONES = COURSE / "milestones"
VARIABLE = "MINIGRAD_LESSONS"
"""The environment variable for a folder with other lessons. `--lessons FOLDER` sets it."""
PROGRESS = "progress.json"
"""The file in a course folder that records the learner's progress."""


def lessons() -> tuple[Lesson, ...]:
    """All lessons in order: those in the folder MINIGRAD_LESSONS if it is set, otherwise the course's.
    Errors: OptionError MG911 if the folder contains no lessons, and MG934 if two lessons have the same
    number.
    """
    return _lessons(Path(os.environ.get(VARIABLE) or FOLDER).resolve())


@lru_cache
def _lessons(folder: Path) -> tuple[Lesson, ...]:
    paths = sorted(folder.glob("*/check.py"))
    found = tuple(sorted((Lesson(path.parent) for path in paths), key=lambda one: one.number))
    if not found:
        raise OptionError(
            "MG911",
            f"there are no lessons in {os.fspath(folder)!r}",
            cause="a lesson is a folder in it that contains check.py",
            remedy="pass the folder that contains the lessons, or unset " + VARIABLE,
        )
    for one, other in pairwise(found):
        if one.number == other.number:
            raise OptionError(
                "MG934",
                f"{one.name} and {other.name} in {os.fspath(folder)!r} are both lesson {one.number}",
                cause="a lesson's number is the first number in its folder's name, or 1 if there is "
                "none, and commands and marks name a lesson by its number",
                remedy=f"rename one of the folders, for example to lesson_{found[-1].number + 1:02}",
            )
    return found


def lesson(which: int | str) -> Lesson:
    """Return the lesson with this number, name or file name. Errors: OptionError MG911 if no lesson
    matches.
    """
    for one in lessons():
        if str(which).lstrip("0") in (str(one.number), one.name, one.file):
            return one
    raise OptionError(
        "MG911",
        f"there is no lesson {str(which)!r}",
        cause=f"the lessons are numbered {lessons()[0].number} to {lessons()[-1].number}",
        remedy="pass a lesson's number: minigrad course check 3",
    )


@lru_cache
def milestones() -> tuple[Lesson, ...]:
    """All milestones, which are networks that the learner's own engine can train, in order."""
    return _lessons(MILESTONES)


def milestone(which: int | str) -> Lesson:
    """Return the milestone with this number, name or file name. Errors: OptionError MG911 if no
    milestone matches.

    >>> milestone(9).name, milestone("spiral").number
    ('milestone_09_spiral', 9)
    """
    for one in milestones():
        names = str(one.number), one.word, one.name, one.file
        if str(which).lstrip("0") in names:
            return one
    known = ", ".join(f"{one.number} ({one.word})" for one in milestones())
    raise OptionError(
        "MG911",
        f"there is no milestone {str(which)!r}",
        cause=f"the milestones are {known}",
        remedy="list them: minigrad course milestones",
    )


def named(which: int | str) -> Lesson:
    """Return the milestone with this name, or the lesson with this number or name. Errors: OptionError
    MG911.
    """
    for one in milestones():
        if which in (one.word, one.name, one.file):
            return one
    return lesson(which)


def add_lessons(parser: Any, about: str) -> None:
    """Add the option `--lesson` to a command of argparse. See `chosen`."""
    about += ", such as 3, 3-5 or 3,7 (may be repeated; default: all)"
    parser.add_argument("--lesson", action="append", metavar="LESSONS", help=about)


def chosen(texts: list[str] | None) -> list[Lesson]:
    """Return the lessons that a user names, in order. The default is all lessons. Errors: OptionError
    MG911.

    >>> [one.number for one in chosen(["3-5", "1,4"])]
    [1, 3, 4, 5]
    """
    if not texts:
        return list(lessons())
    found = set[int]()
    for part in ",".join(texts).split(","):
        ends = [lesson(end.strip()).number for end in part.split("-")]
        found |= {*range(min(ends), max(ends) + 1)}
    return [one for one in lessons() if one.number in found]
