"""Rosters: a mark goes to the right student or to nobody, and no other cell changes.

tests/fuzz/test_rosters.py tries rosters in which numbers collide and students are missing.
"""

import csv
import io
import unicodedata
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from minigrad.course.classroom.marks import Mark, Row
from minigrad.course.classroom.roster import Roster
from minigrad.errors import DataError

from .test_formats import ONE, TWO, row

MOODLE = (
    "\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,Feedback\r\n"
    'Participant 201,"Lovelace, Ada",ada@uni.example,"Submitted ""late""",,3.00,Yes,"two\r\nlines"\r\n'
    "Participant 202,Bob von der Au,bob@uni.example,,,3.00,Yes,\r\n"
    "Participant 203,Zoë Müller,zoe@uni.example,,-,3.00,Yes, spaces \r\n"
    "Participant 204,Max Maier,max@uni.example,,,3.00,Yes,\r\n"
    "Participant 205,Max Maier,maier@uni.example,,,3.00,Yes,\r\n"
    "Participant 206,Eve,eve@uni.example,,1.00,3.00,Yes,\r\n"
)
NUMBERS = (
    "Identifier,Full name,ID number,Email address,Grade,Maximum grade\n"
    "Participant 201,Ada,7,ada@uni.example,,2\n"
    "Participant 202,Bob,203,bob@uni.example,,2\n"  # 203 is Eve's number as a participant
)
CANVAS = (
    "Student;ID;SIS User ID;SIS Login ID;Section;Week 1 (77);Week 2 (78);Final Points\n"
    ";;;;;Manual Posting;;\n"
    "    Points Possible;;;;;17.0;3.0;(read only)\n"
    "Doe, Jane;101;S-9;jdoe;A;101;;\n"
    "Roe, John;102;S-8;jroe;A;;;\n"
    "Student, Test;103;;x;A;;;\n"
)
BOTH = (5, 18)
"""Right answers for two points."""


def download(name, right=(5, 0)):
    """A submission of a download, whose name ends with the student's number."""
    return row(name, right, id=name.rpartition("_")[2])


def lines(text):
    comma = max(",;\t", key=text.partition("\n")[0].count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=comma))


@pytest.fixture
def fill(tmp_path, capsys):
    """Fills in a roster; returns ({first cell: mark} of the changed lines, what was printed)."""

    def run(rows, text, column="Grade", by=None):
        path = tmp_path / "roster.csv"
        path.write_text(text, "utf-8", newline="")
        filled = Roster(path, column, by).write(rows, None)
        changed = {}
        for old, new in zip(lines(text), lines(filled), strict=True):
            for one, other in zip(old, new, strict=True):
                if one != other:
                    assert old[0] not in changed
                    changed[old[0]] = other
        return changed, capsys.readouterr().err

    return run


# --- the command


def test_command_fills_in_a_copy_of_the_roster(typed, monkeypatch):
    monkeypatch.setattr(
        "minigrad.course.classroom.report.graded",
        lambda *_: [row("Eve", BOTH)],
    )
    Path("class").mkdir()
    Path("roster.csv").write_bytes(MOODLE.encode())
    words = ["report", "class", "--roster", "roster.csv", "-o", "filled.csv"]
    code, printed = typed(*words, "--column", "Grade", "--by", "Full name")
    assert (code, "1.00 was replaced by 2\n" in printed) == (0, True)
    expected = MOODLE.replace("1.00", "2")
    assert Path("filled.csv").read_bytes() == expected.encode()
    code, printed = typed(*words, "--column", "Grades\x1b[2J")
    assert (code, "[MG927]" in printed, "\x1b" in printed) == (2, True, False)


# --- Moodle


