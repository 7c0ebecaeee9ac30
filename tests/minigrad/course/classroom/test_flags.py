"""Flags: what the teacher has to look at, in words, with the files and lines."""

import csv
import io
import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from minigrad.course.checking.registry import lesson
from minigrad.course.classroom.flags import as_deadline, late
from minigrad.errors import OptionError

from .test_alike import students

DAY = datetime(2026, 11, 27, 18)
FILE = lesson(13).file


@pytest.fixture
def report(typed):
    """Writes files of class/, changed at 18:05, and returns the report's output."""

    def run(files, *words):
        for path, text in files.items():
            path = Path("class", path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed = (DAY + timedelta(minutes=5)).timestamp()
            os.utime(path, (changed, changed))
        return typed("report", "class", "--lesson", "13", *words)[1]

    return run


def flags(text):
    rows = json.loads(text)["submissions"]
    return {row["name"]: row["flags"] for row in rows if row["flags"]}


def test_copies_are_shown_with_lines_to_the_teacher_only(report):
    honest, copies = students(13)
    source, text = copies["copy 0"]
    texts = {"ada": honest[source], "bob": text, "eve": honest["student 3"]}
    files = {f"{name}/{FILE}": text for name, text in texts.items()}
    found = flags(report(files, "--json"))
    assert found.keys() == {"ada", "bob"}
    (flag,) = found["bob"]
    assert flag.startswith(f"lesson 13: {FILE}, lines ")
    assert ": nearly identical to lines " in flag
    assert flag.endswith(f" of ada/{FILE}")
    table = report({}, "--feedback", "texts")
    assert "Look at these yourself" in table
    assert f"bob, {flag}" in " ".join(table.split())
    for path in Path("texts").iterdir():
        assert "identical" not in path.read_text()
    table = report({}, "--csv")
    rows = list(csv.DictReader(io.StringIO(table[1:])))
    assert [row["flags"] for row in rows] == [found["ada"][0], flag, ""]
    Path("class/bob", FILE).write_text(honest[source])
    assert ": identical to " in flags(report({}, "--json"))["bob"][0]


def test_equal_files_are_named_once_for_each_student(report):
    answer = students(13)[0]["student 3"]
    files = {f"{name}/{FILE}": answer for name in ("ada", "bob", "eve")}
    (flag,) = flags(report(files, "--json"))["ada"]
    assert flag == f"lesson 13: {FILE}: identical to bob/{FILE}, eve/{FILE}"


def test_a_file_that_reads_the_solution_is_told_why_it_gets_no_point(report):
    line = "from minigrad.course.lessons.lesson_13_bptt.solution import *"
    text = report({f"eve/{FILE}": f"import numpy as np\n{line}\n"}, "--json")
    place = f"lesson 13: {FILE} reads the solution in line 2"
    assert flags(text) == {"eve": [place]}
    (mark,) = json.loads(text)["submissions"][0]["lessons"]
    assert "Line 2 reads the lesson's solution. It cannot be read" in mark["said"]
    assert not mark["passed"]


def test_late_files_are_named_and_get_their_marks(report):
    files = {f"ada/{FILE}": lesson(13).solution, f"x_LATE_1_2_{FILE}": "a = 1"}
    text = report(files, "--json", "--deadline", "2026-11-27 18:00")
    assert flags(text) == {
        "ada": [f"late: {FILE} was changed 2026-11-27 18:05, 5 minutes after the deadline"],
        "x_1": ["late: marked LATE by Canvas"],
    }  # fmt: skip
    assert json.loads(text)["submissions"][0]["points"] == 1
    text = report({}, "--json", "--deadline", "2026-11-27 18:05")
    assert [*flags(text)] == ["x_1"]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, ""), (1, "1 minute "), (59, "59 minutes "), (150, "2 hours "), (3000, "2 days ")],
)  # fmt: skip
def test_late_counts_in_whole_units(minutes, words):
    assert words in late(DAY + timedelta(minutes=minutes), DAY)
    assert bool(words) == bool(late(DAY + timedelta(minutes=minutes), DAY))


def test_as_deadline_wants_a_date():
    assert as_deadline("2026-11-27T18:00") == DAY
    for text in ("Friday", "2026-11-27", "20261127", ""):
        with pytest.raises(OptionError, match="MG933"):
            as_deadline(text)
