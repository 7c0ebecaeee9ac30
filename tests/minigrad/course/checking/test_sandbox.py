"""The sandbox: hostile files get no point, do no harm and outlive no limit, behind each of the fences:
wall, system and hook. A training has its own time limit.
"""

import contextlib
import contextvars
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigrad.course.checking import sandbox, wall
from minigrad.course.checking.lesson import Lesson, report_to
from minigrad.course.checking.registry import lesson

from .strangers import BEGIN, END, HOSTILE, NEED_A_WALL, NEED_THE_HOOK, SLOW

ONE = lesson(1)
ROOT = Path(__file__).resolve().parents[4]


def state(folder):
    """All that can be changed from outside about what a folder holds."""
    found = []
    for path in sorted(folder.rglob("*")):
        of_path = path.lstat()
        content = path.is_file() and path.read_bytes()
        facts = of_path.st_mode, of_path.st_uid, of_path.st_mtime_ns
        found.append((path, facts, content))
    return found


def write_submissions(place, codes, port):
    """Put submissions into `place`/class, honest ones first and last. Returns a folder that they
    may not touch.
    """
    outside = place / "outside"
    for folder in (outside, outside / "empty", place / "temporary"):
        folder.mkdir()
    (outside / "notes.txt").write_text("notes outside-token")
    (outside / ONE.file).write_text(ONE.solution)
    lessons = str(ONE.folder.parent)
    names = f"OUTSIDE, FOLDER, PORT = {str(outside)!r}, {lessons!r}, {port}\n"
    # they are graded in the order of these names
    files = {"a": ONE.solution, "z": ONE.solution}
    for name, code in codes.items():
        text = f"{names}{BEGIN}{code}{END}{ONE.exercise}"
        files[f"{'b' if name in SLOW else 'm'} {name}"] = text
    for name, text in files.items():
        path = place / "class" / name / ONE.file
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return outside


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
@pytest.mark.parametrize(
    ("fences", "left_out"),
    [("all", ()), ("wall", NEED_THE_HOOK + SLOW), ("hook", NEED_A_WALL + SLOW)],
)
def test_hostile_submissions_get_nothing_and_harm_nothing(fences, left_out, tmp_path):
    if fences != "hook" and wall.find().program is None:
        pytest.skip(f"no sandbox: {wall.find().missing}")
    codes = {name: code for name, code in HOSTILE.items() if name not in left_out}
    assert len(codes) >= 40
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outside = write_submissions(tmp_path, codes, port)
    before = state(outside), state(tmp_path / "class")
    script = Path(__file__).with_name("strangers.py")
    variables = {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path / "temporary"),
        "TOKEN": "outside-token",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-P", script, fences, tmp_path, str(port)],
        env=os.environ | variables,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    marks = {name[2:] or name: mark for name, mark in found["marks"].items()}
    for honest in "az":
        assert marks.pop(honest)[0]
    assert marks.keys() == codes.keys()
    for name, (passed, right, said) in marks.items():
        assert "HARM" not in said, f"{name}: {said}"
        assert (passed, right) == (False, 0), name
        if "tried(" in codes[name]:
            assert "dy_ds is not written yet" in said, f"{name}: {said}"
    assert (state(outside), state(tmp_path / "class")) == before
    assert found["received"] == []
    assert found["left"] == []
    assert found["limits"]
    assert found["megabytes"] < 300
    assert not processes_with(str(tmp_path))


def processes_with(words):
    """Command lines of living processes; those that are just ending are given a moment."""
    time.sleep(1.0)
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ")
            found.append(line.decode(errors="replace"))
    return [line for line in found if words in line]


TRAINING = Lesson(Path(__file__).parent / "lessons" / "lesson_22_training")


@pytest.fixture
def ask(monkeypatch):
    """Asks a file whose questions may take half a second, and 2 seconds for Python's start. Returns
    (why it was ended, its answers, the shares of the training that were reported).
    """
    monkeypatch.setattr(sandbox, "SECONDS", 0.5)
    monkeypatch.setattr(sandbox, "START", 2.0)

    def run(before="return 1", seconds=0.0, after="return 1"):
        shares: list[float] = []

        def asked():
            report_to(shares.append)
            return sandbox.ask(TRAINING, Path(TRAINING.file), text)

        text = f"SECONDS = {seconds}\ndef before(): {before}\ndef after(): {after}\n"
        run = contextvars.copy_context().run(asked)
        return run.ended, [outcome["answer"] for outcome in run.outcomes], shares

    return run


def test_training_may_take_longer_than_other_questions(ask):
    ended, answers, shares = ask(seconds=3.0)
    assert (ended, answers) == ("", [1, 3.0, 1])
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1


LOOP = "\n    while True:\n        pass"


@pytest.mark.parametrize(
    ("options", "ended", "answers"),
    [
        ({"before": LOOP}, "it took longer than 0.5 s", []),
        ({"seconds": 99}, "its training took longer than 4 s", [1]),
        ({"after": LOOP}, "it took longer than 0.5 s", [1, 0.0]),
    ],
)
def test_ask_ends_a_file_at_the_limit_of_its_question(ask, options, ended, answers):
    assert ask(**options)[:2] == (ended, answers)
