"""Hostile files get no point, do no harm and outlive no limit, behind each of the fences: wall,
system and hook.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from minigrad.course.checking import wall
from minigrad.course.checking.registry import lesson

from .strangers import BEGIN, END, HOSTILE, NEED_A_WALL, SLOW

SOLUTION = lesson(1).read("solution.py")
STUB = lesson(1).read("exercise.py")
ROOT = Path(__file__).resolve().parents[4]


def state(folder):
    """All that can be changed from outside about what a folder holds."""
    found: list[Any] = []
    for path in sorted(folder.rglob("*")):
        of_path = path.lstat()
        content = path.is_file() and path.read_bytes()
        found.append(
            (path, of_path.st_mode, of_path.st_uid, of_path.st_mtime_ns, content)
        )
    return found


def files_of(place, codes, port):
    """Put submissions into `place`/class, honest ones first and last. Returns a folder that they
    may not touch.
    """
    outside = place / "outside"
    for folder in (outside, outside / "empty", place / "class", place / "temporary"):
        folder.mkdir()
    (outside / "notes.txt").write_text("notes outside-token")
    (outside / "lesson_01_by_hand.py").write_text(SOLUTION)
    given = f"OUTSIDE, FOLDER, PORT = {str(outside)!r}, {str(lesson(1).folder.parent)!r}, {port}\n"
    files = {
        "a": SOLUTION,
        "z": SOLUTION,
    }  # they are graded in the order of these names
    for name, code in codes.items():
        files[f"{'b' if name in SLOW else 'm'} {name}"] = (
            f"{given}{BEGIN}{code}{END}{STUB}"
        )
    for name, text in files.items():
        (place / "class" / name).mkdir()
        (place / "class" / name / "lesson_01_by_hand.py").write_text(text)
    return outside


@pytest.mark.skipif(
    sys.platform != "linux", reason="limits, signals and walls as Linux has them"
)
@pytest.mark.parametrize(
    ("fences", "left_out"), [("all", ()), ("wall", SLOW), ("hook", NEED_A_WALL + SLOW)]
)
def test_hostile_submissions_get_nothing_and_harm_nothing(fences, left_out, tmp_path):
    if fences != "hook" and wall.find().program is None:
        pytest.skip(str(wall.find()))
    codes = {name: code for name, code in HOSTILE.items() if name not in left_out}
    assert len(codes) >= 40
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outside = files_of(tmp_path, codes, port)
    before = state(outside), state(tmp_path / "class")
    script = Path(__file__).with_name("strangers.py")
    done = subprocess.run(
        [sys.executable, "-P", str(script), fences, str(tmp_path), str(port)],
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(tmp_path / "temporary"),
            "TOKEN": "outside-token",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    marks = {name[2:] or name: mark for name, mark in found["marks"].items()}
    assert marks.pop("a")[0] and marks.pop("z")[0] and sorted(marks) == sorted(codes)
    for name, (passed, right, said) in marks.items():
        assert (passed, right, "HARM" in said) == (False, 0, False), f"{name}: {said}"
        assert "tried(" not in codes[name] or "dy_ds is not written yet" in said, (
            f"{name}: {said}"
        )
    assert (state(outside), state(tmp_path / "class")) == before
    assert (found["received"], found["left"], found["limits"]) == ([], [], True)
    assert found["megabytes"] < 300 and not processes_with(str(tmp_path))


def processes_with(words):
    """Command lines of living processes; those that are just ending are given a moment."""
    time.sleep(1.0)
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(
                path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
    return [line for line in found if words in line]
