"""Grade submissions for teachers: `minigrad course report`.

The command grades one submission or a folder of submissions, and prints a table or another format.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from ...support.files import save_text, write_whole
from ...support.text import for_terminal
from ..checking.registry import chosen
from ..checking.wall import find as find_wall
from . import formats, stats
from .marks import FAILED, Row, graded
from .roster import Roster
from .sheets import write_sheets
from .submissions import submissions

FORMATS: dict[str | None, Callable[[list[Row], argparse.Namespace], str]] = {
    None: formats.table,
    "json": formats.as_json,
    "csv": formats.as_csv,
    "statistics": stats.statistics,
    "gradescope": formats.gradescope,
    "classroom50": formats.classroom50,
}
SINGLE = "gradescope", "classroom50"
"""The formats with one submission."""


def run(options: argparse.Namespace) -> int:
    """Grade submissions, and print or write the marks. See teaching.py for the options."""
    out, single = options.out, options.format in SINGLE
    write = FORMATS[options.format]
    options.wall = find_wall()
    if options.require_sandbox:
        options.wall.require()
    if options.roster:
        write = Roster(options.roster, options.column, options.by).write
    written = out, options.keep, options.roster, options.feedback, options.questions
    own = [Path(os.path.abspath(path)) for path in written if path]
    handed_in = submissions(options.folders, own, single)
    lessons = chosen(options.lesson)
    rows = graded(handed_in, lessons, options.jobs, options.keep, options.partial)
    if options.questions:
        rows = write_sheets(handed_in, rows, options.questions, options.jobs)
    if options.feedback:
        write_feedback(rows, options.feedback)
    text = write(rows, options)
    if out is None:
        print(for_terminal(text), end="")
    else:
        _save(text, out)
    said = [mark.said for row in rows for mark in row.marks]
    return int(FAILED in said and not single)


def _save(text: str, out: Path) -> None:
    data = text.encode("utf-8", "surrogateescape")
    try:
        write_whole(out, lambda file: file.write(data))
    except OSError as error:
        # save the report, because grading may have taken an hour
        print(for_terminal(text))
        raise OSError(error.errno, error.strerror, out) from None


def write_feedback(rows: list[Row], folder: Path) -> None:
    """Write a text file for each submission. If the student has a number on Moodle, its name is the one
    that Moodle expects in a zip file of feedback. Errors: OSError.
    """
    for row in rows:
        path = (
            folder / f"{row.name}{'_assignsubmission_file_feedback' * bool(row.id)}.txt"
        )
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
