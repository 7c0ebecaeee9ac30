"""Define the teacher's commands: `report`, `export`, `gradescope`, `new` and `test`.

Each command imports the classroom when it runs, so a learner's check never loads it.
"""

import argparse
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..support.files import save_text
from ..support.text import json_text
from .checking.feedback import say
from .checking.registry import PROGRESS, add_lessons, lessons
from .workbook import Workbook

FORMATS = {
    "json": "print JSON instead of a table",
    "csv": "print a CSV file for a spreadsheet",
    "statistics": "print what the class did not understand; with -o PAGE.html, "
    "write a page for the next lecture",
    "gradescope": "print one submission as Gradescope's results.json",
    "classroom50": "print one submission as Classroom 50's result.json",
    "prairielearn": "print one submission as PrairieLearn's results.json",
}
VISIBILITIES = "visible", "after_due_date", "after_published", "hidden"


def add_teaching(add: Callable[..., Any]) -> None:
    """Add the teacher's commands. `add(name, run, about)` adds one and returns its parser."""
    _add_report(
        add("report", _report, "grade one submission or a folder of submissions (for teachers)")
    )
    export = add("export", _export, "write the lessons as Jupyter notebooks")
    about = "the folder to write to (default: the current folder)"
    export.add_argument("folder", nargs="?", type=Path, default=Path("."), help=about)
    grader = add(
        "gradescope",
        _gradescope,
        "write a zip file with an autograder for Gradescope, Classroom 50 and PrairieLearn",
    )
    add_lessons(grader, "grade only these lessons")
    out, about = Path("autograder.zip"), "(default: autograder.zip)"
    grader.add_argument("-o", "--out", type=Path, default=out, metavar="FILE", help=about)
    new = add("new", _new, "write the files of a new lesson, to change as you like")
    test = add("test", _test, "write a lesson's answer key, and list what the lesson lacks")
    for parser in new, test:
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="the lesson's folder")


def _add_report(parser: Any) -> None:
    parser.description = (
        "Grade submissions. A submission is a folder that contains lesson files such "
        "as lesson_01_by_hand.py, a zip file, a notebook, or a single lesson file. In a folder "
        "without lesson files, each item is a submission, and the report has a row for each. A "
        "lesson is recognized by its number in the file's name, or by what the file defines. Each "
        "passed lesson earns one point; earlier attempts do not matter. A row ends with the files "
        "that were not graded, and the reason. The exit code is 1 if the grader itself failed, and "
        "0 otherwise, regardless of the marks."
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
    for name, about in FORMATS.items():
        either.add_argument(
            f"--{name}", dest="format", action="store_const", const=name, help=about
        )
    either.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="fill in this CSV file, which Moodle or Canvas exported",
    )
    add("--column", help="the column of the roster to fill in (default: Grade)")
    add("--by", metavar="COLUMN", help="the column of the roster with the submissions' names")
    add(
        "--visibility",
        choices=VISIBILITIES,
        help="when students see the results on Gradescope (default: visible)",
    )
    add("--names", action="store_true", help="name the students in the statistics")
    add(
        "--deadline",
        metavar="TIME",
        help='point out late submissions, as in --deadline "2026-11-27 18:00"; this changes no mark',
    )
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
    add(
        "--questions",
        type=Path,
        metavar="FOLDER",
        help="write a sheet for each student into this folder, with questions about the code of each "
        "passed lesson and the answers, to ask aloud; a column shows how many questions of "
        "`minigrad course explain` the student answered at the first try",
    )
    add("--require-sandbox", action="store_true", help="refuse to grade without a sandbox")
    add("-o", "--out", type=Path, metavar="FILE", help="write to this file instead of printing")


def _report(options: argparse.Namespace) -> int:
    from .classroom import report

    return report.run(options)


def _gradescope(options: argparse.Namespace) -> int:
    from .classroom.formats import write_autograder

    return write_autograder(options)


def _new(options: argparse.Namespace) -> int:
    from .classroom import own

    return own.new(options)


def _test(options: argparse.Namespace) -> int:
    from .classroom import own

    return own.test(options)


def _export(options: argparse.Namespace) -> int:
    paths, kept = write_notebooks(options.folder)
    left = f" ({len(kept)} already existed and were not changed)" if kept else ""
    ready = "1 notebook is" if len(paths) == 1 else f"{len(paths)} notebooks are"
    say(f"{ready} ready{left}. Open one with: jupyter lab {shlex.quote(str(paths[0]))}")
    return 0


def write_notebooks(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write the notebook of each lesson in the course folder `folder`, including the learner's work so
    far. If it is not a course folder yet, write all lessons.

    Returns two lists of paths: all notebooks, and the notebooks that already existed and were not
    changed.
    Errors: DataError MG914, MG915.
    """
    from .classroom.export import notebook

    chosen = Workbook(folder).here() if (folder / PROGRESS).exists() else lessons()
    workbook, _ = Workbook.start(folder, chosen=chosen)
    paths = [workbook.folder / f"{one.name}.ipynb" for one in chosen]
    kept = [path for path in paths if os.path.lexists(path)]
    for one, path in zip(chosen, paths, strict=True):
        if path not in kept:
            save_text(path, json_text(notebook(one, workbook.text(one))))
    return paths, kept
