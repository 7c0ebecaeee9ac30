"""Sheets with questions about each student's code, and the column of first tries."""

import csv
import io
import json
import re
from pathlib import Path

from minigrad.course.checking.explain import make
from minigrad.course.checking.registry import lesson
from minigrad.course.checking.sandbox import ask
from minigrad.course.checking.source import digest

ONE = lesson(3)


def hand_in(name, text, first=None):
    folder = Path("class", name)
    folder.mkdir(parents=True)
    (folder / ONE.file).write_text(text)
    if first is not None:
        record = {"seed": "ada", "file": digest(text), "first": first}
        progress = {ONE.name: {"explained": record}}
        (folder / "progress.json").write_text(json.dumps(progress))


def test_each_student_has_a_sheet_and_a_column(typed):
    hand_in("ada", ONE.solution, {"0": True, "1": False, "2": True})
    hand_in("bob", ONE.solution)
    hand_in("eve", ONE.exercise, "damaged")
    words = "report", "class", "--lesson", "3", "--questions", "sheets"
    code, text = typed(*words)
    assert code == 0
    assert "first try" in text.splitlines()[0]
    assert [line.split()[-1] for line in text.splitlines()[1:4]] == ["2/3", "-", "-"]
    ada, bob, eve = (Path(f"sheets/{name}.txt").read_text() for name in ("ada", "bob", "eve"))
    assert ada.count("Answer: ") >= 3
    assert "Answer" not in eve
    assert ada.splitlines()[1:] != bob.splitlines()[1:]
    rows = csv.DictReader(io.StringIO(typed(*words, "--csv")[1].lstrip("\ufeff")))
    assert [row["first try"] for row in rows] == ["2/3", "-", "-"]
    assert Path("sheets/ada.txt").read_text() == ada


def test_sheet_does_not_repeat_what_explain_asked(typed):
    """The student's seed is the submission's name, so their questions would be the same ones."""
    text = ONE.solution
    hand_in("ada", text, {"0": True})
    assert typed("report", "class", "--lesson", "3", "--questions", "sheets")[0] == 0

    def run(text, only, traced):
        return ask(ONE, Path(ONE.file), text, only=only, traced=traced)

    sheet = " ".join(Path("sheets/ada.txt").read_text().split())
    asked = [" ".join(one.text.split()) for one in make(ONE, text, "ada", run)]
    assert len(asked) >= 3
    assert [one for one in asked if one in sheet] == []


def test_sheet_says_that_no_line_can_carry_a_question(typed):
    text = re.sub(r"\n +return (.*)", r"\n        pass; return \1", ONE.solution)
    hand_in("ada", text)
    assert typed("report", "class", "--lesson", "3", "--questions", "sheets")[0] == 0
    assert f"No line of {ONE.file} can carry" in Path("sheets/ada.txt").read_text()
