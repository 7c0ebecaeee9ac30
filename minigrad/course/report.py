"""Grade submissions for teachers: `minigrad course report`.

The command grades one submission or a folder of submissions, and prints a table or another format.
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
from ..support.text import for_terminal, printable
from . import feedback, marks, stats
from .grade import Problem, grade
from .lesson import Lesson, Slip, add_lessons, chosen
from .submissions import File, Submission, contents, submissions
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
    add_lessons(parser, "grade only these lessons")
    about = "the number of parallel jobs (default: %(default)s)"
    add("--jobs", type=int, default=cores, metavar="N", help=about)
    about = ("store each mark in this folder immediately; if you run the command again, it grades only "
             "new and changed files")  # fmt: skip
    add("--keep", type=Path, metavar="FOLDER", help=about)
    about = "give a part of a lesson's point for a part of its answers"
    add("--partial", action="store_true", help=about)
    formats = parser.add_mutually_exclusive_group()
    for name, function, about in (
        ("json", as_json, "print JSON instead of a table"),
        ("csv", marks.as_csv, "print a CSV file for a spreadsheet"),
        ("statistics", stats.statistics, "print what the class did not understand; with -o PAGE.html, "
         "write a page for the next lecture"),
        ("gradescope", marks.gradescope, "print one submission as Gradescope's results.json"),
        ("classroom50", marks.classroom50, "print one submission as Classroom 50's result.json"),
    ):  # fmt: skip
        formats.add_argument(
            f"--{name}", dest="format", action="store_const", const=function, help=about
        )
    about = "fill in this CSV file, which Moodle or Canvas exported"
    formats.add_argument("--roster", type=Path, metavar="FILE", help=about)
    add("--column", default="Grade", help="the column to fill in (default: %(default)s)")
    add("--names", action="store_true", help="name the students in the statistics")
    about = "when students see the results on Gradescope (default: %(default)s)"
    add("--visibility", default="visible", choices=marks.VISIBILITIES, help=about)
    about = "refuse to grade without a sandbox"
    add("--require-sandbox", action="store_true", help=about)
    about = "write to this file instead of printing"
    add("-o", "--out", type=Path, metavar="FILE", help=about)
    parser.set_defaults(run=_report, format=table)


def _report(options: argparse.Namespace) -> int:
    own = [os.path.realpath(path) for path in (options.out, options.keep, options.roster) if path]
    options.wall = find_wall()
    if options.require_sandbox:
        options.wall.require()
    folders, single = options.folders or [Path()], options.format in marks.SINGLE
    if options.roster:
        options.format = marks.Roster(options.roster, options.column).filled
    handed_in = [one_of(folders)] if single else submissions(folders, own)
    rows = graded(handed_in, chosen(options.lesson), options.jobs, options.keep, options.partial)
    text = options.format(rows, options)
    if options.out is None:
        print(for_terminal(text), end="")
    else:
        try:
            data = text.encode("utf-8", "surrogateescape")
            write_whole(options.out, lambda file: file.write(data))
        except OSError as error:
            print(for_terminal(text))  # save the report, because grading may have taken an hour
            raise OSError(error.errno, reason(error), os.fspath(options.out)) from None
    return int(not single and any(mark.said == FAILED for row in rows for mark in row.marks))


def one_of(folders: list[Path]) -> Submission:
    """Return the only submission. Errors: OptionError MG918 for several folders."""
    if len(folders) > 1:
        raise OptionError(
            "MG918",
            f"got {len(folders)} submissions for one file of results",
            cause="Gradescope and Classroom 50 expect a separate file for each submission",
            remedy="pass a single folder",
        )
    folder = folders[0].resolve()
    return Submission(printable(folder.name), contents(folder, folder.name))


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

    Errors: OptionError MG917 if `jobs` is less than 1.
    """
    wall = find_wall()
    found: dict[tuple[str, int], Mark] = {}
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
            found[whose.name, one.number] = mark

    def work(name: str, **_: object) -> dict[str, Any]:
        one, file, modules = files[name][1:]
        verdict = grade(one, Path(file.where), file.text, wall, modules)
        # the lines may contain the learner's own messages
        said = "\n".join(map(printable, feedback.lines(verdict, 2)))
        problem = verdict.problem or Problem("")
        slip = problem.slip or Slip("", "", "")
        return {"right": verdict.right, "said": said, "kind": problem.kind, "mistake": slip.name,
                "hint": slip.kind, "function": problem.blames or problem.function}  # fmt: skip

    for name, done in run_jobs(todo, work, jobs, keep, apart=False, shown=None).items():
        who, one = files[name][:2]
        found[who, one.number] = Mark(one, **done.result)
    rows = []
    for whose in handed_in:
        row = [found[whose.name, one.number] for one in chosen]
        failed = [f"lesson {mark.lesson.number} {FAILED}" for mark in row if mark.said == FAILED]
        note = printable("; ".join(failed + whose.notes))
        note = note[:LONGEST_NOTE] + " ..." * (len(note) > LONGEST_NOTE)
        rows.append(Row(whose.name, row, note, whose.id, partial))
    return rows


def table(rows: list[Row], options: argparse.Namespace) -> str:
    """Return a header and one line for each submission. A line contains the points, a symbol for
    each lesson (x passed, . not passed, ? not graded), and the files that were not graded.
    """
    width = max(len(row.name) for row in rows)
    numbers = " ".join(f"{mark.lesson.number:>2}" for mark in rows[0].marks)
    lines = [f"{'':<{width}}    points {numbers}"]
    for row in rows:
        signs = "  ".join(mark.sign for mark in row.marks)
        points = f"{row.points:>4g}/{len(row.marks):<3}"
        lines.append(f"{row.name:<{width}}  {points}  {signs}  {row.note}".rstrip())
    return "\n".join([*lines, "", f"{options.wall}\n"])


def as_json(rows: list[Row], options: argparse.Namespace) -> str:
    """Return all marks as JSON: {"wall": ..., "submissions": [{"name", "id", "points", "of", "note",
    "lessons": [...]}]}. A lesson contains a mark's fields.
    """
    submitted = [
        {"name": row.name, "id": row.id, "points": row.points, "of": len(row.marks), "note": row.note, "lessons": [
            {**vars(mark), "lesson": mark.lesson.number, "title": mark.lesson.title,
             "passed": mark.passed, "asked": mark.lesson.asked}
            for mark in row.marks]}
        for row in rows
    ]  # fmt: skip
    return marks.to_text({"wall": str(options.wall), "submissions": submitted})
