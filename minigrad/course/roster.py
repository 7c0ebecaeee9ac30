"""Fill in the marks in a list of students: a CSV file of Moodle, of Canvas or of a teacher."""

from __future__ import annotations

import csv
import io
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DataError
from ..support.text import printable
from .marks import Row
from .submissions import NUMBER

OF_STUDENT = re.compile(r"^(?!.*(first|last|sur|\(\d+\)$)).*(\bid|mail|name|student|user|login)")
"""The header of a column that identifies a student."""
OF_FILE = re.compile(rf"[_ -]*{NUMBER.pattern}|\.(?:zip|py|ipynb)$", re.I)
"""Where the name of a file ends that begins with a student's name, such as ada_lesson_03.py."""
IDENTIFIER = re.compile(r"id|ident\w*")
"""The header of the participants' numbers in Moodle's worksheet, in several languages."""
PARTICIPANT = re.compile(r"\D*[ /]\D*(\d+)")
"""A cell of this column, such as 'Participant 201' or 'Teilnehmer/in201'."""


@dataclass(eq=False)
class Student:
    """A student's line in the roster."""

    line: list[str]
    cells: dict[int, str]
    """The cells that identify the student, by the number of their column."""
    rows: list[Row] = field(default_factory=list)
    """The submissions that match this line."""

    def __str__(self) -> str:
        return ", ".join(self.line[:2])


def roster(path: Path, column: str, by: str | None = None) -> Callable[[list[Row], object], str]:
    """Return a function that fills in a column of a CSV file with a row for each student. All other
    cells are unchanged; bytes that are not UTF-8 become surrogates.

    All submissions are matched by one column, which is `by` or the one that `_candidates` finds. If
    it finds several, nothing is filled in. A submission must match one student, and a student one
    submission. All its files must have been graded. The function lists others on stderr, with the
    submissions' notes.

    Errors: OSError; DataError MG927 if not exactly one column is called `column`, or `by`.
    """
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    mark = "\ufeff" * text.startswith("\ufeff")
    comma = max(",;\t", key=text.partition("\n")[0].count)
    # for example, the maximum grade 3,00 in a German worksheet
    point = "," if re.search(r"[;\t]\"?\d+,\d+\"?[;\t\r\n]", text) else "."
    lines = list(csv.reader(io.StringIO(text.removeprefix(mark), newline=""), delimiter=comma)) or [
        []
    ]
    head = [_normal(cell) for cell in lines[0]]

    def find(column: str, excluded: set[int], remedy: str) -> int:
        # Canvas adds a number to the name of an assignment
        names = [{name, re.sub(r" \(\d+\)$", "", name)} for name in head]
        found = [i for i, name in enumerate(names) if _normal(column) in name and i not in excluded]
        if len(found) != 1:
            raise DataError(
                "MG927",
                f"{path.name} has {len(found)} columns {column!r}",
                cause=f"its columns are {printable(', '.join(lines[0]))}",
                remedy=f"pass the name of one column {remedy}",
            )
        return found[0]

    identifying = {i for i, name in enumerate(head) if OF_STUDENT.match(name)}
    place = find(column, identifying, "for marks, as in --column Grade")
    identifying = {i for i in identifying if i < place}
    given = list[int]()
    if by is not None:
        given = [find(by, {place}, "that identifies the students, as in --by Name")]

    def filled(rows: list[Row], _: object) -> str:
        students = []
        for line in lines[1:]:
            cells = {i: _normal(line[i]) for i in {*identifying, *given} if i < len(line)}
            texts = {*cells.values()} - {""}
            if texts and place < len(line) and "points possible" not in texts:  # a line of Canvas
                students.append(Student(line, cells))
        numbered = _numbered(head, students)
        columns = given or _candidates(rows, students, numbered)
        left = [f"{row.name}: {row.note}" for row in rows if row.note]
        if len(columns) == 1:
            said = f"Submissions were matched by the column {lines[0][columns[0]]}"
            # Another number may be of another kind, unless the teacher chose the column.
            keys = [row.id if columns[0] in numbered else _name(row) for row in rows]
            if given:
                keys = [key or _name(row) for key, row in zip(keys, rows, strict=True)]
            left += _match(keys, rows, students, columns[0])
        else:
            names = ", ".join(lines[0][i] for i in columns)
            why = "no column contains a submission's name"
            if columns:
                why = f"several columns ({names}) may contain their names: choose one with --by"
            said, students = f"No submission was matched, because {why}", []
        for student in students:
            line, found = student.line, student.rows
            if len(found) != 1:
                left.append(f"{student}: {len(found)} submissions match this row")
            elif all(mark.graded for mark in found[0].marks):
                old, line[place] = line[place], f"{found[0].points:g}".replace(".", point)
                if not re.fullmatch(rf"{line[place]}([.,]0+)?|[- ]*", old):
                    left.append(f"{student}: {old} was replaced by {line[place]}")
            else:
                left.append(f"{student}: not filled in, because a lesson could not be graded")
        points = len(rows[0].marks)
        for most in {cell for line in lines[1:] for name, cell in zip(head, line, strict=False)
                     if name == "maximum grade"}:  # fmt: skip
            if not re.fullmatch(rf"{points}([.,]0+)?", most):
                left.append(f"The maximum grade is {most}, but these lessons give {points} points")
        for message in [said, *left]:
            print(printable(message), file=sys.stderr)
        file = io.StringIO()
        csv.writer(file, delimiter=comma).writerows(lines)
        return mark + file.getvalue()

    return filled


