"""Grade submissions for teachers: `minigrad course report`.

The command grades one submission or a folder of submissions, and prints a table or another format.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ...support.files import write_whole
from ...support.text import for_terminal
from ..checking.lesson import add_lessons, chosen
from ..checking.wall import find as find_wall
from ..workbook import save_text
from . import formats, stats
from .marks import FAILED, Row, graded
from .roster import roster
from .submissions import submissions


def add_report(commands: Any) -> None:
    """Add the `report` command to argparse's subparsers."""
    parser = commands.add_parser(
        "report",
        allow_abbrev=False,
        help="grade one submission or a folder of submissions (for teachers)",
        description="Grade submissions. A submission is a folder that contains lesson files such "
        "as lesson_01_by_hand.py, a zip file, a notebook, or a single lesson file. In a folder "
        "without lesson files, each item is a submission, and the report has a row for each. A "
        "lesson is recognized by its number in the file's name, or by what the file defines. Each "
        "passed lesson earns one point; earlier attempts do not matter. A row ends with the files "
        "that were not graded, and the reason. The exit code is 1 if the grader itself failed, and "
        "0 otherwise, regardless of the marks.",
    )
    add, either = parser.add_argument, parser.add_mutually_exclusive_group()
    add("folders", nargs="*", type=Path, default=[Path()], metavar="FOLDER", help="(default: here)")
    add_lessons(parser, "grade only these lessons")
    add(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="the number of parallel jobs (default: %(default)s)",
    )
    add(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="store each mark in this folder immediately; if you run the command again, it grades "
        "only new and changed files",
    )
    for name, function, about in (
        ("json", formats.as_json, "print JSON instead of a table"),
        ("csv", formats.as_csv, "print a CSV file for a spreadsheet"),
        ("statistics", stats.statistics, "print what the class did not understand; with -o PAGE.html, "
         "write a page for the next lecture"),
        ("gradescope", formats.gradescope, "print one submission as Gradescope's results.json"),
        ("classroom50", formats.classroom50, "print one submission as Classroom 50's result.json"),
    ):  # fmt: skip
        either.add_argument(
            f"--{name}", dest="format", action="store_const", const=function, help=about
        )
    either.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="fill in this CSV file, which Moodle or Canvas exported",
    )
    add("--column", default="Grade", help="the column to fill in (default: %(default)s)")
    add("--by", metavar="COLUMN", help="the column of the roster with the submissions' names")
    add(
        "--visibility",
        default="visible",
        choices=formats.VISIBILITIES,
        help="when students see the results on Gradescope (default: %(default)s)",
    )
    add("--names", action="store_true", help="name the students in the statistics")
    add(
        "--partial",
        action="store_true",
        help="give a part of a lesson's point for a part of its answers",
    )
    add(
        "--feedback",
        type=Path,
        metavar="FOLDER",
        help="write an explanation for each student into this folder, for Moodle's feedback files",
    )
    add("--require-sandbox", action="store_true", help="refuse to grade without a sandbox")
    add("-o", "--out", type=Path, metavar="FILE", help="write to this file instead of printing")
    parser.set_defaults(command=_report, format=formats.table)


def _report(options: argparse.Namespace) -> int:
    out, single = options.out, options.format in formats.SINGLE
    options.wall = find_wall()
    if options.require_sandbox:
        options.wall.require()
    if options.roster:
        options.format = roster(options.roster, options.column, options.by)
    written = out, options.keep, options.roster, options.feedback
    own = [Path(os.path.abspath(path)) for path in written if path]
    handed_in = submissions(options.folders, own, single)
    rows = graded(handed_in, chosen(options.lesson), options.jobs, options.keep, options.partial)
    if options.feedback:
        write_feedback(rows, options.feedback)
    text = options.format(rows, options)
    if out is None:
        print(for_terminal(text), end="")
    else:
        try:
            write_whole(out, lambda file: file.write(text.encode("utf-8", "surrogateescape")))
        except OSError as error:
            print(for_terminal(text))  # save the report, because grading may have taken an hour
            raise OSError(error.errno, error.strerror, out) from None
    return int(not single and any(mark.said == FAILED for row in rows for mark in row.marks))


def write_feedback(rows: list[Row], folder: Path) -> None:
    """Write a text file for each submission. If the student has a number on Moodle, its name is the one
    that Moodle expects in a zip file of feedback. Errors: OSError.
    """
    for row in rows:
        path = folder / f"{row.name}{'_assignsubmission_file_feedback' * bool(row.id)}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        points = f"{row.points:g} of {len(row.marks)} points"
        said = (
            mark.said
            if mark.passed or mark.kind
            else f"Lesson {mark.lesson.number}, {mark.lesson.title}: {mark.said}"
            for mark in row.marks
        )
        texts = filter(None, [points, row.note, *said])
        save_text(path, "\n\n".join(texts) + "\n")