def test_moodle_s_downloads_are_matched_by_participant(fill):
    zoe = unicodedata.normalize("NFD", "Zoë Müller_203")
    rows = [
        download("Bob von der Au_202"),
        download("Max Maier_205", BOTH),
        row(zoe, (4, 9), id="203", partial=True),
        download("Nobody_207"),
        row("ada@uni.example"),
        row("206"),  # may be a number of another kind
    ]
    marks, printed = fill(rows, MOODLE)
    assert marks == {
        "Participant 202": "1",
        "Participant 203": "1.3",
        "Participant 205": "2",
    }
    assert printed.splitlines() == [
        "Submissions were matched by the column Identifier",
        "Nobody_207: 0 rows of the roster match this submission",
        "ada@uni.example: 0 rows of the roster match this submission",
        "206: 0 rows of the roster match this submission",
        "Participant 201, Lovelace, Ada: 0 submissions match this row",
        "Participant 204, Max Maier: 0 submissions match this row",
        "Participant 206, Eve: 0 submissions match this row",
        "The maximum grade is 3.00, but these lessons give 2 points",
    ]


def test_moodle_s_students_are_matched_by_mail_address(fill):
    rows = [
        row("Ada@uni.example.zip"),
        row("eve@uni.example_lesson_03.py", BOTH),
        row("bob"),
    ]
    marks, printed = fill(rows, MOODLE)
    assert marks == {"Participant 201": "1", "Participant 206": "2"}
    assert "by the column Email address\nbob: 0 rows" in printed
    assert "Participant 206, Eve: 1.00 was replaced by 2" in printed


def test_moodle_s_students_are_matched_by_name(fill):
    zoe = unicodedata.normalize("NFD", "zoë müller.zip")
    rows = [row(zoe), row("Max Maier"), row("lovelace, ada")]
    marks, printed = fill(rows, MOODLE)
    assert marks == {"Participant 201": "1", "Participant 203": "1"}
    assert "by the column Full name\nMax Maier: 2 rows" in printed


@pytest.mark.parametrize("others", [[], [download("Ada_201")]])
def test_moodle_s_number_is_not_another_student_s_id_number(fill, others):
    marks, printed = fill([download("Eve_203"), *others], NUMBERS)
    assert marks == ({"Participant 201": "1"} if others else {})
    assert "Eve_203: 0 rows of the roster match this submission" in printed
    assert "Participant 202, Bob: 0 submissions match this row" in printed


def test_moodle_s_number_does_not_decide_for_a_missing_name(fill):
    """Ada is missing, and her number of another assignment is Bob's number in this one."""
    text = "Identifier,Full name,Grade\nParticipant 1,Bob,\nParticipant 2,Eve,\n"
    marks, printed = fill([download("Ada_1"), download("Eve_2")], text)
    assert marks == {"Participant 2": "1"}
    message = "Ada_1: its number is Participant 1, Bob's, but its name is in no row"
    assert message in printed


def test_moodle_s_numbers_are_in_no_other_column_or_cell(fill):
    text = "E-Mail,ID,Note (7),Grade\ns201@uni.example,Teilnehmer/in7,202,-\n"
    for name, marks in (
        ("x_201", {}),
        ("x_202", {}),
        ("x_7", {"s201@uni.example": "1"}),
    ):
        assert fill([download(name)], text)[0] == marks


def test_moodle_s_download_matches_a_list_without_its_numbers_by_name(fill):
    text = "ID,Name,Grade\n203,Bob,\n8,Eve O'Neil,\n"  # Bob's number at the university
    rows = [download("Eve O'Neil_203")]
    marks, printed = fill(rows, text)
    assert marks == {"8": "1"}
    assert "by the column Name\n" in printed
    assert fill(rows, text, by="ID")[0] == {}


def test_decimal_commas_of_the_roster_are_used_for_marks(fill):
    text = "ID;Bewertung;Bestwertung\nTeilnehmer/in7;;3,00\n"
    half = row("x_7", (4, 9), id="7", partial=True)
    assert fill([half], text, "Bewertung")[0] == {"Teilnehmer/in7": "1,3"}


# --- Canvas


def test_canvas_s_downloads_are_matched_by_id(fill):
    rows = [download("doejane_101"), download("roejohn_102", BOTH)]
    marks, printed = fill(rows, CANVAS, "week 2")
    assert marks == {"Doe, Jane": "1", "Roe, John": "2"}
    assert "Student, Test, 103: 0 submissions match this row" in printed


