"""Fill in the marks in a list of students: a CSV file of Moodle, of Canvas or of a teacher."""

import codecs
import contextlib
import csv
import io
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from ...errors import DataError
from ...support.text import printable
from .flags import late
from .marks import Row
from .submissions import NUMBER

OF_STUDENT = re.compile(r"^(?!.*(first|last|sur|\(\d+\)$)).*(\bid|mail|name|student|user|login)")
"""The header of a column that identifies a student."""
OF_FILE = re.compile(rf"[_ -]*{NUMBER.pattern}|\.(?:zip|py|ipynb)$", re.I)
"""The part of a file's name after the student's name, such as `_lesson_03` in ada_lesson_03.py."""
ZEROS = r"([.,]0+)?"

# ---- Moodle and Canvas ----

IDENTIFIER = re.compile(r"id|ident\w*")
"""The header of the students' numbers on Canvas, or of the participants' numbers in Moodle's
worksheet, in several languages."""
PARTICIPANT = re.compile(r"\D*[ /]\D*(\d+)")
"""A cell of Moodle's column, such as 'Participant 201' or 'Teilnehmer/in201'."""
CANVAS = {"student", "id", "section"}
"""Headers of Canvas's columns."""
MOST_OF_CANVAS = "points possible"
"""A cell of the line in which Canvas shows the maximum points of each assignment."""
EXCUSED = "ex"
"""What Canvas shows as the mark of an excused student."""
MOST_OF_MOODLE = "maximum grade"
"""The header of Moodle's column with the maximum grade of the assignment."""
CAN_BE_CHANGED = "grade can be changed"
"""The header of Moodle's column with "No" for locked grades."""
SEPARATOR = re.compile(r"sep=(.)\r?\n")
"""A first line, with which a file tells Excel its separator."""


OF_TIME = re.compile(r"last modified \(submission\)|submission time|submitted")
"""The header of the column with the time of a submission, in Moodle's worksheet and others."""
TIMES = "%d %B %Y, %I:%M %p", "%d %B %Y, %H:%M"
"""Moodle's formats, after the day of the week."""


def as_time(cell: str) -> datetime | None:
    """Return the time in a cell, or None.

    >>> print(as_time("friday, 27 november 2026, 6:05 pm"))
    2026-11-27 18:05:00
    """
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(cell).astimezone().replace(tzinfo=None)
    for form in TIMES:
        with contextlib.suppress(ValueError):
            return datetime.strptime(cell.partition(", ")[2], form)
    return None


def of_assignment(column: str) -> re.Pattern[str]:
    """Return a pattern for a column's header. Canvas adds a number to the name of an assignment."""
    return re.compile(rf"{re.escape(_normal(column))}( \(\d+\))?")


def decoded(data: bytes) -> tuple[str, str]:
    """Return the text of a CSV file and its encoding: UTF-8, UTF-16, in which Blackboard exports
    grades, or Windows-1252, in which Excel saves them.

    >>> decoded("Weiß".encode("cp1252"))
    ('Weiß', 'cp1252')
    """
    encodings = ["utf-8", "cp1252"]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    for encoding in encodings:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding), encoding
    return data.decode("latin-1"), "latin-1"  # decodes all bytes


def decimal_point(text: str) -> str:
    """Return the decimal point: a comma in a German worksheet, with maximum grades such as 3,00."""
    return "," if re.search(r"[;\t]\"?\d+,\d+\"?[;\t\r\n]", text) else "."


# ---- the roster ----


@dataclass(eq=False)
class Student:
    """A student's line in the roster."""

    line: list[str]
    cells: list[str]
    """The normalized cells of the line, with '' for each cell that the line lacks."""
    rows: list[Row] = field(default_factory=list)
    """The submissions that match this line."""

    def __str__(self) -> str:
        return ", ".join(self.line[:2])


