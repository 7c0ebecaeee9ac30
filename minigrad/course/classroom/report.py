"""Grade submissions for teachers: `minigrad course report`.

The command grades one submission or a folder of submissions, and prints a table or another format.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from ...errors import OptionError
from ...support.files import save_text, write_whole
from ...support.text import for_terminal
from ..checking.registry import chosen
from ..checking.wall import find as find_wall
from . import formats, stats
from .flags import as_deadline, flagged
from .marks import FAILED, Row, graded
from .picture import picture
from .roster import Roster
from .sheets import write_sheets
from .submissions import Submission, submissions

FORMATS: dict[str | None, Callable[[list[Row], argparse.Namespace], str]] = {
    None: formats.table,
    "json": formats.as_json,
    "csv": formats.as_csv,
    "statistics": stats.statistics,
    "gradescope": formats.gradescope,
    "classroom50": formats.classroom50,
    "prairielearn": formats.prairielearn,
}
SINGLE = "gradescope", "classroom50", "prairielearn"
"""The formats that contain a single submission."""
NEEDED = {
    "names": "statistics",
    "column": "roster",
    "by": "roster",
    "visibility": "gradescope",
}
"""Options that have an effect only together with another option."""


def run(options: argparse.Namespace) -> int:
    """Grade submissions, and print or write the marks. See teaching.py for the options."""
    out, single = options.out, options.format in SINGLE
    write = FORMATS[options.format]
    require_partners(options)
    options.wall = find_wall()
    if options.require_sandbox:
        options.wall.require()
    deadline = None if options.deadline is None else as_deadline(options.deadline)
    if options.roster:
        column = options.column or "Grade"
        write = Roster(options.roster, column, options.by, deadline).write
    written = out, options.keep, options.roster, options.feedback, options.questions
    own = [Path(os.path.abspath(path)) for path in written if path]
    handed_in = submissions(options.folders, own, single)
    lessons = chosen(options.lesson)
    rows = graded(handed_in, lessons, options.jobs, options.keep, options.partial)
    rows = flagged(handed_in, lessons, rows, deadline)
    if options.questions:
        rows = write_sheets(handed_in, rows, options.questions, options.jobs)
    if options.feedback:
        write_feedback(rows, options.feedback)
    if options.format == "prairielearn":
        options.pictures = pictures(handed_in[0], rows[0])
    text = write(rows, options)
    if out is None:
        print(for_terminal(text), end="")
    else:
        _save(text, out)
    said = [mark.said for row in rows for mark in row.marks]
    return int(FAILED in said and not single)


def pictures(whose: Submission, row: Row) -> dict[str, dict[str, str]]:
    """Return the picture of the graph for each lesson whose file could be run, by the lesson's name."""
    drawn = {}
    for mark in row.marks:
        one = mark.lesson
        if mark.passed or mark.kind in ("wrong", "changed"):
            file = whose.chosen[one.name]
            modules = whose.modules[file.where.parent]
            drawn[one.name] = picture(one, file.text, modules, mark.function)
    return drawn


def require_partners(options: argparse.Namespace) -> None:
    """Raise OptionError MG932 for an option that has no effect without another option."""
    for name, needed in NEEDED.items():
        present = options.roster if needed == "roster" else options.format == needed
        if getattr(options, name) and not present:
            usage = f"--{needed}{' FILE' * (needed == 'roster')}"
            raise OptionError(
                "MG932",
                f"--{name} has no effect without {usage}",
                cause=f"only --{needed} uses the value of --{name}",
                remedy=f"add {usage}, or leave --{name} out",
            )


def _save(text: str, out: Path) -> None:
    data = text.encode("utf-8", "surrogateescape")
    try:
        write_whole(out, lambda file: file.write(data))
    except OSError as error:
        # save the report, because grading may have taken an hour
        print(for_terminal(text))
        raise OSError(error.errno, error.strerror, out) from None


def write_feedback(rows: list[Row], folder: Path) -> None:
    """Write a text file for each submission. If the student has a number on Moodle, the file gets the
    name that Moodle expects in a zip file of feedback. Errors: OSError.
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