@pytest.mark.parametrize("others", [[], [download("doejane_101")]])
def test_canvas_s_id_is_not_another_student_s_sis_user_id(fill, others):
    text = CANVAS.replace("S-8", "104")
    marks, printed = fill([download("evefoo_104"), *others], text, "week 2")
    assert marks == ({"Doe, Jane": "1"} if others else {})
    assert "evefoo_104: 0 rows" in printed
    assert "matched by the column ID\n" in printed


@pytest.mark.parametrize(
    ("names", "column", "marked"),
    [
        (["s-8.zip", "S-9", "s-7"], "SIS User ID", ["Doe, Jane", "Roe, John"]),
        (["jroe", "Points Possible"], "SIS Login ID", ["Roe, John"]),
        (["Doe, Jane"], "Student", ["Doe, Jane"]),
    ],
)
def test_canvas_s_students_are_matched_by_a_column(fill, names, column, marked):
    marks, printed = fill(list(map(row, names)), CANVAS, "Week 2 (78)")
    assert marks == dict.fromkeys(marked, "1")
    assert printed.startswith(f"Submissions were matched by the column {column}\n")
    for name in names[len(marked) :]:
        assert f"{name}: 0 rows" in printed


def test_canvas_is_recognized_by_its_columns_in_any_order(fill):
    """Eve's login is Bob's name, and her other number is Bob's ID."""
    text = "SIS Login ID,ID,Grade,Student,Section,SIS User ID\neve7,2,,Bob,A,7\nbob,7,,Eve,A,2\n"
    marks, printed = fill([download("bob_2")], text)
    assert marks == {"eve7": "1"}
    assert printed.startswith("Submissions were matched by the column ID\n")


# --- the column of names


def test_by_chooses_the_column_of_numbers(fill):
    """Two columns contain numbers, and the file's number may be of either kind."""
    rows = [row("203"), row("7")]
    marks, printed = fill(rows, NUMBERS)
    assert marks == {}
    assert printed.splitlines()[0] == (
        "No submission was matched, because it is unclear which column contains their names "
        "(Identifier, ID number): choose one with --by"
    )
    marks, _ = fill(rows, NUMBERS, by="id number")
    assert marks == {"Participant 201": "1", "Participant 202": "1"}
    # there is no participant 203 or 7
    assert fill(rows, NUMBERS.replace("203", ""), by="Identifier")[0] == {}


def test_by_chooses_between_columns_of_names(fill):
    text = "Name,Login,Grade\neve,ada,\nbob,eve,\n"
    rows = [row("eve"), row("ada")]
    marks, printed = fill(rows, text)
    assert marks == {}
    assert "names (Name, Login): choose one" in printed
    assert fill(rows, text, by="Name")[0] == {"eve": "1"}
    assert fill(rows, text, by="login")[0] == {"eve": "1", "bob": "1"}


def test_by_is_not_needed_for_columns_that_match_the_same_students(fill):
    text = "Name,SIS User ID,SIS Login ID,Grade\nAda,ada1,ada1,\nBob,bob1,bob1,\n"
    marks, printed = fill([row("bob1"), row("eve1")], text)
    assert marks == {"Bob": "1"}
    assert "by the column SIS User ID\n" in printed


LOGINS = [
    ["Student ID", "Email address", "Username", "Full name"],
    ["1", "ada@uni.example", "ada", "Ada Lovelace"],
    ["12", "zoe@uni.example", "1", "Zoë"],  # her login is Ada's number
]


@pytest.mark.parametrize("place", range(1, 5))
def test_by_chooses_a_column_on_either_side_of_the_marks(fill, place):
    """Zoë's file is named by her login. Only the teacher knows that it is not Ada's number."""
    text = ""
    for cells, mark in zip(LOGINS, ["Grade", "", ""], strict=True):
        text += ",".join([*cells[:place], mark, *cells[place:]]) + "\n"
    rows = [row("ada"), row("1", BOTH)]
    marks, printed = fill(rows, text)
    assert marks == {}
    assert "(Student ID, Username): choose one with --by" in printed
    assert fill(rows, text, by="Username")[0] == {"1": "1", "12": "2"}
    marks, printed = fill([row("ada"), row("zoë")], text)
    assert marks == {}
    assert "(Username, Full name)" in printed


