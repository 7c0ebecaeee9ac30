"""Fill in the marks in a list of students: a CSV file of Moodle, of Canvas or of a teacher."""

from __future__ import annotations

import csv
import io
import re
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ...errors import DataError
from ...support.text import printable
from .marks import Row
from .submissions import NUMBER

OF_STUDENT = re.compile(r"^(?!.*(first|last|sur|\(\d+\)$)).*(\bid|mail|name|student|user|login)")
"""The header of a column that identifies a student."""
OF_FILE = re.compile(rf"[_ -]*{NUMBER.pattern}|\.(?:zip|py|ipynb)$", re.I)
"""Where the name of a file ends that begins with a student's name, such as ada_lesson_03.py."""
IDENTIFIER = re.compile(r"id|ident\w*")
"""The header of the students' numbers on Canvas, or of the participants' numbers in Moodle's
worksheet, in several languages."""
PARTICIPANT = re.compile(r"\D*[ /]\D*(\d+)")
"""A cell of Moodle's column, such as 'Participant 201' or 'Teilnehmer/in201'."""


@dataclass(eq=False)
class Student:
    """A student's line in the roster."""

    line: list[str]
    cells: list[str]
    """The normalized cells of the line, with '' for those that it lacks."""
    rows: list[Row] = field(default_factory=list)
    """The submissions that match this line."""

    def __str__(self) -> str:
        return ", ".join(self.line[:2])


def roster(path: Path, column: str, by: str | None = None) -> Callable[[list[Row], object], str]:
    """Return a function that fills in a column of a CSV file with a row for each student. All other
    cells are unchanged; bytes that are not UTF-8 become surrogates.

    All submissions are matched by one column, which is `by` or the one that `_candidates` finds. If
    it finds several, or one whose header does not say that it identifies students, nothing is filled
    in. A submission must match one student, and a student one
    submission. All its files must have been graded. The function lists others on stderr, with the
    submissions' notes.

    Errors: OSError; DataError MG927 if not exactly one column is called `column`, or `by`.
    """
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    mark = "\ufeff" * text.startswith("\ufeff")
    comma = max(",;\t", key=text.partition("\n")[0].count)
    # for example, the maximum grade 3,00 in a German worksheet
    point = "," if re.search(r"[;\t]\"?\d+,\d+\"?[;\t\r\n]", text) else "."
    file = io.StringIO(text.removeprefix(mark), newline="")
    reader = csv.reader(file, delimiter=comma)
    lines = list(reader) or [[]]
    head = [_normal(cell) for cell in lines[0]]

    def find(column: str, excluded: list[int], remedy: str) -> int:
        # Canvas adds a number to the name of an assignment
        name = re.escape(_normal(column))
        wanted = re.compile(rf"{name}( \(\d+\))?")
        found = [i for i, name in enumerate(head) if wanted.fullmatch(name) and i not in excluded]
        if len(found) != 1:
            raise DataError(
                "MG927",
                f"{path.name} has {len(found)} columns {column!r}",
                cause=f"its columns are {printable(', '.join(lines[0]))}",
                remedy=f"pass the name of one column {remedy}",
            )
        return found[0]

    identifying = [i for i, name in enumerate(head) if OF_STUDENT.match(name)]
    place = find(column, identifying, "for marks, as in --column Grade")
    chosen = list[int]()
    if by is not None:
        chosen = [find(by, [place], "that identifies the students, as in --by Name")]
        identifying += chosen

    def filled(rows: list[Row], _: object) -> str:
        students = []
        for line in lines[1:]:
            cells = list(map(_normal, line))
            cells += [""] * len(head)
            del cells[len(head) :]
            known = any(cells[i] for i in identifying)
            of_canvas = "points possible" in cells
            if known and not of_canvas and place < len(line):
                cells[place] = ""
                students.append(Student(line, cells))
        numbered = _numbered(head, students)
        columns = chosen
        if not columns and any(row.id for row in rows):
            columns = numbered  # in another column, a download's number is another student's
        if not columns:
            columns = _candidates(rows, students, identifying)
        headers = [lines[0][i] for i in columns]
        names = ", ".join(headers)
        first = "No submission was matched, because no column contains a submission's name"
        messages = [f"{row.name}: {row.note}" for row in rows if row.note]
        if len(columns) == 1 and columns[0] in identifying:
            first = f"Submissions were matched by the column {names}"
            by_number = columns[0] in numbered
            messages += _match(rows, students, columns[0], by_number, bool(chosen))
            messages += filter(None, map(fill, students))
        elif columns:
            first = (
                "No submission was matched, because it is unclear which column contains their "
                f"names ({names}): choose one with --by"
            )
        if "maximum grade" in head:
            points = len(rows[0].marks)
            i = head.index("maximum grade")
            for most in {student.cells[i] for student in students}:
                if not re.fullmatch(rf"{points}([.,]0+)?", most):
                    messages.append(
                        f"The maximum grade is {most}, but these lessons give {points} points"
                    )
        for message in [first, *messages]:
            print(printable(message), file=sys.stderr)
        written = io.StringIO()
        csv.writer(written, delimiter=comma).writerows(lines)
        return mark + written.getvalue()

    def fill(student: Student) -> str:
        """Fill in the student's mark. Return what the teacher has to look at, or ''."""
        if len(student.rows) != 1:
            return f"{student}: {len(student.rows)} submissions match this row"
        [row] = student.rows
        if not all(mark.graded for mark in row.marks):
            return f"{student}: not filled in, because a lesson could not be graded"
        old = student.line[place]
        new = f"{row.points:g}".replace(".", point)
        student.line[place] = new
        if re.fullmatch(rf"{new}([.,]0+)?|[- ]*", old):
            return ""
        return f"{student}: {old} was replaced by {new}"

    return filled


