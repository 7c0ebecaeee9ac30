"""Hostile files get no point, do no harm and outlive no limit; errors of a learner's file are shown as its own."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from minigrad.course import feedback
from minigrad.course.grade import Verdict, grade
from minigrad.course.lesson import lesson
from minigrad.course.report import grade_all

SOLUTION = lesson(1).read("solution.py")
STUB = lesson(1).read("exercise.py")

HOSTILE = {
    "deletes": """
import os, shutil, pathlib
for path in VICTIMS: os.remove(path)
shutil.rmtree(pathlib.Path(VICTIMS[0]).parent)""",
    "overwrites": "for path in VICTIMS: open(path, 'w').write('gone')",
    "loops": "while True: pass",
    "sleeps": "import time; time.sleep(1000)",
    "prints without end": "while True: print('x' * 10_000)",
    "forks": "import os\nwhile True: os.fork()",
    "starts programs": "import subprocess; subprocess.run(['touch', VICTIMS[0] + '.touched'])",
    "takes all memory": "x = []\nwhile True: x.append(bytearray(1 << 26))",
    "edits the grader in memory": """
import minigrad.course.grade as g, minigrad.course.answers as a
g.judge = g.grade = lambda *_: True
a.difference = lambda *_: None""",
    "edits the grader on disk": "import minigrad.course.grade as g; open(g.__file__, 'a').write('# edited')",
    "prints a fake pass": """
import os
print('✓ Lesson 1, By hand: passed. 5 of 5 questions right.', flush=True)
os._exit(0)""",
    "writes a fake log": """
import os
open('answers', 'a').write('{"loaded": true}\\n' + '{"answer": true}\\n' * 9 + '{"done": true}\\n')
os._exit(0)""",
    "reads the solution": """
import minigrad.course.lesson as lesson
exec((lesson.FOLDER / 'lesson_01_by_hand' / 'solution.py').read_text())""",
    "imports the solution": "from minigrad.course.lessons.lesson_01_by_hand.solution import *",
    "kills its parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "leaves": "raise SystemExit(0)",
    "nests too deeply to be read": f"x = {'-' * 50_000}1",
    "calls the network": "import socket; socket.create_connection(('127.0.0.1', 9))",
}


@pytest.fixture(autouse=True)
def one_second(monkeypatch) -> None:
    monkeypatch.setattr(lesson(1).check, "SECONDS", 1.0, raising=False)


def graded(code: str) -> Verdict:
    return grade(lesson(1), Path("course/lesson_01_by_hand.py"), code)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.skipif(
    os.name != "posix", reason="limits of memory and of files are the system's; Windows has only the time"
)
def test_a_hostile_submission_gets_nothing_and_harms_nothing(name: str, tmp_path: Path) -> None:
    victims = [tmp_path / "bob" / "lesson_01_by_hand.py", tmp_path / "bob" / "notes.txt"]
    for path in (tmp_path / "mallory", tmp_path / "bob"):
        path.mkdir()
    victims[0].write_text(SOLUTION)
    victims[1].write_text("notes")
    code = f"VICTIMS = {[str(path) for path in victims]}\n{HOSTILE[name]}\n{STUB}"
    (tmp_path / "mallory" / "lesson_01_by_hand.py").write_text(code)
    marks = grade_all([tmp_path / "mallory", tmp_path / "bob"], [lesson(1)], 2)
    (hers,), (his,) = marks.values()
    assert (hers.passed, hers.right) == (False, 0), hers.said
    assert his.passed, his.said
    assert [path.read_text() for path in victims] == [SOLUTION, "notes"]
    assert sorted(path.name for path in victims[0].parent.iterdir()) == ["lesson_01_by_hand.py", "notes.txt"]
    assert not processes_with(str(tmp_path))


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


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("dy_ds = (", "SyntaxError: '(' was never closed"),
        ("import nunpy", "ModuleNotFoundError: No module named 'nunpy'"),
        ("x = 1\nx / 0", "line 2: x / 0"),
        (f"{SOLUTION}\nwhile True: pass", "it took longer than 1 s"),
        (SOLUTION.replace("dy_dm", "dy_m"), "There is no dy_dm in lesson_01_by_hand.py: has it been renamed?"),
        (SOLUTION + "\ndy_ds = lambda: 1", "dy_ds"),
    ],
)
def test_errors_of_the_learners_code_are_shown_as_theirs(code: str, said: str) -> None:
    verdict = graded(code)
    text = "\n".join(feedback.lines(verdict, 1))
    assert not verdict.passed
    assert said in text
    assert "Traceback" not in text and "child.py" not in text


def test_what_a_file_prints_is_shown_apart() -> None:
    verdict = graded(f"print('a = 4')\n{SOLUTION}")
    assert verdict.passed
    assert verdict.output == "a = 4\n"
