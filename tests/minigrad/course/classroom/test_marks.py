"""Marks: whole points or fractions, stored as soon as they are known."""

import json
from pathlib import Path

import pytest

from minigrad.course.checking import grade
from minigrad.course.classroom import marks

from .test_formats import SOLUTION, row
from .test_report import FIRST, hand_in, rows


@pytest.mark.parametrize(
    ("right", "partial", "scores", "points"),
    [
        ((5, 0), False, [1, 0], 1),
        ((4, 18), False, [0, 1], 1),
        ((4, 9), True, [0.8, 0.5], 1.3),
    ],
)
def test_scores_are_whole_or_fractions_of_5_and_18_answers(right, partial, scores, points):
    marks = row("ada", right, partial=partial)
    assert (marks.scores, marks.points) == (scores, points)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print('x' * (25 << 20))", "it prints or writes more than 20 MB"),
        ("x = bytearray(4 << 30)", "it needs more than 3 GB of memory"),
    ],
)
def test_a_file_that_is_stopped_at_a_limit_gets_0(typed, code, message):
    hand_in("ada", first=code)
    code, printed = typed("report", "class/ada", "--lesson", "1", "--prairielearn")
    found = json.loads(printed)
    assert (code, found["gradable"], found["score"]) == (0, True, 0)
    output = " ".join(found["tests"][0]["output"].split())
    assert f"did not run to its end: {message}" in output


def test_a_file_with_another_name_is_named(typed):
    wrong = SOLUTION.replace("return ", "return 1 + ")
    hand_in("ada", **{"lesson_01_by_hand (1).py": wrong})
    printed = typed("report", "class", "--lesson", "1", "--json")[1]
    (mark,) = json.loads(printed)["submissions"][0]["lessons"]
    assert f"{FIRST} in these lines means lesson_01_by_hand (1).py." in mark["said"]


def test_keep_stores_marks_and_loses_only_the_file_whose_grading_fails(typed, monkeypatch):
    graded = []

    def noted(one, path, text, *rest):
        graded.append(text[-3:])
        if text.endswith("eve"):
            raise RecursionError("too deep")
        return grade.grade(one, path, text, *rest)

    def report():
        graded.clear()
        words = ["--lesson", "1", "--jobs", "2", "--keep", "marks", "--json"]
        code, printed = typed("report", "class", *words, "-o", "marks.json")
        assert code == 1
        found = rows(Path("marks.json").read_text())
        assert found["eve"]["note"] == "lesson 1 could not be graded"
        return printed, [found[name]["points"] for name in ("ada", "bob", "eve")]

    monkeypatch.setattr(marks, "grade", noted)
    for name in ("ada", "bob", "eve"):
        hand_in(name, first=f"{SOLUTION}\n# {name}")
    printed, points = report()
    assert "RecursionError: too deep" in printed
    assert points == [1, 1, 0]
    assert len(graded) == 3
    Path("class", "bob", FIRST).write_text("raise ValueError  # bob")
    assert report()[1] == [1, 0, 0]
    assert sorted(graded) == ["bob", "eve"]
