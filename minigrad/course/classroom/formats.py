"""Write marks as a table, and in the formats of spreadsheets, Gradescope, Classroom 50 and PrairieLearn."""

import argparse
import csv
import io
import os
import re
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path

from ...errors import DataError
from ...support.files import save_text, write_whole
from ...support.jobs import ROOT
from ...support.text import json_text
from ..checking.feedback import wrapped
from ..checking.key import require_current
from ..checking.registry import FOLDER, chosen, lessons
from .marks import Row

FORMULA = re.compile(r"(^|[;,\t\r\n])(\s*[-=+@＝＋－＠])")
"""Text that a spreadsheet would read as a formula, even if it splits cells at another separator."""
SCRIPTS = "setup.sh", "run_autograder", "autograder.py", "prairielearn.py"
VARIABLES = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "owner": "USERNAME",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
    "review": "REVIEW_URL",
}
"""Fields of Classroom 50's result.json, and the variables that contain them."""


def table(rows: list[Row], options: argparse.Namespace) -> str:
    """Return a header and one line for each submission. A line contains the points, a symbol for
    each lesson, and the files that were not graded. Below the table, a legend explains the symbols.
    """
    width = max(len(row.name) for row in rows)
    numbers = " ".join(f"{mark.lesson.number:>2}" for mark in rows[0].marks)
    numbers += "  first try" * bool(rows[0].first_tries)
    lines = [f"{'':<{width}}    points {numbers}"]
    for row in rows:
        signs = "  ".join(
            ("x" if mark.passed else ".") if mark.graded else "?" for mark in row.marks
        )
        if row.first_tries:
            signs += f"  {row.first_tries:>9}"
        points = f"{row.points:>4g}/{len(row.marks):<3}"
        lines.append(f"{row.name:<{width}}  {points}  {signs}  {row.note}".rstrip())
    flags = [f"  {row.name}, {flag}" for row in rows for flag in row.flags]
    if flags:
        lines += ["", "Look at these yourself. They changed no mark:"]
        for flag in flags:
            lines += wrapped(flag, following="    ")
    legend = "x: passed   .: not passed   ?: not graded"
    return "\n".join([*lines, "", legend, "", f"{options.wall}\n"])


def as_json(rows: list[Row], options: argparse.Namespace) -> str:
    """Return all marks as JSON: {"wall": ..., "submissions": [{"name", "id", "points", "of", "note",
    "flags": [...], "lessons": [...]}]}. A lesson contains a mark's fields.
    """
    submitted = [
        {
            "name": row.name,
            "id": row.id,
            "points": row.points,
            "of": len(row.marks),
            **({"first_tries": row.first_tries} if row.first_tries else {}),
            "note": row.note,
            "flags": row.flags,
            "lessons": [
                {
                    **vars(mark),
                    "lesson": mark.lesson.number,
                    "title": mark.lesson.title,
                    "passed": mark.passed,
                    "asked": mark.lesson.asked,
                }
                for mark in row.marks
            ],
        }
        for row in rows
    ]
    return json_text({"wall": str(options.wall), "submissions": submitted})


def as_csv(rows: list[Row], _: object) -> str:
    """Return a CSV file with a byte order mark, so Excel reads it as UTF-8. Text that a spreadsheet
    would read as a formula has an apostrophe before it.
    """
    file = io.StringIO()
    write = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerow
    numbers = [f"lesson {mark.lesson.number}" for mark in rows[0].marks]
    if rows[0].first_tries:
        numbers.append("first try")
    write(["name", "id", "points", "of", *numbers, "note", "flags"])
    for row in rows:
        texts = row.name, row.id, row.note, "; ".join(row.flags)
        name, id, note, flags = (FORMULA.sub(r"\1'\2", text) for text in texts)
        tries = [row.first_tries] if row.first_tries else []
        write([name, id, row.points, len(row.marks), *row.scores, *tries, note, flags])
    return f"\ufeff{file.getvalue()}"


