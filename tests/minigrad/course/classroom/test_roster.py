"""A mark goes to the right student or to nobody, and no other cell changes."""

import csv
import io
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from minigrad.course.classroom.marks import Mark, Row
from minigrad.course.classroom.roster import Roster

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
CANVAS = (
    "Student;ID;SIS User ID;SIS Login ID;Section;Week 1 (77);Week 2 (78);Final Points\n"
    ";;;;;Manual Posting;;\n"
    "    Points Possible;;;;;17.0;3.0;(read only)\n"
    "Doe, Jane;101;S-9;jdoe;A;101;;\n"
    "Roe, John;102;S-8;jroe;A;;;\n"
    "Student, Test;103;;x;A;;;\n"
)


@pytest.fixture
def fill(typed, monkeypatch, capsys):
    """Fills in a roster; returns (the bytes, what was printed to stderr)."""

    def fill(rows, text, column, *words, code=0):
        monkeypatch.setattr("minigrad.course.classroom.report.graded", lambda *_: rows)
        Path("roster.csv").write_bytes(
            text if isinstance(text, bytes) else text.encode()
        )
        Path("class").mkdir(exist_ok=True)
        found, printed = typed("report", "class", "--roster", "roster.csv", "--column", column,
                               "-o", "filled.csv", *words)  # fmt: skip
        assert found == code, printed
        if code:
            return b"", printed
        roster, data = (
            Path(name).read_bytes() for name in ("roster.csv", "filled.csv")
        )
        assert data.count(b"\n") == data.count(b"\r\n")  # RFC 4180
        return data if b"\r\n" in roster else data.replace(b"\r\n", b"\n"), printed

    return fill


def marked(data, column, comma=","):
    """Return {the first cell: the mark} for each row that has a mark."""
    lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), delimiter=comma)
    return {next(iter(line.values())): line[column] for line in lines if line[column]}


def test_a_worksheet_of_moodle_is_filled_in_by_the_participants_numbers(fill):
    rows = [
        row("Bob von der Au_202", id="202"),
        row("Max Maier_205", (5, 18), id="205"),
        row(
            unicodedata.normalize("NFD", "Zoë Müller_203"),
            (4, 9),
            id="203",
            partial=True,
        ),
        row("Nobody_207", id="207"),
        row("ada@uni.example"),
        row("206"),  # may be a number of another kind
    ]
    data, printed = fill(rows, MOODLE, "Grade")
    expected = MOODLE.replace("bob@uni.example,,,", "bob@uni.example,,1,")
    expected = expected.replace("maier@uni.example,,,", "maier@uni.example,,2,")
    assert data.decode() == expected.replace(
        "zoe@uni.example,,-,", "zoe@uni.example,,1.3,"
    )
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


def test_a_worksheet_of_moodle_is_filled_in_by_mail_addresses(fill):
    rows = [
        row("Ada@uni.example.zip"),
        row("eve@uni.example_lesson_03.py", (5, 18)),
        row("bob"),
    ]
    data, printed = fill(rows, MOODLE, "Grade")
    expected = MOODLE.replace('late""",,', 'late""",1,')
    assert data.decode() == expected.replace(
        "eve@uni.example,,1.00", "eve@uni.example,,2"
    )
    assert printed.splitlines()[:2] == [
        "Submissions were matched by the column Email address",
        "bob: 0 rows of the roster match this submission",
    ]
    assert "Participant 206, Eve: 1.00 was replaced by 2" in printed


def test_a_worksheet_of_moodle_is_filled_in_by_names(fill):
    zoe = unicodedata.normalize("NFD", "zoë müller.zip")
    data, printed = fill(
        [row(zoe), row("Max Maier"), row("lovelace, ada")], MOODLE, "Grade"
    )
    assert marked(data, "Grade") == {
        "Participant 201": "1",
        "Participant 203": "1",
        "Participant 206": "1.00",
    }
    assert printed.splitlines()[:2] == [
        "Submissions were matched by the column Full name",
        "Max Maier: 2 rows of the roster match this submission",
    ]


NUMBERS = (
    "Identifier,Full name,ID number,Email address,Grade,Maximum grade\n"
    "Participant 201,Ada,7,ada@uni.example,,2\n"
    "Participant 202,Bob,203,bob@uni.example,,2\n"  # 203 is Eve's number as a participant
)


@pytest.mark.parametrize("others", [[], [row("Ada_201", id="201")]])
def test_a_participant_s_number_is_not_another_student_s_id_number(fill, others):
    data, printed = fill([row("Eve_203", id="203"), *others], NUMBERS, "Grade")
    assert marked(data, "Grade") == ({"Participant 201": "1"} if others else {})
    assert "Eve_203: 0 rows of the roster match this submission" in printed
    assert "Participant 202, Bob: 0 submissions match this row" in printed


