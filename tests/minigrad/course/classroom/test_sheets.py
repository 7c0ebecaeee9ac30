"""Sheets with questions about each student's code, and the column of first tries."""

import csv
import io
import json
from pathlib import Path

from minigrad.course.checking.registry import lesson

ONE = lesson(3)


def hand_in(name, text, first=None):
    folder = Path("class", name)
    folder.mkdir(parents=True)
    (folder / ONE.file).write_text(text)
    if first is not None:
        progress = {ONE.name: {"explained": {"first": first}}}
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
    ada, bob, eve = (
        Path(f"sheets/{name}.txt").read_text() for name in ("ada", "bob", "eve")
    )
    assert ada.count("Answer: ") >= 3
    assert "Answer" not in eve
    assert ada.splitlines()[1:] != bob.splitlines()[1:]
    rows = csv.DictReader(io.StringIO(typed(*words, "--csv")[1].lstrip("\ufeff")))
    assert [row["first try"] for row in rows] == ["2/3", "-", "-"]
    assert Path("sheets/ada.txt").read_text() == ada
