"""Marks in rosters of Moodle, Canvas and other programs go to the right students.

Numbers of different columns collide, students are missing, and columns are shuffled. The command runs
as it is typed; only the grading is replaced: a mark is read from the submission.
"""

import contextlib
import csv
import io
import re
import sys
import tempfile
from ast import literal_eval
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from minigrad.__main__ import main
from minigrad.course.checking.registry import lesson
from minigrad.course.classroom.marks import Mark, Row

from .strategies import examples

LESSONS = lesson(1), lesson(2)
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
# right answers in two lessons, which make another number of points for each student
RIGHT = [(0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
COLUMNS = {
    "Moodle": (
        "Identifier",
        "Full name",
        "ID number",
        "Email address",
        "Status",
        "Grade",
        "Feedback",
    ),
    "Canvas": ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Grade"),
    "plain": (
        "Student ID",
        "Username",
        "Email address",
        "Full name",
        "Grade",
        "Section",
    ),
}


@dataclass(frozen=True)
class Student:
    name: str
    number: str
    """The participant's number on Moodle, or the ID on Canvas: it is in the names of files."""
    matriculation: str
    """Another number, which may have leading zeros."""
    login: str
    right: tuple[int, int]
    listed: str = ""
    """The participant's number in the roster, if that is the worksheet of another assignment."""

    @property
    def mark(self):
        points = [right / one.asked for right, one in zip(self.right, LESSONS, strict=True)]
        return f"{round(sum(points), 2):g}"

    @property
    def cells(self):
        first, _, last = self.name.rpartition(" ")
        return {
            "Identifier": f"Participant {self.listed or self.number}",
            "ID": self.number,
            "Section": self.number,
            "Full name": self.name,
            "Student": f"{last}, {first}" if first else last,
            "ID number": self.matriculation,
            "SIS User ID": self.matriculation,
            "Student ID": self.matriculation,
            "SIS Login ID": self.login,
            "Username": self.login,
            "Email address": f"{self.login}@uni.example",
            "Status": "Submitted",
            "Grade": "",
            "Feedback": "",
        }


@dataclass
class Class:
    program: str
    columns: list[str]
    listed: list[Student]
    submitted: list[Student]
    key: str
    """The column whose cells are in the names of the submissions."""
    by_hand: list[Student]
    """Those whose files were added to a download, with names such as 12_lesson_01.py."""


@st.composite
def classes(draw):
    count = draw(st.integers(1, 5))
    parts = [
        draw(st.permutations(values))[:count] for values in (NAMES, NUMBERS, WITH_ZEROS, LOGINS)
    ]
    students = [Student(*one) for one in zip(*parts, RIGHT[:count], strict=True)]
    program = draw(st.sampled_from([*COLUMNS]))
    keys = {"Moodle": ["Identifier"], "Canvas": ["ID"]}.get(program)
    number = students[0].matriculation
    free = number.isdecimal() and number not in [one.number for one in students]
    if count > 1 and free and draw(st.booleans()):  # another student's number
        students[1] = replace(students[1], number=number)
    zeros = count > 1 and not keys and draw(st.booleans())
    if zeros:  # or the number is the same except for leading zeros
        login = f"00{students[0].login}"
        students[1] = replace(students[1], matriculation=f"00{number}", login=login)
    elsewhere = program == "Moodle" and draw(st.booleans())
    if elsewhere:
        numbers = draw(st.permutations([one.number for one in students]))
        students = [replace(one, listed=numbers.pop()) for one in students]
    some = st.lists(st.sampled_from(students), min_size=1, unique=True)
    listed, submitted = draw(st.permutations(students)), students
    if zeros and draw(st.booleans()):  # only one of the two is listed, the other submits
        listed, submitted = students[1:], [students[0], *students[2:]]
    else:
        if not elsewhere:  # a wrong number is noticed only if its owner is listed
            listed = draw(st.just(listed) | some)
        submitted = draw(st.just(students) | some)
    by_hand = []
    if keys and draw(st.booleans()):  # at least one file is a download
        by_hand = [one for one in submitted[:-1] if one.matriculation.isdecimal()]
    if not keys:
        keys = ["Student ID", "Username"]
        keys += [] if zeros else ["Email address", "Full name"]
    columns = st.just(COLUMNS[program]) | st.permutations(COLUMNS[program])
    return Class(
        program,
        list(draw(columns)),
        listed,
        submitted,
        draw(st.sampled_from(keys)),
        by_hand,
    )


def file_name(one, group):
    start = one.cells.get(group.key)
    if one in group.by_hand:
        start = one.matriculation
    elif group.program == "Moodle":
        start = f"{one.name}_{one.number}_assignsubmission_file"
    elif group.program == "Canvas":
        letters = re.sub(r"[\W_]", "", one.cells["Student"].lower())
        start = f"{letters}_{one.number}_99"
    return f"{start}_lesson_01.py"


def graded(submissions, *_):
    rows = []
    for one in submissions:
        right = literal_eval(one.files[0].text)
        marks = [Mark(lesson, n, "") for lesson, n in zip(LESSONS, right, strict=True)]
        rows.append(Row(one.name, marks, "", one.id, True))
    return rows


def fill_in(group):
    """Return the lines of the roster after the command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "class").mkdir()
        for one in group.submitted:
            (folder / "class" / file_name(one, group)).write_text(repr(one.right))
        with (folder / "roster.csv").open("w", newline="", encoding="utf-8") as file:
            roster = csv.DictWriter(file, group.columns, extrasaction="ignore")
            roster.writeheader()
            roster.writerows(one.cells for one in group.listed)
        command = "minigrad course report class --partial --roster roster.csv -o filled.csv"
        printed = io.StringIO()
        with (
            contextlib.chdir(folder),
            patch.object(sys, "argv", command.split()),
            patch("minigrad.course.classroom.report.graded", graded),
            contextlib.redirect_stderr(printed),
            contextlib.redirect_stdout(printed),
        ):
            assert main() == 0, printed.getvalue()
        text = (folder / "filled.csv").read_text("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))


def certain(group):
    """Whether the names of the submissions fit one column of a plain roster best."""
    names = {one.cells[group.key] for one in group.submitted}
    fits: Counter[str] = Counter()
    for column in {*group.columns} - {"Grade", "Section"}:
        fits[column] = len(names & {one.cells[column] for one in group.listed})
    (best, most), (_, second), *_ = fits.most_common()
    return group.program != "plain" or not most or (best == group.key and most > second)


def unclear(group):
    """Whether cells of two students are the same, except for leading zeros, or numbers are keys."""
    cells = [
        text.lstrip("0").casefold()
        for one in {*group.listed, *group.submitted}
        for text in (one.name, one.number, one.matriculation, one.login)
    ]
    return len(set(cells)) < len(cells) or group.key in ("Student ID", "Username")


@examples(2)
@given(classes())
def test_roster_gives_marks_to_the_right_students(group):
    lines = fill_in(group)
    *_, last = [column for column in group.columns if column != "Feedback"]
    for one, line in zip(group.listed, lines, strict=True):
        mark = line.pop("Grade")
        assert list(line.items()) == [
            (column, one.cells[column]) for column in group.columns if column != "Grade"
        ]
        own = one.mark if one in group.submitted else ""
        if certain(group):
            assert mark in ("", own), f"{one.name} got {mark}, not {own}: {lines}"
        by_number = one.listed in ("", one.number) and one not in group.by_hand
        if by_number and last == "Grade" and not unclear(group):
            assert mark == own, f"{one.name} got {mark!r}, not {own!r}: {lines}"