class Roster:
    """A CSV file with a line for each student. `column` is the column to fill in. All other cells
    are unchanged, and so is the encoding.

    Errors: OSError; DataError MG927 if not exactly one column is called `column`, or `by`.
    """

    def __init__(
        self,
        path: Path,
        column: str,
        by: str | None = None,
        deadline: datetime | None = None,
    ) -> None:
        text, self.encoding = decoded(path.read_bytes())
        self.name = path.name
        self.by, self.deadline = by, deadline
        self.before = "\ufeff" * text.startswith("\ufeff")
        """What precedes the header."""
        text = text.removeprefix(self.before)
        separator = SEPARATOR.match(text)
        if separator:
            self.before += separator[0]
            text = text[separator.end() :]
            self.comma = separator[1]
        else:
            self.comma = max(",;\t", key=text.partition("\n")[0].count)
        self.point = decimal_point(text)
        file = io.StringIO(text, newline="")
        self.lines = list(csv.reader(file, delimiter=self.comma)) or [[]]
        self.head = list(map(_normal, self.lines[0]))
        self.identifying = [i for i, name in enumerate(self.head) if OF_STUDENT.match(name)]
        """The columns that identify the students."""
        self.place = self._find(column, self.identifying, "for marks, as in --column Grade")
        if by is not None:
            remedy = "that identifies the students, as in --by Name"
            self.identifying.append(self._find(by, [self.place], remedy))
        self.numbered = set[int]()
        """The columns with the numbers that Moodle or Canvas puts into the names of downloads."""
        self.maxima = set[str]()
        """The maximum marks of the column to fill in."""
        self.students = list(self._students())

    def _find(self, column: str, excluded: list[int], remedy: str) -> int:
        wanted = of_assignment(column)
        found = [i for i, name in enumerate(self.head) if wanted.fullmatch(name)]
        if len(found) == 1 and found[0] in excluded:
            raise DataError(
                "MG927",
                f"{self.name} has a column {column!r}, which cannot contain both students and marks",
                cause="the command writes marks into one column, and finds the students in another",
                remedy=f"pass the name of another column {remedy}",
            )
        found = [i for i in found if i not in excluded]
        if len(found) != 1:
            raise DataError(
                "MG927",
                f"{self.name} has {len(found)} columns {column!r}",
                cause=f"its columns are {printable(', '.join(self.lines[0]))}",
                remedy=f"pass the name of one column {remedy}",
            )
        return found[0]

    def _students(self) -> Iterator[Student]:
        """Yield the students. In their cells, 'Participant 201' is replaced by 201."""
        number = re.compile(r"(\d+)") if CANVAS.issubset(self.head) else PARTICIPANT
        for line in self.lines[1:]:
            cells = [_normal(cell) for cell in [*line, *[""] * len(self.head)]]
            del cells[len(self.head) :]
            if not any(cells[i] for i in self.identifying):
                continue
            if self.place >= len(line):
                continue
            if MOST_OF_CANVAS in cells:
                self.maxima.add(cells[self.place])
                continue
            cells[self.place] = ""
            if MOST_OF_MOODLE in self.head:
                self.maxima.add(cells[self.head.index(MOST_OF_MOODLE)])
            for i, name in enumerate(self.head):
                if IDENTIFIER.fullmatch(name) and (match := number.fullmatch(cells[i])):
                    cells[i] = match[1]
                    self.numbered.add(i)
            yield Student(line, cells)

    def write(self, rows: list[Row], _: object) -> str:
        """Return the CSV file with the marks.

        All submissions are matched by one column, which is `by` or the one that `_candidates` finds.
        If it finds several columns, or one whose header does not show that it identifies students,
        nothing is filled in. A mark is filled in only if the submission matches exactly one student,
        the student matches no other submission, and all files of the submission have been graded.
        All other submissions are listed on stderr, together with the submissions' notes.
        """
        columns = self._candidates(rows)
        names = ", ".join(self.lines[0][i] for i in columns)
        notes = [f"{row.name}: {row.note}" for row in rows if row.note]
        if not columns:
            first = "No submission was matched, because no column contains a submission's name"
        elif len(columns) == 1 and columns[0] in self.identifying:
            first = f"Submissions were matched by the column {names}"
            notes += self.match(rows, columns[0])
            notes += filter(None, map(self._fill, self.students))
            rows = list(map(self._with_its_time, rows))
        else:
            first = (
                "No submission was matched, because it is unclear which column contains their "
                f"names ({names}): choose one with --by"
            )
        notes += [f"{row.name}, {flag}" for row in rows for flag in row.flags]
        for message in [first, *notes, *self._other_maximum(len(rows[0].marks))]:
            print(printable(message), file=sys.stderr)
        written = io.StringIO()
        csv.writer(written, delimiter=self.comma).writerows(self.lines)
        text = self.before + written.getvalue()
        return text.encode(self.encoding).decode("utf-8", "surrogateescape")

    def _candidates(self, rows: list[Row]) -> list[int]:
        """Return the columns by which the submissions may have to be matched.

        These are the columns that contain a submission's name. If a name is a number, identifying
        columns with other numbers are included too, because a number can be in one of them by
        chance. Of several columns that match the same students, only the first is returned.
        """
        if self.by is not None:
            return self.identifying[-1:]
        if self.numbered and any(row.id for row in rows):
            return sorted(self.numbered)  # in another column, a number is another student's
        names = {_name(row) for row in rows} - {""}
        number = any(map(str.isdecimal, names))
        found = dict[tuple[str, ...], int]()
        columns = enumerate(zip(*(student.cells for student in self.students), strict=True))
        # Begin with the identifying columns, because no other column is used without --by.
        for i, cells in sorted(columns, key=lambda column: column[0] not in self.identifying):
            matched = tuple(cell if cell in names else "" for cell in cells)
            numbers = number and i in self.identifying and any(map(str.isdecimal, cells))
            if numbers or any(matched):
                found.setdefault(matched, i)
        return list(found.values())

    def match(self, rows: Sequence[Row], column: int) -> Iterator[str]:
        """Append each submission to the rows of the student whose cell in this column is its number or
        its name. Yield a description of each submission without exactly one such student.

        In Moodle's worksheet of another assignment, the participants have other numbers. Therefore,
        even if the number matches, the name must not be that of a different student. If the roster
        contains names of other submissions, it must also contain this name, because a missing name
        may belong to a missing student.
        """
        by_number = column in self.numbered
        students = self.students
        downloads = [row for row in rows if row.id]
        names_shown = any(self._named(row) for row in downloads)
        names_expected = set(self.identifying) - self.numbered
        if downloads and names_expected and not names_shown:
            yield "Only numbers were compared, because no submission's name is in the roster"
        for row in rows:
            key = name = _name(row)
            if by_number:
                # Another number may be of another kind, unless the teacher chose the column.
                key = row.id or name * (self.by is not None)
            found = [student for student in students if key and student.cells[column] == key]
            named = self._named(row)
            if found and row.id and not by_number:
                found = named  # another student's login may consist of the same letters
            if len(found) != 1:
                yield f"{row.name}: {len(found)} rows of the roster match this submission"
            elif row.id and named and found[0] not in named:
                yield f"{row.name}: its number is {found[0]}'s, but its name is {named[0]}'s"
            elif row.id and names_shown and not named:
                yield f"{row.name}: its number is {found[0]}'s, but its name is in no row"
            else:
                found[0].rows.append(row)

    def _named(self, row: Row) -> list[Student]:
        """Return the students with a submission's name. Moodle puts the name of a group before the
        name, as in "Group A-Ada Lovelace".
        """
        parts = _name(row).split("-")
        for start in range(len(parts)):
            letters = _letters("-".join(parts[start:]))
            named = [
                student
                for student in self.students
                if letters and letters in map(_letters, student.cells)
            ]
            if named:
                return named
        return []

    def _fill(self, student: Student) -> str:
        """Fill in the student's mark. Return what the teacher has to look at, or ''."""
        if len(student.rows) != 1:
            return f"{student}: {len(student.rows)} submissions match this row"
        [row] = student.rows
        if not all(mark.graded for mark in row.marks):
            return f"{student}: not filled in, because a lesson could not be graded"
        old = student.line[self.place]
        if _normal(old) == EXCUSED:
            return f"{student}: not filled in, because the student is excused"
        cells = dict(zip(self.head, student.cells, strict=True))
        if cells.get(CAN_BE_CHANGED) == "no":
            return f"{student}: not filled in, because the grade cannot be changed"
        new = student.line[self.place] = f"{row.points:g}".replace(".", self.point)
        unchanged = re.fullmatch(rf"{new}{ZEROS}|[- ]*", old)
        return "" if unchanged else f"{student}: {old} was replaced by {new}"

    def _with_its_time(self, row: Row) -> Row:
        """Return a row with its submission time from the roster in place of the times of its files."""
        for student in self.students:
            if student.rows == [row]:
                cells = zip(self.head, student.cells, strict=True)
                times = [as_time(cell) for name, cell in cells if OF_TIME.search(name)]
                if time := max(filter(None, times), default=None):
                    others = [flag for flag in row.flags if not flag.startswith("late")]
                    when = late(time, self.deadline)
                    flags = [*others, *[f"late: submitted {when}"] * bool(when)]
                    return replace(row, flags=tuple(flags))
        return row

    def _other_maximum(self, points: int) -> Iterator[str]:
        """Yield each maximum mark in the roster that differs from the lessons' points."""
        for most in self.maxima - {""}:
            if not re.fullmatch(f"{points}{ZEROS}", most):
                yield f"The maximum grade is {most}, but these lessons give {points} points"


def _name(row: Row) -> str:
    """Return the student's name in the name of a file or folder, without a download's number."""
    name = Path(row.name).name
    if row.id:
        name = name.removesuffix(f"_{row.id}")
    name, *_ = OF_FILE.split(name)
    return _normal(name)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


@cache
def _letters(text: str) -> str:
    """Return a name in the form that it has in the names of downloads: 'doejane' for 'doe, jane'."""
    return re.sub(r"[\W_]", "", text)
