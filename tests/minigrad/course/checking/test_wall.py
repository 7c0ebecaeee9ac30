"""The wall: what is seen behind it, what `report` says of it, and that one which does not work is
none.
"""

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


@pytest.mark.skipif(wall.find().program is None, reason="no wall on this machine")
def test_of_an_environment_that_holds_submissions_only_python_is_seen(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    lessons = (
        tmp_path
        / "lib"
        / "python3.12"
        / "site-packages"
        / "minigrad"
        / "course"
        / "lessons"
    )
    lessons.mkdir(parents=True)
    paths = [tmp_path / "ada.py", lessons / "solution.py", lessons.parent / "lesson.py"]
    for path in paths:
        path.touch()
    code = (
        f"import os; print([os.path.exists(path) for path in {list(map(str, paths))}])"
    )
    python = os.path.join(sys.base_prefix, "bin", "python3")
    command = [*wall.find().before(), python, "-I", "-c", code]
    assert subprocess.check_output(command, text=True) == "[False, False, True]\n"


def found(monkeypatch, program):
    """The wall that is found where this is bubblewrap."""
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "which", lambda name: program)
        return wall.find.__wrapped__()


def test_report_says_what_it_stands_behind_and_can_require_it(typed, monkeypatch):
    Path(lesson(1).file).write_text("x = 1")
    assert str(wall.find()) in typed("report", "--lesson", "1")[1]
    missing = found(monkeypatch, None)
    for module in (report, marks):
        monkeypatch.setattr(module, "find_wall", lambda: missing)
    for options in ([], ["--json"], ["--gradescope"]):
        code, text = typed("report", "--lesson", "1", *options)
        assert (
            code == 0
            and "Graded without a wall (bubblewrap is not installed): " in text
        )
    monkeypatch.setattr(marks, "grade", None)
    code, text = typed("report", "--require-sandbox")
    assert code == 2 and "[MG926]" in text


def test_a_wall_that_does_not_work_is_none(tmp_path, monkeypatch):
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    broken = found(monkeypatch, str(program))
    assert (
        broken.program is None
        and "setting up uid map: Permission denied" in broken.missing
    )
    assert "No such file" in found(monkeypatch, str(tmp_path / "gone")).missing
    one = lesson(1)
    # and if it stops to work later, nobody gets a mark for it
    with pytest.raises(OSError, match="Permission denied"):
        grade(one, Path(one.file), one.read("solution.py"), wall.Wall(str(program)))