@pytest.mark.parametrize("others", [[], [row("doejane_101", id="101")]])
def test_an_id_of_canvas_is_not_another_student_s_sis_user_id(fill, others):
    text = CANVAS.replace("S-8", "104")
    data, printed = fill([row("evefoo_104", id="104"), *others], text, "week 2")
    assert data.decode() == (text.replace("A;101;;", "A;101;1;") if others else text)
    assert "evefoo_104: 0 rows" in printed and "matched by the column ID\n" in printed


def test_a_gradebook_of_canvas_is_filled_in_by_sis_user_ids(fill):
    data, printed = fill([row("s-8.zip"), row("S-9"), row("s-7")], CANVAS, "week 2")
    expected = CANVAS.replace("A;101;;", "A;101;1;").replace("jroe;A;;;", "jroe;A;;1;")
    assert data.decode() == expected and "s-7: 0 rows" in printed
    assert printed.startswith("Submissions were matched by the column SIS User ID\n")


def test_a_file_named_by_a_number_needs_the_column_of_numbers(fill):
    """Two columns contain numbers, and the file's number may be of either kind."""
    rows = [row("203"), row("7")]
    data, printed = fill(rows, NUMBERS, "Grade")
    assert data.decode() == NUMBERS
    assert printed.splitlines()[0] == (
        "No submission was matched, because it is unclear which column contains their names "
        "(Identifier, ID number): choose one with --by"
    )
    data, printed = fill(rows, NUMBERS, "Grade", "--by", "id number")
    assert marked(data, "Grade") == {"Participant 201": "1", "Participant 202": "1"}
    data, printed = fill(
        rows, NUMBERS.replace("203", ""), "Grade", "--by", "Identifier"
    )
    assert marked(data, "Grade") == {}  # there is no participant 203 or 7


def test_names_in_two_columns_need_a_choice(fill):
    text = "Name,Login,Grade\neve,ada,\nbob,eve,\n"
    data, printed = fill([row("eve.zip"), row("ada")], text, "Grade")
    assert data.decode() == text and "names (Name, Login): choose one" in printed
    rows = [row("eve"), row("ada"), row("x")]
    for by, expected in (("Name", {"eve": "1"}), ("login", {"eve": "1", "bob": "1"})):
        assert marked(fill(rows, text, "Grade", "--by", by)[0], "Grade") == expected


def test_columns_that_match_the_same_students_need_no_choice(fill):
    text = "Name,SIS User ID,SIS Login ID,Grade\nAda,ada1,ada1,\nBob,bob1,bob1,\n"
    data, printed = fill([row("bob1"), row("eve1")], text, "Grade")
    assert (
        marked(data, "Grade") == {"Bob": "1"}
        and "by the column SIS User ID\n" in printed
    )


LOGINS = [
    ["Student ID", "Email address", "Username", "Full name"],
    ["1", "ada@uni.example", "ada", "Ada Lovelace"],
    ["12", "zoe@uni.example", "1", "Zoë"],  # her login is Ada's number
]


@pytest.mark.parametrize("place", range(5))
def test_a_column_to_the_right_of_the_marks_may_contain_the_names(fill, place):
    """Zoë's file is named by her login. Only the teacher knows that it is not Ada's number."""

    def text(*marks):
        lines = zip(LOGINS, ("Grade", *marks), strict=True)
        return "".join(
            ",".join([*cells[:place], mark, *cells[place:]]) + "\n"
            for cells, mark in lines
        )

    rows = [row("ada"), row("1", (5, 18))]
    data, printed = fill(rows, text("", ""), "Grade")
    assert data.decode() == text("", "")
    assert "(Student ID, Username): choose one with --by" in printed
    data, printed = fill(rows, text("", ""), "Grade", "--by", "Username")
    assert data.decode() == text("1", "2")
    data, printed = fill([row("ada"), row("zoë")], text("", ""), "Grade")
    assert data.decode() == text("", "") and "(Username, Full name)" in printed


def test_a_column_with_an_unknown_header_may_contain_the_names(fill):
    """eve is the login of Bob and the name of another student."""
    text = "Name,Grade,Kennung\neve,,ada\nbob,,eve\n"
    data, printed = fill([row("eve")], text, "Grade")
    assert data.decode() == text and "(Name, Kennung): choose one with --by" in printed
    data, printed = fill([row("eve")], text, "Grade", "--by", "Kennung")
    assert marked(data, "Grade") == {"bob": "1"}