def _numbered(head: list[str], students: list[Student]) -> list[int]:
    """Return the columns with the numbers that Moodle or Canvas puts into the names of downloads.
    Replace 'Participant 201' by 201 in the cells of these columns.
    """
    canvas = {"student", "id", "section"}.issubset(head)
    number = re.compile(r"(\d+)") if canvas else PARTICIPANT
    columns = set[int]()
    for student in students:
        for i, name in enumerate(head):
            match = number.fullmatch(student.cells[i])
            if match and IDENTIFIER.fullmatch(name):
                student.cells[i] = match[1]
                columns.add(i)
    return sorted(columns)


def _candidates(rows: list[Row], students: list[Student], identifying: list[int]) -> list[int]:
    """Return the columns by which the submissions may have to be matched.

    It may be any column that contains a submission's name. If a name is a number, it may also be
    any identifying column with numbers, because a number can be in one of them by chance. Of
    columns that match the same students, one is enough.
    """
    names = {_name(row) for row in rows} - {""}
    number = any(map(str.isdecimal, names))
    found = dict[tuple[str, ...], int]()
    lines = [student.cells for student in students]
    columns = enumerate(zip(*lines, strict=True))
    # Begin with the identifying columns, because no other column is used without --by.
    for i, cells in sorted(columns, key=lambda column: column[0] not in identifying):
        matched = tuple(cell if cell in names else "" for cell in cells)
        numbers = number and i in identifying and any(map(str.isdecimal, cells))
        if numbers or any(matched):
            found.setdefault(matched, i)
    return list(found.values())


def _match(
    rows: list[Row], students: list[Student], column: int, by_number: bool, chosen: bool
) -> list[str]:
    """Append each submission to the rows of the student whose cell in this column is its number, if
    `by_number`, or its name. Return a description of each submission without exactly one such student.

    In Moodle's worksheet of another assignment, the participants have other numbers. Therefore, the
    name must not be that of a different student. It must be in the roster if other names are, because
    a name that is missing may belong to a student who is missing.
    """
    messages = []
    cells = {_letters(cell) for student in students for cell in student.cells}
    names_shown = any(row.id and _letters(_name(row)) in cells for row in rows)
    for row in rows:
        key = name = _name(row)
        if by_number:
            # Another number may be of another kind, unless the teacher chose the column.
            key = row.id or name * chosen
        letters = _letters(name)
        found = [student for student in students if key and student.cells[column] == key]
        named = [student for student in students if letters in map(_letters, student.cells)]
        if found and row.id and not by_number:
            found = named  # another student's login may consist of the same letters
        if len(found) != 1:
            messages.append(f"{row.name}: {len(found)} rows of the roster match this submission")
        elif row.id and named and found[0] not in named:
            messages.append(f"{row.name}: its number is {found[0]}'s, but its name is {named[0]}'s")
        elif row.id and names_shown and not named:
            messages.append(f"{row.name}: its number is {found[0]}'s, but its name is in no row")
        else:
            found[0].rows.append(row)
    return messages


def _name(row: Row) -> str:
    """Return the student's name in the name of a file or folder, without a download's number."""
    name = Path(row.name).name
    if row.id:
        name = name.removesuffix(f"_{row.id}")
    name, *_ = OF_FILE.split(name)
    return _normal(name)


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    return text.strip().casefold()


@cache
def _letters(text: str) -> str:
    """Return a name as it is in the names of downloads: 'doe, jane' as 'doejane'."""
    return re.sub(r"[\W_]", "", text)
