"""Grade submissions, a few files at a time, and keep the marks."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...support.jobs import run_jobs
from ...support.text import printable
from ..checking import feedback, key
from ..checking.grade import Problem, grade
from ..checking.lesson import Lesson, Slip
from ..checking.wall import find as find_wall
from .alike import ranges
from .solutions import reads_solution
from .submissions import Submission, begun

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
    def runs(self) -> bool:
        """True if there is a file that the check could read and run."""
        broken = self.kind == "error" and not self.function
        return self.graded and not broken and (self.passed or bool(self.kind))

    @property
    def passed(self) -> bool:
        """True if all answers are right."""
        return self.right == self.lesson.asked


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
    first_tries: str = ""
    """See `sheets.write_sheets`."""
    flags: tuple[str, ...] = ()
    """The reasons why the teacher has to look at the submission. See flags.py."""

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
    checks = {one: [key.sources(one), (one.folder / key.FILE).read_bytes()] for one in chosen}
    files, todo, marks = {}, {}, {}
    for whose in handed_in:
        for one in chosen:
            name, file = f"{whose.name} {one.name}", whose.chosen.get(one.name)
            if file is None:
                unread = one.number in whose.unread
                said = "could not be read" if unread else f"no {one.file}"
                marks[name] = Mark(one, 0, said, not unread)
            elif not begun(one, file.text):
                marks[name] = Mark(one, 0, "not written yet")
            else:
                # replaced if it can be graded
                marks[name] = Mark(one, 0, FAILED, False)
                modules = whose.modules[file.where.parent]
                parts = repr([file.text, modules, checks[one], wall])
                files[name] = one, Path(file.where), file.text, wall, modules
                digest = hashlib.sha256(parts.encode()).hexdigest()
                todo[name] = {"name": name, "sha256": digest}

    def work(name: str, **_: object) -> dict[str, Any]:
        verdict = grade(*files[name])
        problem = verdict.problem or Problem("")
        slip = problem.slip or Slip("", "", "")
        # the lines may contain the learner's own messages
        said = "\n".join(map(printable, feedback.lines(verdict, 2)))
        lesson, path, text = files[name][:3]
        if lesson.file in said and path.name != lesson.file:
            said += f"\n  {lesson.file} in these lines means {printable(path.name)}."
        if problem.kind and (lines := reads_solution(text)):
            said += (
                f"\n  Line {ranges(lines)} reads the lesson's solution. It cannot be read while a "
                "file is graded."
            )
        return {
            "right": verdict.right,
            "said": said,
            "kind": problem.kind,
            "mistake": slip.name,
            "hint": slip.kind,
            "function": problem.blames or problem.function,
        }

    done = run_jobs(todo, work, jobs, keep, apart=False, shown=None)
    marks |= {name: Mark(files[name][0], **job.result) for name, job in done.items()}
    rows = []
    for whose in handed_in:
        its = [marks[f"{whose.name} {one.name}"] for one in chosen]
        failed = [mark.lesson.number for mark in its if mark.said == FAILED]
        notes = [f"lesson {number} {FAILED}" for number in failed]
        note = printable("; ".join(notes + whose.notes))
        note = note[:LONGEST_NOTE] + " ..." * (len(note) > LONGEST_NOTE)
        rows.append(Row(whose.name, its, note, whose.id, partial))
    return rows