def test_canvas_is_recognized_by_its_columns_in_any_order(fill):
    """The number of a download is in the column ID, also if another student's login is its name."""
    text = (
        "SIS Login ID,ID,Grade,Student,Section,SIS User ID\n"
        "eve7,2,,Bob,A,7\n"
        "bob,7,,Eve,A,2\n"  # Eve's login is Bob's name, and her other number is Bob's ID
    )
    data, printed = fill([row("bob_2", id="2")], text, "Grade")
    assert data.decode() == text.replace("eve7,2,,", "eve7,2,1,")
    assert printed.startswith("Submissions were matched by the column ID\n")


def test_a_login_may_consist_of_the_letters_of_another_name(fill):
    """A list without Canvas's numbers, in which only the login is spelled as in the file's name."""
    text = 'Name,Login,Grade\n"Doe, Jane",jdoe,\n"Roe, John",doejane,\n'
    data, printed = fill([row("doejane_101", id="101")], text, "Grade")
    assert (
        data.decode() == text and "doejane_101: 2 rows of the roster match" in printed
    )


def test_marks_go_to_nobody_else_whatever_numbers_collide(capsys, tmp_path):
    """Downloads of a class, of which some students are missing from the roster."""
    rng, path = np.random.default_rng(0), tmp_path / "roster.csv"
    for trial in range(300):
        count = rng.integers(1, 7)
        numbers = np.array([rng.permutation(8)[:count] for _ in range(3)]).T
        listed, handed_in = rng.random((2, count)) < 0.7
        points = rng.integers(3, size=count)
        if trial % 2:
            lines = ["Student,ID,SIS User ID,SIS Login ID,Section,Grade"]
            form = "S{0},{1},{2},{3},A,"
        else:
            lines = ["Identifier,Full name,ID number,Username,Grade"]
            form = "Participant {1},S{0},{2},{3},"
        students = np.flatnonzero(listed)
        path.write_text(
            "\n".join([*lines, *(form.format(i, *numbers[i]) for i in students)])
        )
        rows = [
            row(
                f"S{i}_{numbers[i, 0]}",
                (5 * (points[i] > 0), 18 * (points[i] > 1)),
                id=str(numbers[i, 0]),
            )
            for i in np.flatnonzero(handed_in)
        ]
        if rows:
            found = list(
                csv.reader(Roster(path, "Grade").write(rows, None).splitlines())
            )[1:]
            expected = [str(points[i]) if handed_in[i] else "" for i in students]
            assert [line[-1] for line in found] == expected


def test_a_roster_without_any_of_the_names_stays_as_it_is(fill):
    data, printed = fill(
        [row("nobody"), row("none_9", id="9")], "Name,Grade\neve,\n", "Grade"
    )
    assert data.decode() == "Name,Grade\neve,\n"
    assert printed.startswith(
        "No submission was matched, because no column contains a submission's name"
    )


def test_a_download_matches_a_list_without_moodle_s_numbers_by_name(fill):
    text = "ID,Name,Grade\n203,Bob,\n8,Eve O'Neil,\n"  # 203 is Bob's number at the university
    data, printed = fill([row("Eve O'Neil_203", id="203")], text, "Grade")
    assert marked(data, "Grade") == {"8": "1"} and "by the column Name\n" in printed
    data, printed = fill([row("Eve O'Neil_203", id="203")], text, "Grade", "--by", "ID")
    assert marked(data, "Grade") == {}


def test_a_number_does_not_decide_for_a_name_that_is_missing_where_names_are_shown(
    fill,
):
    """Ada is missing, and her number of another assignment is Bob's number in this one."""
    text = "Identifier,Full name,Grade\nParticipant 1,Bob,\nParticipant 2,Eve,\n"
    data, printed = fill([row("Ada_1", id="1"), row("Eve_2", id="2")], text, "Grade")
    assert marked(data, "Grade") == {"Participant 2": "1"}
    assert (
        "Ada_1: its number is Participant 1, Bob's, but its name is in no row"
        in printed
    )


def test_a_number_and_a_name_of_different_students_are_left_to_the_teacher(fill):
    """The participants' numbers of another assignment are other students' numbers in this one."""
    rows = [row("Bob_201", id="201"), row("Ada_202", id="202")]
    data, printed = fill(rows, NUMBERS, "Grade")
    assert data.decode() == NUMBERS
    assert (
        "Bob_201: its number is Participant 201, Ada's, but its name is Participant 202, Bob's"
        in (printed)
    )
    rows = [row("roejohn_101", id="101"), row("doejane_102", id="102")]
    data, printed = fill(rows, CANVAS, "week 2")
    assert (
        "roejohn_101: its number is Doe, Jane, 101's, but its name is Roe, John, 102's"
        in printed
    )
    assert data.decode() == CANVAS


