"""Hostile files get no point, do no harm and outlive no limit; errors of a learner's file are shown as its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minigrad.__main__ import main as command_line
from minigrad.course import feedback, report, sandbox, wall
from minigrad.course.grade import Verdict, grade
from minigrad.course.lesson import Lesson, lesson, lessons

from .strangers import ALONE, BEGIN, END, HOSTILE, NEED_A_WALL, SLOW

SOLUTION = lesson(1).read("solution.py")
STUB = lesson(1).read("exercise.py")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="strangers-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def state(folder: Path) -> list[Any]:
    """All that can be changed from outside about what a folder holds."""
    found: list[Any] = []
    for path in sorted(folder.rglob("*")):
        of_path = path.lstat()
        found.append((path, of_path.st_mode, of_path.st_uid, of_path.st_mtime_ns, path.is_file() and path.read_bytes()))
    return found


def as_nobody(place: Path) -> list[str]:
    """What stands before a command that is to run as nobody. Python may lie in root's own folder: a way in is made."""
    if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("unshare"):
        pytest.skip("only root can become somebody else")
    base, way = Path(os.path.realpath(sys.base_prefix)), "true"
    closed = next((path for path in [*base.parents][::-1] if not path.stat().st_mode & 1), None)
    if closed is not None:
        (place / "base").mkdir()
        way = (f"mount --bind {base} {place}/base && mount -t tmpfs -o mode=755 none {closed} && mkdir -p {base} && "
               f"mount --bind {place}/base {base}")  # fmt: skip
    become = f'{way} && exec setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", become, "sh"]
    command = [*prefix, sys.executable, "-P", "-c", "import minigrad"]
    tried = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True)
    if tried.returncode:
        pytest.skip(f"nobody cannot run this Python: {tried.stderr.decode()[-200:]}")
    return prefix


def in_groups(codes: dict[str, str]) -> dict[str, str]:
    """Eight of those that only try something in one file, which takes less time."""
    names = [name for name in codes if "tried(" in codes[name] and name not in ALONE]
    groups = [names[i : i + 8] for i in range(0, len(names), 8)]
    joined = {f"group {i}": "\n".join(codes[name] for name in group) for i, group in enumerate(groups)}
    return joined | {name: code for name, code in codes.items() if name not in names}


def files_of(place: Path, codes: dict[str, str], port: int) -> Path:
    """Put submissions into `place`/class, honest ones first and last. Returns a folder that they may not touch."""
    outside = place / "outside"
    for folder in (outside, outside / "empty", place / "class", place / "temporary"):
        folder.mkdir()
        folder.chmod(0o777)
    for name, text in (("notes.txt", "notes outside-token"), ("lesson_01_by_hand.py", SOLUTION)):
        (outside / name).write_text(text)
        (outside / name).chmod(0o666)
    given = f"OUTSIDE, FOLDER, PORT = {str(outside)!r}, {str(lesson(1).folder.parent)!r}, {port}\n"
    files = {
        f"{'b' if name in SLOW else 'm'} {name}": f"{given}{BEGIN}{code}{END}{STUB}" for name, code in codes.items()
    }
    for name, text in {"a": SOLUTION, "z": SOLUTION, **files}.items():  # graded in this order
        (place / "class" / name).mkdir()
        (place / "class" / name / "lesson_01_by_hand.py").write_text(text)
    return outside


@pytest.mark.skipif(sys.platform != "linux", reason="limits, signals and walls as Linux has them")
@pytest.mark.parametrize(("fences", "user"), [("all", ""), ("all", "nobody"), ("wall", ""), ("hook", "")])
def test_hostile_submissions_get_nothing_and_harm_nothing(fences: str, user: str, place: Path) -> None:
    if fences != "hook" and wall.find().program is None:
        pytest.skip(str(wall.find()))
    left_out = {"all": (), "wall": SLOW, "hook": NEED_A_WALL + SLOW}[fences]
    codes = {name: code for name, code in HOSTILE.items() if name not in left_out}
    assert len(codes) >= 40
    codes = codes if (fences, user) == ("all", "") else in_groups(codes)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outside = files_of(place, codes, port)
    prefix = as_nobody(place) if user else []
    before = state(outside), state(place / "class")
    script = Path(__file__).with_name("strangers.py")
    command = [*prefix, sys.executable, "-P", str(script), fences, str(place), str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place / "temporary"), "TOKEN": "outside-token",
                   "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    marks = {name[2:] or name: mark for name, mark in found["marks"].items()}
    assert sorted(marks) == sorted(["a", "z", *codes])
    assert marks.pop("a")[0] and marks.pop("z")[0]
    assert {name: mark for name, mark in marks.items() if mark[:2] != [False, 0] or "HARM" in mark[2]} == {}
    refused = {name: mark for name, mark in marks.items() if "tried(" in codes[name]}
    assert {name: mark for name, mark in refused.items() if "dy_ds is not written yet" not in mark[2]} == {}
    assert (state(outside), state(place / "class")) == before
    assert (found["received"], found["left"], found["limits"]) == ([], [], True)
    assert found["user"] == (65534 if user else os.geteuid())
    assert found["megabytes"] < 300
    assert not processes_with(str(place))


