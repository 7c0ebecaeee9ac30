"""Make a new lesson and test it: `minigrad course new` and `minigrad course test`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ..errors import OptionError, reason
from . import feedback, key
from .feedback import say
from .grade import Verdict, grade
from .lesson import Lesson
from .workbook import save_text

TEMPLATE = Path(__file__).with_name("new_lesson.txt")
"""The files of a new lesson, each after a line with its name."""
NEEDED = "text.md", "exercise.py", "solution.py", "check.py", "slips.py"
"""The files that every lesson has."""


def new(options: argparse.Namespace) -> int:
    """Write the files of a new lesson.

    Errors: OptionError MG930 for a name that Python cannot import; FileExistsError.
    """
    folder = options.folder.resolve()
    if not folder.name.isidentifier():
        raise OptionError(
            "MG930",
            f"{folder.name!r} cannot be the name of a lesson",
            cause="the student's file gets this name, and Python must be able to import it",
            remedy="use only letters, digits and _, as in my_lesson",
        )
    folder.mkdir(parents=True)
    _, *parts = re.split(r"^== (.+)\n", TEMPLATE.read_text("utf-8"), flags=re.M)
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        save_text(folder / name, text)
    say(f"Change the files in {folder}. Then run: minigrad course test {options.folder}")
    return 0


def test(options: argparse.Namespace) -> int:
    """Write a lesson's answer key, and print what the lesson lacks. The exit code is 1 if it lacks
    anything.
    """
    one = Lesson(options.folder.resolve())
    problems = [f"{name} is missing" for name in NEEDED if not (one.folder / name).is_file()]
    try:
        problems = problems or lacking(one)
    except Exception as error:  # the lesson's files may raise any exception
        problems = [f"{type(error).__name__}: {reason(error)}"]
    say(
        *problems
        or [f"{one.name} is complete: {len(one.questions)} questions, {len(one.slips)} slips."]
    )
    return int(bool(problems))


def lacking(one: Lesson) -> list[str]:
    """Write the lesson's answer key, and return what the lesson lacks."""
    key.write(one, key.make(one))
    solution = one.read("solution.py")

    def judged(text: str) -> Verdict:
        return grade(one, Path(one.file), text)

    lacks = (
        [] if re.match("# .", one.text) else ["text.md does not begin with a title: # My lesson"]
    )
    if not (verdict := judged(solution)).passed:
        lacks += ["solution.py does not pass:", *feedback.lines(verdict, 3)]
    if judged(one.read("exercise.py")).passed:
        lacks.append("exercise.py passes before anything is written")
    for slip in one.slips:
        verdict = judged(f"{solution}\n\n{slip.code}")
        problem = verdict.problem or verdict.stretch[1]
        if not (problem and problem.slip and problem.slip.name == slip.name):
            lacks.append(f"slips.py: the check does not name {slip.name!r}")
    return lacks
