"""Marks: whole points or fractions, stored as soon as they are known."""

from pathlib import Path

from minigrad.course.checking import grade
from minigrad.course.classroom import marks

from .test_formats import ONE, TWO, row
from .test_report import FIRST, SOLUTION, hand_in, rows, run  # noqa: F401


def test_points_are_whole_or_fractions_of_the_answers():
    assert (ONE.asked, TWO.asked) == (5, 18)
    assert row("ada").scores == [1, 0] and row("ada", (4, 18)).scores == [0, 1]
    assert row("ada", (4, 9), partial=True).scores == [0.8, 0.5]
    assert row("ada", (4, 9), partial=True).points == 1.3


def test_marks_are_kept_and_a_file_whose_grading_fails_loses_only_itself(
    run,  # noqa: F811
    monkeypatch,
):
    graded = []

    def noted(one, path, text, *rest):
        graded.append(text[-3:])
        if text.endswith("eve"):
            raise RecursionError("too deep")
        return grade.grade(one, path, text, *rest)

    def report_again():
        graded.clear()
        code, text = run(
            "class", "--jobs", "2", "--keep", "marks", "--json", "-o", "marks.json"
        )
        assert code == 1
        found = rows(Path("marks.json").read_text())
        assert found["eve"]["note"] == "lesson 1 could not be graded"
        return text, [row["points"] for row in found.values()]

    monkeypatch.setattr(marks, "grade", noted)
    for name in ("ada", "bob", "eve"):
        hand_in(name, first=f"{SOLUTION}\n# {name}")
    text, points = report_again()
    assert (
        "RecursionError: too deep" in text and points == [1, 1, 0] and len(graded) == 3
    )
    Path("class", "bob", FIRST).write_text("raise ValueError  # bob")
    assert report_again()[1] == [1, 0, 0]
    assert sorted(graded) == ["bob", "eve"]
