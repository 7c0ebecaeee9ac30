"""Rosters of Moodle, Canvas and other programs in which numbers of different columns collide, students
are missing and columns are shuffled: a mark never goes to another student, and no other cell changes.

The command runs as it is typed. Only the grading is replaced: a mark is read from the submission.
"""

from __future__ import annotations

import contextlib
import csv
import io
import sys
import tempfile
from ast import literal_eval
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.__main__ import main
from minigrad.course.checking.registry import lesson
from minigrad.course.classroom.marks import Mark, Row

ONE, TWO = lesson(1), lesson(2)
NAMES = [
    "Ada Lovelace",
    "Bob",
    "Eve O'Neil",
    "Zoë Müller",
    "Max Maier",
    "José von der Au",
]
# few, so that they collide: the same number for two students in two columns
NUMBERS = ["1", "2", "7", "12", "201"]
WITH_ZEROS = [*NUMBERS, "007", "07", "0012", "0201", "S-7"]
LOGINS = ["ada", "bob", "eve7", *WITH_ZEROS]
POINTS = [(right, more) for right in range(6) for more in (0, 1)][1:]
"""Right answers in two lessons, which make another number of points for each student."""


@dataclass(frozen=True)
class Student:
    name: str
    number: str
    """The participant's number on Moodle, or the ID on Canvas: it is in the names of files."""
    matriculation: str
    """Another number, with leading zeros in places."""
    login: str
    right: tuple[int, int]
    listed: str = ""
    """The participant's number in the roster, if it is the worksheet of another assignment."""

    @property
    def points(self) -> float:
        return round(self.right[0] / ONE.asked + self.right[1] / TWO.asked, 2)

    def cell(self, column: str) -> str:
        first, _, last = self.name.rpartition(" ")
        return {
            "Identifier": f"Participant {self.listed or self.number}",
            "ID": self.number,
            "Full name": self.name,
            "Student": f"{last}, {first}" if first else last,
            "ID number": self.matriculation,
            "SIS User ID": self.matriculation,
            "Student ID": self.matriculation,
            "SIS Login ID": self.login,
            "Username": self.login,
            "Email address": f"{self.login}@uni.example",
            "Status": "Submitted",
            "Section": self.number,
        }.get(column, "")


SHEETS = {
    "Moodle": ["Identifier", "Full name", "ID number", "Email address", "Status", "Grade", "Feedback"],
    "Canvas": ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Grade"],
    "plain": ["Student ID", "Username", "Email address", "Full name", "Grade", "Section"],
}  # fmt: skip
KEYS = {"Moodle": "Identifier", "Canvas": "ID"}


@dataclass
class Class:
    """A roster with these students and columns, and the students who handed in something."""

    program: str
    columns: list[str]
    rows: list[Student]
    submitted: list[Student]
    key: str
    """The column whose cells are in the names of the submissions."""
    by_hand: list[Student]
    """Those whose files were added to a download, with names such as 12_lesson_01.py."""


@st.composite
def classes(draw: Any) -> Class:
    count = draw(st.integers(1, 5))

    def distinct(values: list[str]) -> Any:
        return draw(
            st.lists(
                st.sampled_from(values), min_size=count, max_size=count, unique=True
            )
        )

    parts = (
        distinct(NAMES),
        distinct(NUMBERS),
        distinct(WITH_ZEROS),
        distinct(LOGINS),
        POINTS,
    )
    students = [Student(*one) for one in zip(*parts, strict=False)]
    program = draw(st.sampled_from(list(SHEETS)))
    if count > 1 and draw(
        st.booleans()
    ):  # one student's number is another's in another column
        chosen = students[0].matriculation
        if chosen.isdecimal() and chosen not in {one.number for one in students}:
            students[1] = replace(students[1], number=chosen)
    zeros = count > 1 and program == "plain" and draw(st.booleans())
    if zeros:  # or the same one with leading zeros
        number, login = f"00{students[0].matriculation}", f"00{students[0].login}"
        students[1] = replace(students[1], matriculation=number, login=login)
    another = program == "Moodle" and draw(st.booleans())
    if another:
        listed = draw(st.permutations([one.number for one in students]))
        pairs = zip(students, listed, strict=True)
        students = [replace(one, listed=number) for one, number in pairs]
    columns = draw(st.just(SHEETS[program]) | st.permutations(SHEETS[program]))
    some = st.lists(st.sampled_from(students), min_size=1, unique=True)
    present, handing_in = st.permutations(students), st.just(students) | some
    if zeros and draw(
        st.booleans()
    ):  # only one of the two is in the roster, the other hands in
        present, handing_in = (
            st.just(students[1:]),
            st.just([students[0], *students[2:]]),
        )
    elif (
        not another
    ):  # a wrong number is noticed only if the roster has its owner's name
        present |= some
    submitted = draw(handing_in)
    by_hand = []
    if program != "plain" and draw(st.booleans()):  # at least one file is a download
        by_hand = [one for one in submitted[:-1] if one.matriculation.isdecimal()]
    return Class(
        program,
        columns,
        draw(present),
        submitted,
        draw(
            st.sampled_from(
                [
                    "Student ID",
                    "Username",
                    *["Email address", "Full name"] * (not zeros),
                ]
            )
        )
        if program == "plain"
        else KEYS[program],
        by_hand,
    )