def test_by_chooses_a_column_with_an_unknown_header(fill):
    """eve is the login of Bob and the name of another student."""
    text = "Name,Grade,Kennung\neve,,ada\nbob,,eve\n"
    marks, printed = fill([row("eve")], text)
    assert marks == {}
    assert "(Name, Kennung): choose one with --by" in printed
    assert fill([row("eve")], text, by="Kennung")[0] == {"bob": "1"}


def test_a_column_without_any_of_the_names_is_not_used(fill):
    rows = [row("nobody"), download("none_9")]
    marks, printed = fill(rows, "Name,Grade\neve,\n")
    assert marks == {}
    assert printed.startswith(
        "No submission was matched, because no column contains a submission's name"
    )


@pytest.mark.parametrize(
    ("column", "by"),
    [
        ("Grades", None),
        ("E-Mail", None),
        ("Full name", None),
        ("Grade", "E-mail"),
        ("Grade", "Grade"),
        ("Grade", "Full"),
    ],
)
def test_a_column_must_be_in_the_roster_once(fill, column, by):
    with pytest.raises(DataError, match=r"MG927.* roster\.csv has ") as raised:
        fill([], "E-Mail,E-Mail,Full name,Grade\n", column, by)
    assert ("--by" if by else "--column") in str(raised.value)


# --- matching


def test_groups_before_names_are_left_out(fill):
    right = [download("Group A-Zoë Müller_203"), download("B-1-Bob von der Au_202")]
    assert fill(right, MOODLE)[0] == {"Participant 203": "1", "Participant 202": "1"}
    other = [download("Group A-Zoë Müller_202"), download("Group A-Eve_203")]
    marks, printed = fill(other, MOODLE)  # the participants of another assignment
    assert marks == {}
    assert "Zoë Müller_202: its number is Participant 202" in printed


