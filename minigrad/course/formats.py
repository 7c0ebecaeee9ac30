"""Write marks as a table, and in the formats of spreadsheets, Moodle, Canvas, Gradescope and Classroom
50.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import sys
import time
import unicodedata
import zipfile
from pathlib import Path
from typing import IO, Any

from ..errors import DataError
from ..support.files import write_whole
from ..support.jobs import ROOT
from ..support.text import printable
from .key import require_current
from .lesson import FOLDER, chosen
from .lesson import lessons as all_lessons
from .marks import Row
from .submissions import NUMBER

VISIBILITIES = "visible", "after_due_date", "after_published", "hidden"
FORMULA = re.compile(r"(^|[;,\t\r\n])(\s*[-=+@＝＋－＠])")
"""Text that a spreadsheet would read as a formula, also if it splits cells at another separator."""
OF_STUDENT = re.compile(r"^(?!.*(first|last|sur|\(\d+\)$)).*(\bid|mail|name|student|user|login)")
"""The header of a column that identifies a student."""
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
    return to_text({"wall": str(options.wall), "submissions": submitted})


def as_csv(rows: list[Row], _: object) -> str:
    """Return a CSV file with a byte order mark, so Excel reads it as UTF-8. Text that a spreadsheet
    would read as a formula has an apostrophe before it.
    """
    file = io.StringIO()
    write = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerow
    numbers = (f"lesson {mark.lesson.number}" for mark in rows[0].marks)
    write(["name", "id", "points", "of", *numbers, "note"])
    for row in rows:
        name, id, note = (FORMULA.sub(r"\1'\2", text) for text in (row.name, row.id, row.note))
        write([name, id, row.points, len(row.marks), *row.scores, note])
    return f"\ufeff{file.getvalue()}"


class Roster:
    """A CSV file with a row for each student, and the column to fill in. Bytes that are not UTF-8
    become surrogates.

    Errors: OSError; DataError MG927 if not exactly one column has this name.
    """

    def __init__(self, path: Path, column: str) -> None:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        self.mark = "\ufeff" * text.startswith("\ufeff")
        self.comma = max(",;\t", key=text.partition("\n")[0].count)
        # for example, the maximum grade 3,00 in a German worksheet
        self.point = "," if re.search(r"[;\t]\"?\d+,\d+\"?[;\t\r\n]", text) else "."
        file = io.StringIO(text.removeprefix(self.mark), newline="")
        self.lines = list(csv.reader(file, delimiter=self.comma)) or [[]]
        self.head, wanted = [_normal(cell) for cell in self.lines[0]], column.casefold()
        # Canvas adds a number to the name of an assignment
        names = [{name, re.sub(r" \(\d+\)$", "", name)} for name in self.head]
        places = [place for place, name in enumerate(names) if wanted in name]
        if len(places) != 1:
            raise DataError(
                "MG927",
                f"{path.name} has {len(places)} columns {column!r}",
                cause=f"its columns are {printable(', '.join(self.lines[0]))}",
                remedy="pass the name of one column, as in --column Grade",
            )
        self.column = places[0]

    def filled(self, rows: list[Row], _: object) -> str:
        """Return the file with each student's points in the column. All other cells are unchanged.

        A submission must match one student, and a student one submission. All its files must have
        been graded. Others are listed on stderr, with the submissions' notes.
        """
        students = [
            (line, keys, list[Row]()) for line in self.lines[1:] if (keys := self._keys(line))
        ]
        left = [f"{row.name}: {row.note}" for row in rows if row.note]
        for row in rows:
            name = re.sub(r"\.(zip|py|ipynb)$", "", Path(row.name).name)
            before = NUMBER.split(name)[0].rstrip("_- ")  # 'ada' in 'ada_lesson_03'
            names = {_normal(text) for text in (name, name.removesuffix(f"_{row.id}"), before)}
            known, named = (
                [its for _, keys, its in students if keys & mine] for mine in ({row.id}, names)
            )
            if len(matches := known or named) == 1:
                matches[0].append(row)
            else:
                left.append(f"{row.name}: {len(matches)} rows of the roster match this submission")
        for line, _, its in students:
            who = ", ".join(line[:2])
            if len(its) != 1:
                left.append(f"{who}: {len(its)} submissions match this row")
            elif all(mark.graded for mark in its[0].marks):
                old, mark = line[self.column], f"{its[0].points:g}".replace(".", self.point)
                line[self.column] = mark
                if not re.fullmatch(rf"{mark}([.,]0+)?|[- ]*", old):
                    left.append(f"{who}: {old} was replaced by {mark}")
            else:
                left.append(f"{who}: not filled in, because a file was not graded")
        points, lines = (
            len(rows[0].marks),
            (zip(self.head, line, strict=False) for line in self.lines[1:]),
        )
        for most in {cell for line in lines for name, cell in line if name == "maximum grade"}:
            if not re.fullmatch(rf"{points}([.,]0+)?", most):
                left.append(f"The maximum grade is {most}, but these lessons give {points} points")
        for text in left:
            print(printable(text), file=sys.stderr)
        file = io.StringIO()
        csv.writer(file, delimiter=self.comma).writerows(self.lines)
        return self.mark + file.getvalue()

    def _keys(self, line: list[str]) -> set[str]:
        """Return the texts that identify a line's student. They are empty for Canvas's line
        'Points Possible'.
        """
        cells = zip(line[: self.column], self.head, strict=False)
        known = {_normal(cell) for cell, name in cells if OF_STUDENT.match(name)}
        if "points possible" in known or not line[self.column :]:
            return set()
        # the number in Moodle's 'Participant 201'
        return known.union(*(re.findall(r"^\D*[ /]\D*(\d+)$", text) for text in known)) - {""}


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


def gradescope(rows: list[Row], options: argparse.Namespace) -> str:
    """Return a submission's results as Gradescope's results.json. Each lesson is a test worth one
    point. The output lists the files that were not graded.
    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
    """
    (row,) = rows
    tests = [
        {"name": f"Lesson {mark.lesson.number}: {mark.lesson.title}", "score": score, "max_score": 1.0,
         "status": "passed" if mark.passed else "failed", "output": mark.said,
         "visibility": options.visibility,
         "tags": list(filter(None, [mark.kind, mark.function, mark.mistake]))}
        for mark, score in zip(row.marks, row.scores, strict=True)
    ]  # fmt: skip
    # a learner's file may print HTML, so all output is declared as text
    plain = {"output_format": "text", "test_output_format": "text", "test_name_format": "text"}
    results = {
        "score": row.points,
        "output": f"{row.points:g} of {len(row.marks)} points\n{row.note}".rstrip(),
        "visibility": options.visibility,
    }
    hidden = {"wall": str(options.wall)}  # not shown to students
    return to_text({**results, **plain, "tests": tests, "extra_data": hidden})


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
        {"test-name": f"Lesson {mark.lesson.number}: {mark.lesson.title}", "passed": mark.passed,
         "score": mark.right if row.partial else int(mark.passed),
         "max-score": mark.lesson.asked if row.partial else 1, "output": mark.said, "note": row.note}
        for mark in row.marks
    ]  # fmt: skip
    return to_text({
        "schema": "classroom50/result/v1",
        **given,
        "assignment_type": os.environ.get("ASSIGNMENT_TYPE", "individual"),
        "datetime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    })  # fmt: skip


SINGLE = gradescope, classroom50
"""The formats with one submission."""


def write_autograder(options: argparse.Namespace) -> int:
    """Write a zip file with minigrad and the scripts in autograder/, for Gradescope and for
    Classroom 50.
    """
    lessons = ",".join(str(one.number) for one in chosen(options.lesson))

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for name in "setup.sh", "run_autograder", "autograder.py":
                script = FOLDER.parent / "autograder" / name
                info = zipfile.ZipInfo(name)
                info.create_system, info.external_attr = 3, 0o100755 << 16  # executable on Unix
                archive.writestr(info, script.read_text("utf-8").replace("LESSONS", lessons))
            for package in "minigrad", "layers", "optim":
                for path in sorted((ROOT / package).rglob("*")):
                    if "__pycache__" not in path.parts and path.parent.parent != FOLDER:
                        archive.write(path, path.relative_to(ROOT))
            for one in all_lessons():
                require_current(one)
                for path in sorted(one.folder.glob("*.*")):
                    archive.write(path, FOLDER.relative_to(ROOT) / one.name / path.name)

    write_whole(options.out, write)
    print(f"{options.out} is ready.")
    return 0


def to_text(results: dict[str, Any]) -> str:
    """Return results as JSON."""
    return f"{json.dumps(results, indent=1, ensure_ascii=False)}\n"