def gradescope(rows: list[Row], options: argparse.Namespace) -> str:
    """Return a submission's results as Gradescope's results.json. Each lesson is a test worth one
    point. The output lists the files that were not graded.
    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
    """
    (row,) = rows
    visibility = options.visibility or "visible"
    tests = [
        {
            "name": f"Lesson {mark.lesson.number}: {mark.lesson.title}",
            "score": score,
            "max_score": 1.0,
            "status": "passed" if mark.passed else "failed",
            "output": mark.said,
            "visibility": visibility,
            "tags": list(filter(None, [mark.kind, mark.function, mark.mistake])),
        }
        for mark, score in zip(row.marks, row.scores, strict=True)
    ]
    return json_text(
        {
            "score": row.points,
            "output": f"{row.points:g} of {len(row.marks)} points\n{row.note}".rstrip(),
            # a learner's file may print HTML, so all output is declared as text
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "visibility": visibility,
            "tests": tests,
            # not shown to students
            "extra_data": {"wall": str(options.wall), "flags": row.flags},
        }
    )


def classroom50(rows: list[Row], options: argparse.Namespace) -> str:
    """Return a submission's results as Classroom 50's result.json. It contains only whole points: one
    for each lesson, or with `--partial`, one for each answer.
    Source: https://github.com/foundation50/classroom50/wiki/Advanced-Autograding

    Errors: DataError MG928 outside Classroom 50's runner.
    """
    (row,) = rows
    try:
        given = {field: os.environ[name] for field, name in VARIABLES.items()}
    except KeyError as error:
        raise DataError(
            "MG928",
            f"the environment variable {error} is not set",
            cause="Classroom 50's runner sets it, and result.json contains it",
            remedy="run this command in Classroom 50's autograder.py, or print --json instead",
        ) from None
    tests = [
        {
            "test-name": f"Lesson {mark.lesson.number}: {mark.lesson.title}",
            "passed": mark.passed,
            "score": mark.right if row.partial else int(mark.passed),
            "max-score": mark.lesson.asked if row.partial else 1,
            "output": mark.said,
            "note": row.note,
        }
        for mark in row.marks
    ]
    return json_text(
        {
            "schema": "classroom50/result/v1",
            **given,
            "assignment_type": os.environ.get("ASSIGNMENT_TYPE", "individual"),
            "datetime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "score": sum(test["score"] for test in tests),
            "max-score": sum(test["max-score"] for test in tests),
            "tests": tests,
        }
    )


def prairielearn(rows: list[Row], options: argparse.Namespace) -> str:
    """Return a submission's results as PrairieLearn's results.json. Each lesson is a test worth one point.
    `options.pictures` contains the picture of each lesson's graph.

    If no file can be read and run, the submission is not gradable, which costs no attempt.
    Source: https://prairielearn.readthedocs.io/en/latest/externalGrading/#grading-results
    """
    (row,) = rows
    marks = row.marks
    if not any(mark.runs for mark in marks):
        message = f"not graded, because no file can be run\n{row.note}".rstrip()
        said = [mark.said for mark in marks if mark.said]
        return json_text({"gradable": False, "message": message, "format_errors": [message, *said]})
    message = f"{row.points:g} of {len(marks)} points\n{row.note}".rstrip()
    tests = [
        {
            "name": f"Lesson {mark.lesson.number}: {mark.lesson.title}",
            "points": score,
            "max_points": 1.0,
            "message": "passed" if mark.passed else mark.kind or mark.said,
            "output": mark.said,
            "images": list(filter(None, [options.pictures.get(mark.lesson.name)])),
        }
        for mark, score in zip(marks, row.scores, strict=True)
    ]
    return json_text(
        {
            "gradable": True,
            "score": round(sum(row.scores) / len(marks), 4),
            "message": message,
            "output": "",
            "images": [],
            "tests": tests,
        }
    )


def write_autograder(options: argparse.Namespace) -> int:
    """Write a zip file with minigrad and the scripts in autograder/, for Gradescope, Classroom 50 and
    PrairieLearn.
    """
    numbers = ",".join(str(one.number) for one in chosen(options.lesson))
    copy = partial(
        shutil.copytree,
        copy_function=shutil.copy,
        ignore=shutil.ignore_patterns("__pycache__", "node_modules", "lesson_*"),
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "files")
        for package in "minigrad", "layers", "optim":
            copy(ROOT / package, folder / package)
        for one in lessons():  # the course's or the teacher's own
            require_current(one)
            copy(one.folder, folder / FOLDER.relative_to(ROOT) / one.name)
        for name in SCRIPTS:
            script = (FOLDER.parent / "classroom/autograder" / name).read_text("utf-8")
            save_text(folder / name, script.replace("LESSONS", numbers))
            (folder / name).chmod(0o755)
        made = Path(shutil.make_archive(f"{temporary}/made", "zip", folder))
        write_whole(options.out, lambda file: file.write(made.read_bytes()))
    print(f"{options.out} is ready.")
    return 0
