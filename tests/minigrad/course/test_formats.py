"""Marks in the formats of other programs: no cell or tag is interpreted, and no other cell changes."""

import csv
import io
import json
import re
import unicodedata
from pathlib import Path

import pytest

from minigrad.course.formats import VARIABLES, as_csv
from minigrad.course.lesson import lesson
from minigrad.course.marks import Mark, Row

ONE, TWO = lesson(1), lesson(2)
SOLUTION = ONE.read("solution.py")


def row(name, right=(5, 0), note="", id="", partial=False):
    marks = [Mark(one, count, "") for one, count in zip((ONE, TWO), right, strict=True)]
    return Row(name, marks, note, id, partial)


EVIL = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1",
    " =1",
    "a;=cmd|' /C calc'!A0",
    "a,=1",
    'a"=1',
    "a;+1\t@x",
]


def test_a_spreadsheet_reads_no_cell_as_a_formula():
    text = as_csv([row(name, note=name, id=name) for name in EVIL], None)
    assert text.startswith("\ufeff")
    for separator in ",;\t":  # depends on the country
        for line in csv.reader(io.StringIO(text[1:]), delimiter=separator):
            assert not [cell for cell in line if re.match(r"\s*[=+\-@＝]", cell)], (separator, line)
    lines = list(csv.DictReader(io.StringIO(text[1:])))
    assert list(lines[0]) == ["name", "id", "points", "of", "lesson 1", "lesson 2", "note"]
    assert lines[0]["name"] == "'=1+1" and lines[0]["lesson 1"] == "1.0" and len(lines) == len(EVIL)


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
        monkeypatch.setattr("minigrad.course.report.graded", lambda *_: rows)
        Path("roster.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        Path("class").mkdir(exist_ok=True)
        found, printed = typed("report", "class", "--roster", "roster.csv", "--column", column,
                               "-o", "filled.csv", *words)  # fmt: skip
        assert found == code, printed
        if code:
            return b"", printed
        roster, data = (Path(name).read_bytes() for name in ("roster.csv", "filled.csv"))
        assert data.count(b"\n") == data.count(b"\r\n")  # RFC 4180
        return data if b"\r\n" in roster else data.replace(b"\r\n", b"\n"), printed

    return fill


def test_a_worksheet_of_moodle_is_filled_in_by_id_mail_and_name(fill):
    rows = [
        row("Somebody_202", id="202"),
        row("ada@uni.example", (5, 18)),
        row(unicodedata.normalize("NFD", "zoë müller.zip"), (4, 9), partial=True),
        row("Max Maier"),
        row("Nobody"),
        row("eve@uni.example_lesson_03.py", (5, 18)),
    ]
    data, printed = fill(rows, MOODLE, "Grade")
    expected = MOODLE.replace('late""",,', 'late""",2,').replace(
        "bob@uni.example,,,", "bob@uni.example,,1,"
    )
    expected = expected.replace("eve@uni.example,,1.00", "eve@uni.example,,2")
    assert data.decode() == expected.replace("zoe@uni.example,,-,", "zoe@uni.example,,1.3,")
    assert printed.splitlines() == [
        "Max Maier: 2 rows of the roster match this submission",
        "Nobody: 0 rows of the roster match this submission",
        "Participant 204, Max Maier: 0 submissions match this row",
        "Participant 205, Max Maier: 0 submissions match this row",
        "Participant 206, Eve: 1.00 was replaced by 2",
        "The maximum grade is 3.00, but these lessons give 2 points",
    ]


def test_a_mark_that_stays_the_same_and_a_right_maximum_are_not_listed(fill):
    text = MOODLE.replace("3.00", "2.00")
    printed = fill([row("Eve", (5, 0)), row("ada@uni.example")], text, "Grade")[1]
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
    rows = [row("doejane_101", id="101"), row("jroe", (5, 18)), row("Points Possible")]
    data, printed = fill(rows, CANVAS, "week 2")
    assert data.decode() == CANVAS.replace("A;101;;", "A;101;1;").replace("jroe;A;;;", "jroe;A;;2;")
    assert "Points Possible: 0 rows" in printed and "Student, Test, 103: 0 subm" in printed
    assert fill([row("Doe, Jane")], CANVAS, "Week 2 (78)")[0].decode() == CANVAS.replace(
        "A;101;;", "A;101;1;"
    )


def test_a_worksheet_with_decimal_commas_gets_decimal_commas(fill):
    text = "ID;Bewertung;Bestwertung\n7;;3,00\n"
    (half,) = [row("x_7", (4, 9), id="7", partial=True)]
    assert fill([half], text, "Bewertung")[0].decode() == text.replace("7;;", "7;1,3;")


def test_a_file_that_could_not_be_read_is_not_a_zero(fill):
    unread = Row(
        "Eve", [Mark(ONE, 5, ""), Mark(TWO, 0, "could not be read", False)], "it is UTF-16 text"
    )
    data, printed = fill([unread], MOODLE, "Grade")
    assert data.decode() == MOODLE and "Eve: it is UTF-16 text" in printed
    assert "Participant 206, Eve: not filled in, because a lesson could not be graded" in printed


def test_two_submissions_of_one_student_are_left_to_the_teacher(fill):
    data, printed = fill([row("eve@uni.example"), row("x/Eve")], MOODLE, "Grade")
    assert data.decode() == MOODLE and "Participant 206, Eve: 2 submissions" in printed


def test_a_first_or_last_name_alone_is_no_match_and_bytes_that_are_not_utf_8_stay(fill):
    text = (
        "First name\tLast name\tID number\tWork (Real)\r\nJosé\tMaier\t7\t-\r\nMax\tMaier\t8\t-\r\n"
    )
    data, printed = fill([row("8"), row("7"), row("Maier")], text.encode("latin-1"), "Work (Real)")
    assert data == text.replace("7\t-", "7\t1").replace("8\t-", "8\t1").encode("latin-1")
    assert printed.splitlines() == ["Maier: 0 rows of the roster match this submission"]


@pytest.mark.parametrize("column", ["Grades", "Name", "Full name"])
def test_a_column_must_be_in_the_roster_once(fill, column):
    printed = fill([], "Name,Name,Full name,Grade\x1b[2J\n", column, code=2)[1]
    assert "[MG927] roster.csv has " in printed and "\x1b" not in printed


@pytest.mark.parametrize("partial", [[], ["--partial"]])
def test_gradescope_s_tests_have_partial_credit_visibility_and_tags(typed, partial):
    Path("eve").mkdir()
    wrong = re.sub(r"^dy_da = .*", "dy_da = 2.0", SOLUTION, flags=re.M)
    Path("eve", ONE.file).write_text(wrong)
    words = ["--lesson", "1-2", "--visibility", "after_published", *partial]
    results = json.loads(typed("report", "eve", "--gradescope", *words)[1])
    first, second = results["tests"]
    right = int(re.findall(r"(\d) of 5 checks", first["output"])[0])
    assert results["visibility"] == first["visibility"] == "after_published"
    assert (first["score"], second["score"]) == (right / 5 if partial else 0, 0)
    assert results["score"] == first["score"] and first["status"] == "failed"
    assert first["tags"][:2] == ["wrong", "dy_da"] and second["tags"] == []
    assert {results[f"{what}_format"] for what in ("output", "test_output", "test_name")} == {
        "text"
    }


# The required fields and the patterns of schemas/result-v1.schema.json in foundation50/classroom50
# at commit 6e593c79
REQUIRED = {"schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit",
            "release", "review", "datetime", "score", "max-score", "tests"}  # fmt: skip
OPTIONAL = {"graded_at", "submitted_by"}
TEST = {"test-name": str, "passed": bool, "score": int, "max-score": int}
RUNNER = {"CLASSROOM": "cs", "ASSIGNMENT": "week-1", "USERNAME": "ada", "ASSIGNMENT_TYPE": "group",
          "SUBMISSION_TAG": "submit/2026-11-28T10-00-00Z-abc", "COMMIT_URL": "https://github.com/c",
          "RELEASE_URL": "https://github.com/r", "REVIEW_URL": "https://github.com/v"}  # fmt: skip


def require_valid(result):
    """Check the rules of Classroom 50's schema."""
    assert REQUIRED <= result.keys() <= REQUIRED | OPTIONAL
    assert result["schema"] == "classroom50/result/v1"
    assert all(
        isinstance(result[name], str) and result[name]
        for name in REQUIRED - {"score", "max-score", "tests"}
    )
    assert result["assignment_type"] in ("individual", "group") and result["submission"].startswith(
        "submit/"
    )
    assert re.match(r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$", result["datetime"])
    for test in [result, *result["tests"]]:
        assert (
            type(test["score"]) is type(test["max-score"]) is int
            and 0 <= test["score"] <= test["max-score"]
        )
    for test in result["tests"]:
        assert all(type(test[name]) is kind for name, kind in TEST.items()) and test["test-name"]


@pytest.mark.parametrize(("partial", "score", "most"), [([], 1, 2), (["--partial"], 5, 23)])
def test_classroom_50_s_result_follows_its_schema(typed, monkeypatch, partial, score, most):
    Path("work").mkdir()
    Path("work", ONE.file).write_text(SOLUTION)
    Path("work", "essay.pdf").write_text("")
    words = ["report", "work", "--classroom50", "--lesson", "1,2", *partial]
    for name in (*VARIABLES.values(), "ASSIGNMENT_TYPE"):
        monkeypatch.delenv(name, raising=False)
    assert "[MG928]" in typed(*words)[1]
    for name, value in RUNNER.items():
        monkeypatch.setenv(name, value)
    code, text = typed(*words)
    result = json.loads(text)
    require_valid(result)
    assert (code, result["owner"], result["score"], result["max-score"]) == (0, "ada", score, most)
    assert "essay.pdf" in result["tests"][0]["note"]
