"""The commands, as a learner types them."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from minigrad.__main__ import main
from minigrad.course import report
from minigrad.course.grade import grade
from minigrad.course.lesson import lesson, lessons
from minigrad.course.workbook import Workbook


@pytest.fixture
def course(tmp_path: Path, monkeypatch, capsys):
    """Runs `minigrad course ...` in a fresh course; returns (exit code, what was printed)."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["minigrad", "course", *words])
        code = main()
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    assert run("start", "c")[0] == 0
    monkeypatch.chdir(tmp_path / "c")
    return run


def write(number: int, file: str) -> None:
    Path(lesson(number).file).write_text(lesson(number).read(file))


def test_the_first_minutes(course) -> None:
    code, text = course()
    assert code == 1
    assert f"0 of {len(lessons())} lessons passed. At hand: lesson 1, By hand." in text
    assert "dy_ds is not written yet" in text
    write(1, "solution.py")
    code, text = course()
    assert code == 0
    assert "passed" in text and "Next: lesson 2" in text
    code, text = course("list")
    assert f"1 of {len(lessons())} passed" in text
    assert course("check", "1")[0] == 0


def test_the_ladder_climbs_with_each_try(course) -> None:
    slip = lesson(1).slips[0]
    Path(lesson(1).file).write_text(lesson(1).read("solution.py") + "\n" + slip.code)
    tries = [" ".join(course("check", "1")[1].split()) for _ in range(4)]
    assert [slip.name in text for text in tries] == [False, True, True, True]
    assert [" ".join(slip.formula.split()) in text for text in tries] == [False, False, True, True]
    assert ["minigrad course solution 1" in text for text in tries] == [False, False, False, True]


def test_start_never_overwrites(course, tmp_path: Path) -> None:
    Path(lesson(1).file).write_text("mine")
    Path(lesson(2).file).unlink()
    code, text = course("start", ".")
    assert code == 0
    assert f"1 lessons copied; {len(lessons()) - 1} were there already" in text
    assert Path(lesson(1).file).read_text() == "mine"
    assert Path(lesson(2).file).read_text() == lesson(2).read("exercise.py")


def test_reset_keeps_a_copy_each_time(course) -> None:
    for text in ("first", "second"):
        Path(lesson(1).file).write_text(text)
        course("reset", "1")
    assert sorted(path.read_text() for path in Path("backups").iterdir()) == ["first", "second"]
    assert Path(lesson(1).file).read_text() == lesson(1).read("exercise.py")


def test_hints_come_one_after_the_other(course) -> None:
    hints = lesson(3).hints
    shown = [course("hint", "3")[1] for _ in range(len(hints) + 1)]
    for hint, text in zip([*hints, hints[-1]], shown, strict=True):
        assert hint in text


def test_the_solution_asks_first(course, monkeypatch) -> None:
    line = "dy_ds"
    assert course("solution", "1")[0] == 1
    code, text = course("solution", "1", "--yes")
    assert code == 0 and line in text
    write(1, "solution.py")
    course()
    assert course("solution", "1")[0] == 0


def test_questions_are_answered_and_remembered(course) -> None:
    code, text = course("answer", "zebra", "--lesson", "1")
    assert code == 2 and "MG916" in text
    code, text = course("answer", "123456")
    assert code == 0 and "Not so" in text
    assert Workbook(Path(".")).answers(lesson(1)) == {"0": "123456"}
    assert "questions 0/" in course("list")[1]


def test_show_prints_the_text(course) -> None:
    assert course("show", "2", "--text")[1].strip() == lesson(2).text.strip()


def test_another_folder_says_what_to_do(course, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = course("list")
    assert code == 2 and "minigrad course start my-course" in text


def test_the_course_is_found_from_a_folder_below(course, monkeypatch) -> None:
    monkeypatch.chdir("pages" if Path("pages").is_dir() else ".")
    assert course("list")[0] == 0


def test_report_of_a_class(course, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, file in (("ada", "solution.py"), ("bob", "exercise.py")):
        folder = tmp_path / "class" / name
        folder.mkdir(parents=True)
        for number in (1, 2):
            (folder / lesson(number).file).write_text(lesson(number).read(file))
    code, text = course("report", "class", "--lesson", "1", "--lesson", "2")
    assert code == 0
    assert re.search(r"^ada +2/2 +x  x$", text, re.M) and re.search(r"^bob +0/2 +\.  \.$", text, re.M)
    code, text = course("report", "class", "--json", "--lesson", "1")
    found = json.loads(text)["submissions"]
    assert [(one["name"], one["points"], one["of"]) for one in found] == [("ada", 1, 1), ("bob", 0, 1)]
    assert course("report", "class/ada", "--gradescope", "-o", "results.json")[0] == 0
    results = json.loads(Path("results.json").read_text())
    assert results["score"] == 2.0
    assert [test["score"] for test in results["tests"]] == [1.0, 1.0] + [0.0] * (len(lessons()) - 2)
    assert {test["max_score"] for test in results["tests"]} == {1.0}
    assert course("report", "class", "--gradescope")[0] == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a named pipe")
def test_marks_are_kept_and_only_changed_files_are_graded_again(course, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    graded = []

    def noted(one, path, text):
        graded.append(path.parent.name)
        return grade(one, path, text)

    monkeypatch.setattr(report, "grade", noted)
    for name in ("ada", "bob", "eve"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / lesson(1).file).write_text(lesson(1).read("solution.py"))
    os.mkfifo("class/eve/" + lesson(2).file)  # would keep its reader waiting for ever
    options = ("report", "class", "--lesson", "1", "--lesson", "2", "--jobs", "2", "--json", "--keep", "marks")
    code, first = course(*options)
    assert code == 0 and sorted(graded) == ["ada", "bob", "eve"]
    assert course(*options) == (code, first) and len(graded) == 3
    (tmp_path / "class" / "bob" / lesson(1).file).write_text("raise ValueError")
    assert course(*options, "-o", "marks.json")[0] == 0
    found = json.loads(Path("marks.json").read_text())["submissions"]
    assert graded[3:] == ["bob"] and [one["points"] for one in found] == [1, 0, 1]


def test_a_file_whose_grading_fails_loses_only_itself(course, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    def failing(one, path, text):
        if path.parent.name == "bob":
            raise RecursionError("too deep")
        return grade(one, path, text)

    monkeypatch.setattr(report, "grade", failing)
    for name in ("ada", "bob"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / lesson(1).file).write_text(lesson(1).read("solution.py"))
    code, text = course("report", "class", "--lesson", "1", "--json", "-o", "marks.json")
    found = json.loads(Path("marks.json").read_text())["submissions"]
    assert code == 1 and "RecursionError: too deep" in text and [one["points"] for one in found] == [1, 0]
    assert found[1]["lessons"][0]["said"] == "could not be graded"


def test_fourteen_files_are_copied(course) -> None:
    assert sorted(path.name for path in Path(".").glob("lesson_*.py")) == [one.file for one in lessons()]