def test_numbers_with_and_without_leading_zeros_are_different(fill):
    text = "Name,Student number,Grade\nAda,007,\nBob,12,\n"
    data, printed = fill([row("7"), row("012"), row("007")], text, "Grade")
    assert marked(data, "Grade") == {"Ada": "1"}
    assert "\n7: 0 rows" in printed and "\n012: 0 rows" in printed


@pytest.mark.parametrize("by", ["E-mail", "Grade", "Full"])
def test_the_column_of_names_must_be_in_the_roster_once(fill, by):
    text = "E-Mail,E-Mail,Full name,Grade\n"
    printed = fill([], text, "Grade", "--by", by, code=2)[1]
    assert "[MG927] roster.csv has " in printed and "--by" in printed


def test_a_mark_that_stays_the_same_and_a_right_maximum_are_not_listed(fill):
    text = MOODLE.replace("3.00", "2.00")
    printed = fill([row("Eve", (5, 0)), row("Bob von der Au")], text, "Grade")[1]
    assert "replaced" not in printed and "maximum" not in printed
    text = CANVAS.replace("jdoe;A;101;;", "jdoe;A;101;EX;")
    data, printed = fill([row("jdoe")], text, "week 2")
    assert "Doe, Jane, 101: EX was replaced by 1" in printed


def test_a_number_in_a_mail_address_or_a_mark_is_not_an_id(fill):
    text = "E-Mail,ID,Note (7),Grade\ns201@uni.example,Teilnehmer/in7,202,-\n"
    for id, mark in (("201", "-"), ("202", "-"), ("7", "1")):
        data = fill([row(f"x_{id}", id=id)], text, "grade")[0].decode()
        assert data == text.replace("202,-", f"202,{mark}")


def test_a_gradebook_of_canvas_is_filled_in_and_its_second_line_stays(fill):
    rows = [row("doejane_101", id="101"), row("roejohn_102", (5, 18), id="102")]
    data, printed = fill(rows, CANVAS, "week 2")
    assert data.decode() == CANVAS.replace("A;101;;", "A;101;1;").replace(
        "jroe;A;;;", "jroe;A;;2;"
    )
    assert "Student, Test, 103: 0 submissions match this row" in printed
    printed = fill([row("jroe"), row("Points Possible")], CANVAS, "week 2")[1]
    assert "Points Possible: 0 rows" in printed
    assert fill([row("Doe, Jane")], CANVAS, "Week 2 (78)")[
        0
    ].decode() == CANVAS.replace("A;101;;", "A;101;1;")


def test_a_worksheet_with_decimal_commas_gets_decimal_commas(fill):
    text = "ID;Bewertung;Bestwertung\nTeilnehmer/in7;;3,00\n"
    (half,) = [row("x_7", (4, 9), id="7", partial=True)]
    assert fill([half], text, "Bewertung")[0].decode() == text.replace(
        "in7;;", "in7;1,3;"
    )


def test_a_file_that_could_not_be_read_is_not_a_zero(fill):
    unread = Row(
        "Eve",
        [Mark(ONE, 5, ""), Mark(TWO, 0, "could not be read", False)],
        "it is UTF-16 text",
    )
    data, printed = fill([unread], MOODLE, "Grade")
    assert data.decode() == MOODLE and "Eve: it is UTF-16 text" in printed
    assert (
        "Participant 206, Eve: not filled in, because a lesson could not be graded"
        in printed
    )


def test_two_submissions_of_one_student_are_left_to_the_teacher(fill):
    data, printed = fill([row("Eve.zip"), row("x/Eve")], MOODLE, "Grade")
    assert data.decode() == MOODLE and "Participant 206, Eve: 2 submissions" in printed


def test_a_first_or_last_name_alone_is_no_match_and_bytes_that_are_not_utf_8_stay(fill):
    text = "First name\tLast name\tID number\tWork (Real)\r\nJosé\tMaier\t7\t-\r\nMax\tMaier\t8\t-\r\n"
    roster = text.encode("latin-1")
    data, printed = fill([row("8"), row("7")], roster, "Work (Real)")
    assert data == text.replace("7\t-", "7\t1").replace("8\t-", "8\t1").encode(
        "latin-1"
    )
    assert printed == "Submissions were matched by the column ID number\n"
    data, printed = fill([row("Max")], roster, "Work (Real)")
    assert data == roster and "contains their names (First name): choose one" in printed


@pytest.mark.parametrize("column", ["Grades", "Name", "Full name"])
def test_a_column_must_be_in_the_roster_once(fill, column):
    printed = fill([], "Name,Name,Full name,Grade\x1b[2J\n", column, code=2)[1]
    assert "[MG927] roster.csv has " in printed and "\x1b" not in printed
