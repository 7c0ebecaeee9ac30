import os
import tempfile
from pathlib import Path

from minigrad.course.grade import grade
from minigrad.course.lesson import lesson

SOLUTION = lesson(1).read("solution.py")


def test_what_a_file_prints_is_shown_apart_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make = "import os; os.makedirs('a/b'); os.symlink('b', 'a/link'); os.chmod('a/b', 0)"
    verdict = grade(lesson(1), Path("lesson_01_by_hand.py"), f"print('a = 4')\n{make}\n{SOLUTION}")
    assert verdict.passed and verdict.output == "a = 4\n" and os.listdir(tmp_path) == []