def _numbered(head: list[str], students: list[Student]) -> set[int]:
    """Return the columns with the numbers that Moodle or Canvas puts into the names of downloads.
    Replace 'Participant 201' by 201 in the cells of these columns.
    """
    if head[:2] == ["student", "id"] and "section" in head:  # Canvas
        return {1}
    numbered = set[int]()
    for i, name in enumerate(head):
        if IDENTIFIER.fullmatch(name):
            found = [PARTICIPANT.fullmatch(student.cells.get(i, "")) for student in students]
            if any(found):
                numbered.add(i)
                for student, number in zip(students, found, strict=True):
                    student.cells[i] = number[1] if number else ""
    return numbered


def _candidates(rows: list[Row], students: list[Student], numbered: set[int]) -> list[int]:
    """Return the columns by which the submissions may have to be matched.

    The number of a download is only in a column of `numbered`: in a different column, it is the
    number of another student. Without these numbers, it may be any column that contains a
    submission's name. If a name is a number, it may be any column with numbers, because a number can
    be in one of them by chance. Of columns that match the same students, one is enough.
    """
    if numbered and any(row.id for row in rows):
        return sorted(numbered)
    names = {_name(row) for row in rows} - {""}
    number = any(name.isdecimal() for name in names)
    columns = dict[tuple[str, ...], int]()
    for i in sorted({i for student in students for i in student.cells}):
        cells = [student.cells.get(i, "") for student in students]
        if any(cell in names or (number and cell.isdecimal()) for cell in cells):
            columns.setdefault(tuple(cell if cell in names else "" for cell in cells), i)
    return list(columns.values())


def _match(keys: list[str], rows: list[Row], students: list[Student], column: int) -> list[str]:
    """Append each submission to the rows of the student whose cell in this column is its key.
    Return a description of each submission without exactly one such student.

    In Moodle's worksheet of another assignment, the participants have other numbers. Therefore, the
    name must not be that of a different student.
    """
    by_key, by_name = defaultdict[str, list[Student]](list), defaultdict[str, list[Student]](list)
    for student in students:
        by_key[student.cells.get(column, "")].append(student)
        for name in {_letters(cell) for cell in student.cells.values()} - {""}:
            by_name[name].append(student)
    left = []
    for key, row in zip(keys, rows, strict=True):
        found, named = by_key[key] if key else [], by_name[_letters(_name(row))]
        if len(found) != 1:
            left.append(f"{row.name}: {len(found)} rows of the roster match this submission")
        elif row.id and named and found[0] not in named:
            left.append(f"{row.name}: its number is {found[0]}'s, but its name is {named[0]}'s")
        else:
            found[0].rows.append(row)
    return left


def _name(row: Row) -> str:
    """Return the student's name in the name of a file or folder, without a download's number."""
    name = Path(row.name).name
    if row.id:
        name = name.removesuffix(f"_{row.id}")
    return _normal(OF_FILE.split(name)[0])


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


def _letters(text: str) -> str:
    """Return a name as it is in the names of downloads: 'doe, jane' as 'doejane'."""
    return re.sub(r"[\W_]", "", text)
