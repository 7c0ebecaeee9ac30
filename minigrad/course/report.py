"""Grade submissions for teachers: `minigrad course report`.

The command grades one submission or a folder of submissions, and prints text or JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OptionError, reason
from ..support.files import write_whole
from ..support.jobs import run_jobs
from ..support.text import printable
from . import feedback
from .grade import grade
from .lesson import Lesson, lesson, lessons
from .submissions import File, Submission, contents, submissions
from .wall import find as find_wall

FAILED = "could not be graded"


@dataclass(frozen=True)
class Mark:
    """A submission's result for one lesson."""

    lesson: Lesson
    right: int
    said: str
    graded: bool = True
    """False if its file exists but could not be read or graded."""

    @property
    def passed(self) -> bool:
        """True if the lesson earns its point."""
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

    @property
    def points(self) -> int:
        return sum(mark.passed for mark in self.marks)


def add_report(commands: Any) -> None:
    """Add the `report` command to argparse's subparsers."""
    parser = commands.add_parser(
        "report",
        help="grade one submission or a folder of submissions (for teachers)",
        description="Grade submissions. A submission is a folder that contains lesson files such "
        "as lesson_01_by_hand.py, a zip file, a notebook, or a single lesson file. In a folder "
        "without lesson files, each item is a submission, and the report has a row for each. A "
        "lesson is recognized by its number in the file's name, or by what the file defines. Each "
        "passed lesson earns one point; earlier attempts do not matter. A row ends with the files "
        "that were not graded, and the reason. The exit code is 1 if the grader itself failed, and "
        "0 otherwise, regardless of the marks.",
    )
    add, cores = parser.add_argument, os.cpu_count() or 1
    add("folders", nargs="*", type=Path, metavar="FOLDER", help="(default: here)")
    about = "grade only this lesson (may be repeated)"
    add("--lesson", action="append", metavar="LESSON", help=about)
    about = "the number of parallel jobs (default: %(default)s)"
    add("--jobs", type=int, default=cores, metavar="N", help=about)
    about = ("store each mark in this folder immediately; if you run the command again, it grades only "
             "new and changed files")  # fmt: skip
    add("--keep", type=Path, metavar="FOLDER", help=about)
    add("--json", action="store_true", help="print JSON instead of a table")
    about = "print one submission as Gradescope's results.json"
    add("--gradescope", action="store_true", help=about)
    about = "refuse to grade without a sandbox"
    add("--require-sandbox", action="store_true", help=about)
    about = "write to this file instead of printing"
    add("-o", "--out", type=Path, metavar="FILE", help=about)
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    chosen = [lesson(which) for which in options.lesson] if options.lesson else list(lessons())
    own = [os.path.realpath(path) for path in (options.out, options.keep) if path is not None]
    wall = find_wall()
    if options.require_sandbox:
        wall.require()
    folders = options.folders or [Path()]
    handed_in = [one_of(folders)] if options.gradescope else submissions(folders, own)
    rows = graded(handed_in, chosen, options.jobs, options.keep)
    if options.gradescope or options.json:
        results = (gradescope if options.gradescope else as_json)(rows, str(wall))
        text = json.dumps(results, indent=1, ensure_ascii=False)
    else:
        text = "\n".join([*table(rows), "", str(wall)])
    if options.out is None:
        print(text)
    else:
        try:
            write_whole(options.out, lambda file: file.write(f"{text}\n".encode()))
        except OSError as error:
            print(text)  # save the report, because grading may have taken an hour
            raise OSError(error.errno, reason(error), os.fspath(options.out)) from None
    failed = any(mark.said == FAILED for row in rows for mark in row.marks)
    return int(failed and not options.gradescope)


def one_of(folders: list[Path]) -> Submission:
    """Return the only submission. Errors: OptionError MG918 for several folders."""
    if len(folders) > 1:
        raise OptionError(
            "MG918",
            f"got {len(folders)} submissions for one results.json",
            cause="Gradescope expects a separate results.json for each submission",
            remedy="pass a single folder",
        )
    folder = folders[0].resolve()
    return Submission(printable(folder.name), contents(folder, folder.name))


