"""The sandbox's wall: what is seen behind it, and what `report` says without it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.course.checking import wall
from minigrad.course.checking.grade import grade
from minigrad.course.checking.registry import lesson
from minigrad.course.classroom import marks, report

ONE = lesson(1)


@pytest.mark.skipif(wall.find().program is None, reason=f"no sandbox: {wall.find().missing}")
def test_sandbox_shows_only_the_python_of_an_environment(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    course = tmp_path / "lib/python3.12/site-packages/minigrad/course"
    (course / "lessons").mkdir(parents=True)
    names = [tmp_path / "ada.py", course / "lessons/solution.py", course / "lesson.py"]
    for path in names:
        path.touch()
    code = f"import os; print(*map(os.path.exists, {list(map(str, names))}))"
    python = os.path.join(sys.base_prefix, "bin", "python3")
    command = [*wall.find().before(), python, "-I", "-c", code]
    assert subprocess.check_output(command, text=True) == "False False True\n"


@pytest.fixture
def find(monkeypatch):
    """Finds the wall where this is bubblewrap."""

    def run(program):
        with monkeypatch.context() as patched:
            patched.setattr(shutil, "which", lambda name: program)
            return wall.find.__wrapped__()

    return run


@pytest.mark.parametrize("options", [[], ["--json"], ["--gradescope"]])
def test_report_names_a_missing_sandbox(typed, monkeypatch, find, options):
    Path(ONE.file).write_text("x = 1")
    missing = find(None)
    for module in (report, marks):
        monkeypatch.setattr(module, "find_wall", lambda: missing)
    code, text = typed("report", "--lesson", "1", *options)
    assert code == 0
    assert "Graded without a wall (bubblewrap is not installed): " in text


def test_report_can_require_the_sandbox(typed, monkeypatch, find):
    Path(ONE.file).write_text("x = 1")
    assert str(wall.find()) in typed("report", "--lesson", "1")[1]
    missing = find(None)
    monkeypatch.setattr(report, "find_wall", lambda: missing)
    monkeypatch.setattr(marks, "grade", None)
    code, text = typed("report", "--require-sandbox")
    assert code == 2
    assert "[MG926]" in text


def test_sandbox_of_a_broken_wall_grades_nobody(tmp_path, find):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'Permission denied' >&2\nexit 1\n")
    program.chmod(0o755)
    broken = find(str(program))
    assert broken.program is None
    assert "Permission denied" in broken.missing
    assert "No such file" in find(str(tmp_path / "gone")).missing
    # and if it breaks later
    with pytest.raises(OSError, match="Permission denied"):
        grade(ONE, Path(ONE.file), ONE.solution, wall.Wall(str(program)))