def file_name(one: Student, group: Class) -> str:
    if one in group.by_hand:
        return f"{one.matriculation}_lesson_01.py"
    match group.program:
        case "Moodle":
            return f"{one.name}_{one.number}_assignsubmission_file_lesson_01.py"
        case "Canvas":
            return f"{one.name.replace(' ', '').lower()}_{one.number}_99_lesson_01.py"
    return f"{one.cell(group.key)}_lesson_01.py"


def fill_in(group: Class) -> list[list[str]]:
    """The lines of the roster after the command."""

    def graded(handed_in: Any, *_: Any) -> list[Row]:
        rows = []
        for one in handed_in:
            (file,) = one.files
            results = literal_eval(file.text)
            marks = [Mark(*pair, "") for pair in zip((ONE, TWO), results, strict=True)]
            rows.append(Row(one.name, marks, "", one.id, True))
        return rows

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for one in group.submitted:
            path = folder / "class" / file_name(one, group)
            path.parent.mkdir(exist_ok=True)
            path.write_text(repr(one.right))
        with (folder / "roster.csv").open("w", newline="", encoding="utf-8") as file:
            write = csv.writer(file).writerow
            write(group.columns)
            for one in group.rows:
                write([one.cell(column) for column in group.columns])
        words = ["minigrad", "course", "report", str(folder / "class"), "--partial"]
        words += [
            "--roster",
            str(folder / "roster.csv"),
            "-o",
            str(folder / "filled.csv"),
        ]
        printed = io.StringIO()
        with (
            patch.object(sys, "argv", words),
            patch("minigrad.course.classroom.report.graded", graded),
            contextlib.redirect_stderr(printed),
            contextlib.redirect_stdout(printed),
        ):
            assert main() == 0, printed.getvalue()
        return list(
            csv.reader(io.StringIO((folder / "filled.csv").read_text("utf-8-sig")))
        )


def certain(group: Class) -> bool:
    """Whether the names of the submissions say whose they are.

    In a roster of no program they do if they fit one column better than any other.
    """
    if group.program != "plain":
        return True
    names = {one.cell(group.key) for one in group.submitted}
    fits = Counter({
        column: len(names & {one.cell(column) for one in group.rows})
        for column in group.columns if column not in ("Grade", "Section")
    })  # fmt: skip
    best, *others = fits.most_common()
    if not best[1]:
        return True  # nobody gets a mark
    return best[0] == group.key and best[1] > others[0][1]


def unclear(group: Class) -> bool:
    """Whether two cells of the students say the same, or would without leading zeros. Or a number
    that may be in one column or in another.
    """
    if group.key in ("Student ID", "Username"):
        return True
    everyone = {*group.rows, *group.submitted}
    cells = [
        text.lstrip("0").casefold()
        for one in everyone
        for text in (one.name, one.number, one.matriculation, one.login)
    ]
    return len(set(cells)) < len(cells)


@settings(max_examples=100)
@given(classes())
def test_a_mark_never_goes_to_another_student(group):
    head, *lines = fill_in(group)
    assert head == group.columns and len(lines) == len(group.rows)
    place = head.index("Grade")
    identifying = [
        head.index(column) for column in head if column not in ("Grade", "Feedback")
    ]
    for one, line in zip(group.rows, lines, strict=True):
        others = [one.cell(column) for column in head if column != "Grade"]
        assert others == line[:place] + line[place + 1 :], (
            f"another cell changed: {line}"
        )
        own = f"{one.points:g}" if one in group.submitted else ""
        found = one.listed in ("", one.number) and one not in group.by_hand
        if certain(group):
            assert line[place] in ("", own), (
                f"{one.name} got {line[place]}, not {own}: {lines}"
            )
        if found and not unclear(group) and max(identifying) < place:
            assert line[place] == own, (
                f"{one.name} got {line[place]!r}, not {own!r}: {lines}"
            )