def graded(
    handed_in: list[Submission], chosen: list[Lesson], jobs: int, keep: Path | None = None
) -> list[Row]:
    """Return a row for each submission. Each file runs in its own process, and at most `jobs`
    processes run in parallel.

    Each mark is stored in the folder `keep` immediately. A file with a stored mark is graded again
    only if it or a module that it imports has changed.

    Errors: OptionError MG917 if `jobs` is less than 1.
    """
    wall = find_wall()
    marks: dict[tuple[str, int], Mark] = {}
    todo: dict[str, dict[str, Any]] = {}
    files: dict[str, tuple[str, Lesson, File, dict[str, str]]] = {}
    for whose in handed_in:
        for one in chosen:
            file, mark = whose.chosen.get(one.name), Mark(one, 0, f"no {one.file}")
            if file is None and one.number in whose.unread:
                mark = Mark(one, 0, "could not be read", False)
            elif file and file.text == one.read("exercise.py"):
                mark = Mark(one, 0, "not written yet")
            elif file:
                mark = Mark(one, 0, FAILED, False)
                modules = whose.modules(file)
                digest = hashlib.sha256(json.dumps([file.text, modules]).encode()).hexdigest()
                name = f"{whose.name} lesson {one.number}"
                todo[name] = {"name": name, "sha256": digest, "wall": wall.program is not None}
                files[name] = whose.name, one, file, modules
            marks[whose.name, one.number] = mark

    def work(name: str, **_: object) -> dict[str, Any]:
        one, file, modules = files[name][1:]
        verdict = grade(one, Path(file.where), file.text, wall, modules)
        # the lines may contain the learner's own messages
        said = map(printable, feedback.lines(verdict, 2))
        return {"right": verdict.right, "said": "\n".join(said)}

    for name, done in run_jobs(todo, work, jobs, keep, apart=False, shown=None).items():
        who, one = files[name][:2]
        marks[who, one.number] = Mark(one, **done.result)
    rows = []
    for whose in handed_in:
        row = [marks[whose.name, one.number] for one in chosen]
        failed = [m.lesson.number for m in row if m.said == FAILED]
        notes = [*whose.notes, *(f"lesson {number} {FAILED}" for number in failed)]
        rows.append(Row(whose.name, row, printable("; ".join(notes))))
    return rows


def table(rows: list[Row]) -> list[str]:
    """Return a header and one line for each submission. A line contains the points, a symbol for
    each lesson (x passed, . not passed, ? not graded), and the files that were not graded.
    """
    width, asked = max(len(row.name) for row in rows), len(rows[0].marks)
    numbers = " ".join(f"{mark.lesson.number:>2}" for mark in rows[0].marks)
    lines = [f"{'':<{width}}  points  {numbers}"]
    for row in rows:
        signs = "  ".join(mark.sign for mark in row.marks)
        line = f"{row.name:<{width}}  {row.points:>2}/{asked:<3}   {signs}  {row.note}"
        lines.append(line.rstrip())
    return lines


def as_json(rows: list[Row], wall: str) -> dict[str, Any]:
    """Return all marks in JSON types: {"wall": ..., "submissions": [{"name", "points", "of",
    "note", "lessons": [...]}]}.
    """
    submitted = [
        {"name": row.name, "points": row.points, "of": len(row.marks), "note": row.note, "lessons": [
            {"lesson": mark.lesson.number, "title": mark.lesson.title, "passed": mark.passed,
             "right": mark.right, "asked": mark.lesson.asked, "said": mark.said}
            for mark in row.marks]}
        for row in rows
    ]  # fmt: skip
    return {"wall": wall, "submissions": submitted}


def gradescope(rows: list[Row], wall: str) -> dict[str, Any]:
    """Return a submission's results as Gradescope's results.json. Each lesson is a test worth one
    point. The output lists the files that were not graded.
    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
    """
    (row,) = rows
    said = [f"{row.points} of {len(row.marks)} lessons passed", *filter(None, [row.note])]
    tests = [
        {"name": f"Lesson {mark.lesson.number}: {mark.lesson.title}", "score": float(mark.passed), "max_score": 1.0,
         "output": mark.said}
        for mark in row.marks
    ]  # fmt: skip
    # a learner's file may print HTML, so all output is declared as text
    plain = {"output_format": "text", "test_output_format": "text"}
    hidden = {"wall": wall}  # not shown to students
    return {
        "score": float(row.points),
        "output": "\n".join(said),
        **plain,
        "tests": tests,
        "extra_data": hidden,
    }