def processes_with(words: str) -> list[str]:
    """Command lines of living processes; those that are just ending are given a moment."""
    for _ in range(50):
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if words in line:
                found.append(line)
        if not found:
            break
        time.sleep(0.1)
    return found


@pytest.fixture
def one_second(monkeypatch) -> None:
    monkeypatch.setattr(lesson(1).check, "SECONDS", 1.0, raising=False)


def graded(code: str) -> Verdict:
    return grade(lesson(1), Path("course/lesson_01_by_hand.py"), code)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("dy_ds = (", "SyntaxError: '(' was never closed"),
        ("import nunpy", "ModuleNotFoundError: No module named 'nunpy'"),
        ("x = 1\nx / 0", "line 2: x / 0"),
        (f"{SOLUTION}\nwhile True: pass", "it took longer than 1 s"),
        (SOLUTION.replace("dy_dm", "dy_m"), "There is no dy_dm in lesson_01_by_hand.py: has it been renamed?"),
        (SOLUTION + "\ndy_ds = lambda: 1", "dy_ds"),
        (SOLUTION + "\ndy_ds = 'x' * (2 << 20)", "did not answer: its answers take more than 1 MB"),
    ],
)
def test_errors_of_the_learners_code_are_shown_as_theirs(code: str, said: str, one_second) -> None:
    verdict = graded(code)
    text = "\n".join(feedback.lines(verdict, 1))
    assert not verdict.passed
    assert said in text
    assert "Traceback" not in text and "child.py" not in text


def test_what_a_file_prints_is_shown_apart() -> None:
    verdict = graded(f"print('a = 4')\n{SOLUTION}")
    assert verdict.passed
    assert verdict.output == "a = 4\n"


def test_a_folder_is_removed_however_deep_it_is(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with sandbox._folder() as folder:
        os.chdir(folder)
        Path("file").touch()
        for name in ["a" * 100] * 1200:
            os.mkdir(name)
            os.chdir(name)
        Path("link").symlink_to(tmp_path)
    assert not os.path.lexists(folder) and tmp_path.exists()


@pytest.mark.skipif(wall.find().program is None, reason="no wall on this machine")
@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_behind_the_wall_every_solution_passes(one: Lesson) -> None:
    assert grade(one, Path(one.file), one.read("solution.py"), wall.find()).passed


@pytest.mark.skipif(wall.find().program is None, reason="no wall on this machine")
def test_of_an_environment_that_holds_submissions_only_python_is_seen(place: Path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(place))
    lessons = place / "lib" / "python3.12" / "site-packages" / "minigrad" / "course" / "lessons"
    lessons.mkdir(parents=True)
    paths = [place / "ada.py", lessons / "solution.py", lessons.parent / "lesson.py"]
    for path in paths:
        path.touch()
    code = f"import os; print([os.path.exists(path) for path in {list(map(str, paths))}])"
    command = [*wall.find().before(), os.path.realpath(sys.executable), "-I", "-c", code]
    seen = subprocess.run(command, capture_output=True, text=True)
    assert seen.stdout == "[False, False, True]\n", seen.stderr


def test_what_is_said_of_an_answer_is_short_however_long_the_answer(one_second) -> None:
    said = "\n".join(feedback.lines(graded(f"{SOLUTION}\ndy_ds = '-' * 900_000"), 1))
    assert "a number is wanted, such as 0.25, and dy_ds is '---" in said.replace("\n    ", " ") and len(said) < 2000


def without_a_wall(monkeypatch) -> wall.Wall:
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "which", lambda name: None)
        return wall.find.__wrapped__()


def cli(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["minigrad", "course", "report", *words])
    return command_line()


def test_report_says_what_it_stands_behind(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / lesson(1).file).write_text(STUB)
    for found, said in (
        (wall.Wall("bwrap"), "Graded behind bubblewrap."),
        (without_a_wall(monkeypatch), "Graded without a wall (bubblewrap is not installed): "),
    ):
        monkeypatch.setattr(report, "find_wall", lambda found=found: found)
        for option in ([], ["--json"], ["--gradescope"]):
            assert cli(monkeypatch, str(tmp_path), "--lesson", "1", *option) == 0
            assert said in capsys.readouterr().out


def test_report_grades_nothing_without_the_sandbox_it_requires(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / lesson(1).file).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    missing = without_a_wall(monkeypatch)
    monkeypatch.setattr(report, "find_wall", lambda: missing)
    monkeypatch.setattr(report, "grade", None)
    assert cli(monkeypatch, str(tmp_path), "--require-sandbox") == 2
    assert "[MG926]" in capsys.readouterr().err


def test_a_wall_that_does_not_work_is_none(tmp_path: Path, monkeypatch) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    found = wall.find.__wrapped__()
    assert found.program is None and "setting up uid map: Permission denied" in found.missing
    with pytest.raises(OSError, match="Permission denied"):  # and if it stops to work later, nobody gets a mark for it
        grade(lesson(1), Path("lesson_01_by_hand.py"), SOLUTION, wall.Wall(str(program)))
