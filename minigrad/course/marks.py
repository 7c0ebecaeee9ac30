"""Grade submissions, a few files at a time, and keep the marks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..support.jobs import run_jobs
from ..support.text import printable
from . import feedback, key
from .grade import Problem, grade
from .lesson import Lesson, Slip
from .submissions import Submission
from .wall import find as find_wall

FAILED = "could not be graded"
LONGEST_NOTE = 1000


@dataclass(frozen=True)
class Mark:
    """A submission's result for one lesson."""

    lesson: Lesson
    right: int
    said: str
    graded: bool = True
    """False if its file exists but could not be read or graded."""
    kind: str = ""
    """The kind of the first problem, as in `Problem`. '' if the lesson is passed or not begun."""
    function: str = ""
    """The function with the first problem, or '' if the file cannot be run."""
    mistake: str = ""
    """The name of the mistake that gives the same answers, or '' if none is known."""
    hint: str = ""
    """The description of this mistake."""

    @property
    def passed(self) -> bool:
        """True if all answers are right."""
        return self.right == self.lesson.asked

    @property
    def sign(self) -> str:
        return "?" if not self.graded else "x" if self.passed else "."


@dataclass(frozen=True)
class Row:
    """One submission's row in the report."""

    name: str
    marks: list[Mark]
    note: str
    """A phrase that lists the submitted files that were not graded, or '' if there are none."""
    id: str = ""
    """See `Submission`."""
    partial: bool = False

    @property
    def scores(self) -> list[float]:
        """The points for each lesson: 1 if it is passed, otherwise 0. If `partial`, the fraction of
        right answers.
        """
        return [
            round(mark.right / mark.lesson.asked, 4) if self.partial else float(mark.passed)
            for mark in self.marks
        ]

    @property
    def points(self) -> float:
        return round(sum(self.scores), 2)


def graded(
    handed_in: list[Submission],
    chosen: list[Lesson],
    jobs: int,
    keep: Path | None = None,
    partial: bool = False,
) -> list[Row]:
    """Return a row for each submission. Each file runs in its own process, and at most `jobs`
    processes run in parallel.

    Each mark is stored in the folder `keep` immediately. A file with a stored mark is graded again
    only if it or a module that it imports has changed.

    Errors: OptionError MG917 if `jobs` is less than 1, DataError MG930 for an outdated answer key.
    """
    wall = find_wall()
    for one in chosen:
        key.require_current(one)
    files = {
        f"{whose.name} lesson {one.number}": (one, file, whose.modules[file.where.parent])
        for whose in handed_in for one in chosen
        if (file := whose.chosen.get(one.name)) and file.text != one.read("exercise.py")
    }  # fmt: skip

    def work(name: str, **_: object) -> dict[str, Any]:
        one, file, modules = files[name]
        verdict = grade(one, Path(file.where), file.text, wall, modules)
        # the lines may contain the learner's own messages
        said = "\n".join(map(printable, feedback.lines(verdict, 2)))
        problem = verdict.problem or Problem("")
        slip = problem.slip or Slip("", "", "")
        return {"right": verdict.right, "said": said, "kind": problem.kind, "mistake": slip.name,
                "hint": slip.kind, "function": problem.blames or problem.function}  # fmt: skip

    todo = {
        name: {
            "name": name,
            "sha256": hashlib.sha256(
                json.dumps([file.text, modules, one.read("check.py")]).encode()
                + (one.folder / key.FILE).read_bytes()
            ).hexdigest(),
            "wall": wall.program is not None,
        }
        for name, (one, file, modules) in files.items()
    }
    done = run_jobs(todo, work, jobs, keep, apart=False, shown=None)

    def mark(whose: Submission, one: Lesson) -> Mark:
        name = f"{whose.name} lesson {one.number}"
        if name in done:
            return Mark(one, **done[name].result)
        if name in files:
            return Mark(one, 0, FAILED, False)
        if one.name in whose.chosen:
            return Mark(one, 0, "not written yet")
        unread = one.number in whose.unread
        return Mark(one, 0, "could not be read" if unread else f"no {one.file}", not unread)

    rows = []
    for whose in handed_in:
        row = [mark(whose, one) for one in chosen]
        failed = [f"lesson {mark.lesson.number} {FAILED}" for mark in row if mark.said == FAILED]
        note = printable("; ".join(failed + whose.notes))
        note = note[:LONGEST_NOTE] + " ..." * (len(note) > LONGEST_NOTE)
        rows.append(Row(whose.name, row, note, whose.id, partial))
    return rows