def test_numbers_alone_are_compared_only_with_a_message(fill):
    marks, printed = fill([download("A. Lovelace_201")], MOODLE)
    assert marks == {"Participant 201": "1"}
    assert "Only numbers were compared" in printed
    assert "Only numbers" not in fill([download("Eve_206")], MOODLE)[1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("first", ["", "sep=;\r\n"])
def test_the_encoding_of_a_roster_stays(tmp_path, encoding, first):
    text = first + "Full name;Grade\r\nZoë Weiß;\r\nEve;\r\n"
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    filled = Roster(path, "Grade").write([row("Zoë Weiß")], None)
    data = filled.encode("utf-8", "surrogateescape")
    assert data == text.replace("Weiß;", "Weiß;1").encode(encoding)


def test_letters_of_another_name_are_no_match(fill):
    """A list without Canvas's numbers, in which only the login is spelled as in the file's name."""
    text = 'Name,Login,Grade\n"Doe, Jane",jdoe,\n"Roe, John",doejane,\n'
    marks, printed = fill([download("doejane_101")], text)
    assert marks == {}
    assert "doejane_101: 2 rows of the roster match" in printed


@pytest.mark.parametrize(
    ("text", "column", "names", "message"),
    [
        (
            NUMBERS,
            "Grade",
            ["Bob_201", "Ada_202"],
            "Bob_201: its number is Participant 201, Ada's, but its name is Participant 202, Bob's",
        ),
        (
            CANVAS,
            "week 2",
            ["roejohn_101", "doejane_102"],
            "roejohn_101: its number is Doe, Jane, 101's, but its name is Roe, John, 102's",
        ),
    ],
)
def test_a_number_and_a_name_of_different_students_are_no_match(fill, text, column, names, message):
    """The numbers of another assignment are other students' numbers in this one."""
    marks, printed = fill(list(map(download, names)), text, column)
    assert marks == {}
    assert message in printed


def test_leading_zeros_belong_to_a_number(fill):
    text = "Name,Student number,Grade\nAda,007,\nBob,12,\n"
    marks, printed = fill([row("7"), row("012"), row("007")], text)
    assert marks == {"Ada": "1"}
    assert "\n7: 0 rows" in printed
    assert "\n012: 0 rows" in printed


def test_two_submissions_of_one_student_are_no_match(fill):
    marks, printed = fill([row("Eve.zip"), row("x/Eve")], MOODLE)
    assert marks == {}
    assert "Participant 206, Eve: 2 submissions" in printed


def test_a_first_name_alone_is_no_match_and_other_bytes_stay(fill, tmp_path):
    text = (
        "First name\tLast name\tID number\tWork (Real)\r\nJosé\tMaier\t7\t-\r\nMax\tMaier\t8\t-\r\n"
    )
    path = tmp_path / "latin.csv"
    path.write_bytes(text.encode("latin-1"))
    filled = Roster(path, "Work (Real)").write([row("8"), row("7")], None)
    expected = text.replace("7\t-", "7\t1").replace("8\t-", "8\t1")
    data = filled.encode("utf-8", "surrogateescape")
    assert data == expected.encode("latin-1")
    marks, printed = fill([row("Max")], text, "Work (Real)")
    assert marks == {}
    assert "contains their names (First name): choose one" in printed


# --- marks


def test_a_replaced_mark_is_listed(fill):
    text = CANVAS.replace("jdoe;A;101;;", "jdoe;A;101;17;")
    _, printed = fill([row("jdoe")], text, "week 2")
    assert "Doe, Jane, 101: 17 was replaced by 1" in printed


def test_excused_students_and_locked_grades_are_not_filled_in(fill):
    excused = CANVAS.replace("jdoe;A;101;;", "jdoe;A;101;EX;")
    marks, printed = fill([row("jdoe"), row("jroe")], excused, "week 2")
    assert marks == {"Roe, John": "1"}
    assert "Doe, Jane, 101: not filled in, because the student is excused" in printed
    locked = MOODLE.replace("1.00,3.00,Yes", "1.00,3.00,No")
    marks, printed = fill([row("Eve"), row("Bob von der Au")], locked)
    assert marks == {"Participant 202": "1"}
    assert "not filled in, because the grade cannot be changed" in printed


def test_another_maximum_is_told_for_canvas_too(fill):
    _, printed = fill([row("jdoe")], CANVAS, "week 2")
    assert "The maximum grade is 3.0, but these lessons give 2 points" in printed


def test_an_equal_mark_and_maximum_are_not_listed(fill):
    text = MOODLE.replace("3.00", "2.00")
    _, printed = fill([row("Eve"), row("Bob von der Au")], text)
    assert "replaced" not in printed
    assert "maximum" not in printed


def test_a_file_that_could_not_be_read_is_not_a_zero(fill):
    marks = [Mark(ONE, 5, ""), Mark(TWO, 0, "could not be read", False)]
    changed, printed = fill([Row("Eve", marks, "it is UTF-16 text")], MOODLE)
    assert changed == {}
    assert "Eve: it is UTF-16 text" in printed
    message = "Eve: not filled in, because a lesson could not be graded"
    assert message in printed


# --- the time of a submission


WORKSHEET = (
    "Identifier,Full name,Grade,Last modified (submission)\n"
    'Participant 201,Ada,,"Friday, 27 November 2026, 6:05 PM"\n'
    'Participant 202,Bob,,"Friday, 27 November 2026, 17:55"\n'
    "Participant 203,Zoe,,-\n"
)


def test_time_in_the_roster_counts_more_than_the_times_of_files(tmp_path, capsys):
    path = tmp_path / "worksheet.csv"
    path.write_text(WORKSHEET)
    deadline = datetime(2026, 11, 27, 18)
    names = "Ada_201", "Bob_202", "Zoe_203"
    flags = "lesson 1: a.py reads the solution", "late: a.py was changed"
    rows = [replace(download(name), flags=flags) for name in names]
    Roster(path, "Grade", deadline=deadline).write(rows, None)
    shown = [line for line in capsys.readouterr().err.splitlines() if "late" in line]
    assert shown == [
        "Ada_201, late: submitted 2026-11-27 18:05, 5 minutes after the deadline",
        "Zoe_203, late: a.py was changed",
    ]
