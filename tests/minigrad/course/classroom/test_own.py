"""A lesson outside minigrad is made, tested, taken and graded like one of the course."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.course.checking.registry import VARIABLE

PAGE = (Path(__file__).parents[4] / "docs/teaching.md").read_text("utf-8")
MISTAKE = "def slope(x):\n    return x * x\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs `minigrad course ...` in a process of its own, because Python imports a lesson's modules
    only once; returns (exit code, what was printed).
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)

    def run(*words, **variables):
        command = [sys.executable, "-m", "minigrad", "course", *words]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | variables,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    return run


@pytest.fixture(scope="session")
def complete(tmp_path_factory):
    """A complete lesson, made and tested once."""
    folder = tmp_path_factory.mktemp("complete") / "my_lesson"
    for command in "new", "test":
        words = [sys.executable, "-m", "minigrad", "course", command, folder]
        printed = subprocess.run(
            words, capture_output=True, text=True, check=True
        ).stdout
    assert printed == "The lesson is complete.\n"
    return folder


@pytest.fixture
def made(run, complete):
    """As `run`, with a complete lesson in lessons/my_lesson."""
    shutil.copytree(complete, "lessons/my_lesson")
    return run


def test_the_page_of_the_docs_shows_the_files_of_a_new_lesson(made):
    shown = re.findall(
        r"^\*\*`([^`]+)`\.\*\* (?:[^\n]+\n)+\n````\w+\n(.*?)^````$", PAGE, re.M | re.S
    )
    files = {path.name: path for path in Path("lessons/my_lesson").iterdir()}
    assert dict(shown) == {name: files[name].read_text() for name, _ in shown}
    assert files.keys() - dict(shown).keys() - {"__pycache__"} == {"key.json.gz"}


def test_a_lesson_without_a_quiz_is_taken_to_its_end(made, tmp_path, monkeypatch):
    code, text = made("start", "c", "--lessons", "lessons")
    folder = str(tmp_path / "lessons")
    assert code == 0 and f"course --lessons {folder}" in text
    monkeypatch.chdir(tmp_path / "c")
    assert sorted(path.name for path in Path(".").glob("*.py")) == ["my_lesson.py"]
    code, text = made(**{VARIABLE: folder})
    assert code == 1 and "Current lesson: 1, The slope of a square." in text
    assert "slope is not written yet" in text
    assert made("answer", "--lessons", folder) == (0, "This lesson has no question.")
    assert "The slope of a square" in made("show", "--lessons", folder)[1]
    assert "hint 1 of 2" in made("hint", "--lessons", folder)[1]
    Path("my_lesson.py").write_text(MISTAKE)
    assert "yours 25 expected 10" in made("check", "--lessons", folder)[1]
    Path("my_lesson.py").write_text(MISTAKE + "\n")
    code, text = made("check", "my_lesson", "--lessons", folder)
    assert code == 1 and "this mistake: the value instead of the slope." in text
    assert "inputs('my_lesson', 1)" in text  # not of lesson 1 of the course
    Path("my_lesson.py").write_text("def slope(x):\n    return x + x\n")
    assert made("check", "--lessons", folder)[0] == 0
    assert "1 of 1 lessons passed" in made("list", "--lessons", folder)[1]


@pytest.mark.parametrize("wall", [True, False])
def test_submissions_are_graded_and_cannot_read_the_solution(made, monkeypatch, wall):
    solution = Path("lessons/my_lesson/solution.py").resolve()
    texts = {
        "ada/my_lesson.py": "def slope(x):\n    return 2 * x\n",
        "bob.py": MISTAKE,
        "eve.py": f"exec(open({str(solution)!r}).read())\ndef slope(x):\n    return {{}}['no']\n",
        "max.py": Path("lessons/my_lesson/exercise.py").read_text(),
    }
    for name, text in texts.items():
        Path("class", name).parent.mkdir(parents=True, exist_ok=True)
        Path("class", name).write_text(text)
    if not wall:
        monkeypatch.setenv(
            "PATH", str(Path(sys.executable).parent)
        )  # without bubblewrap
    report = [
        "report",
        "class",
        "--lessons",
        "lessons",
        "--keep",
        "marks",
        "--json",
        "-o",
        "rows",
    ]
    assert made(*report) == (0, "")
    text = Path("rows").read_text()
    rows = {row["name"]: row["lessons"] for row in json.loads(text)["submissions"]}
    assert [row[0]["passed"] for row in rows.values()] == [True, False, False, False]
    assert rows["bob.py"][0]["mistake"] == "the value instead of the slope"
    assert "PermissionError" in text or "No such file" in text
    # a changed lesson is graded again
    solution.write_text(MISTAKE)
    change("slips.py", "return x * x", "return 3 * x")
    change("check.py", ", expect=lambda: 10.0", "")
    for command in report, ["gradescope", "--lessons", "lessons"]:
        code, text = made(*command)
        assert (
            code == 2
            and "[MG930] the answer key of my_lesson is missing or out" in text
        )
    assert made("test", "lessons/my_lesson")[0] == 0
    assert made(*report)[0] == 0
    rows = {
        row["name"]: row["points"]
        for row in json.loads(Path("rows").read_text())["submissions"]
    }
    assert rows["bob.py"] == 1 and rows["ada"] == 0


def change(name, old, new):
    path = Path("lessons/my_lesson", name)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new", "lacks"),
    [
        ("text.md", "# The", "The", "text.md does not begin with a title: # My lesson"),
        ("exercise.py", "raise NotImplementedError", "return x + x", "exercise.py passes before"),
        ("slips.py", "return x * x", "return x + x", "slips.py: 'the value instead of the slope' gives right"),
        ("slips.py", "return x * x", "raise ValueError", "'the value instead of the slope' is not named"),
        ("exercise.py", "Error", "Error(", "exercise.py raises SyntaxError: '(' was never closed"),
        ("exercise.py", "slope(x):", "slop(x):", "exercise.py does not define slope"),
        ("solution.py", "return 2 * x", "return 2 x", "solution.py raises SyntaxError: invalid syntax (return 2 x)"),
        ("solution.py", "2 * x", "2 * y", "solution.py raises NameError: name 'y' is not defined (return 2 * y)"),
        ("solution.py", "2 * x", "3 * x", "solution.py does not pass"),
        ("solution.py", "2 * x", "__import__('time').sleep(99)", "solution.py: it took longer than 10 s"),
        ("text.md", "6.0", "7.0", "text.md shows '7.0', but its code prints '6.0'"),
        ("text.md", "print(", "print(y, ", "text.md raises NameError: name 'y' is not defined"),
        ("solution.py", "2 * x", "2 * x + __import__('random').random()", "solution.py does not pass"),
        ("check.py", "QUESTIONS", "ASKED", "check.py: AttributeError: module"),
        ("slips.py", "        \"Your", "        Your", "slips.py: SyntaxError"),
    ],
)  # fmt: skip
def test_it_says_what_a_lesson_lacks(made, name, old, new, lacks):
    change(name, old, new)
    code, text = made("test", "lessons/my_lesson")
    assert code == 1 and lacks in text


def test_a_quiz_that_cannot_be_read_is_named_and_one_that_can_is_asked(made):
    for text in (
        "{",
        '[{"question": "?"}]',
        '[{"question": "?", "choices": {}, "right": "6", "sentences": {}}]',
    ):
        Path("lessons/my_lesson/quiz.json").write_text(text)
        code, printed = made("test", "lessons/my_lesson")
        assert code == 1 and printed.startswith("quiz.json: ")
    (code,) = re.findall(r"^```py\n(.*?)^```$", PAGE, re.M | re.S)
    exec(code, {})
    assert made("test", "lessons/my_lesson") == (0, "The lesson is complete.")
    made("start", "c", "--lessons", "lessons")
    os.chdir("c")
    assert "✓ Yes: 2 times 3." in made("answer", "6", "--lessons", "../lessons")[1]


def test_missing_files_and_lessons_are_named(made):
    Path("lessons/my_lesson/slips.py").unlink()
    code, text = made("test", "lessons/my_lesson")
    assert code == 1 and text.startswith(
        "slips.py: ModuleNotFoundError: No module named"
    )
    code, text = made("test", "lesson/my_lesson")
    assert (
        code == 2
        and "lesson/my_lesson/solution.py cannot be used: No such file" in text
    )
    code, text = made("report", "lessons", "--lessons", "lessons/my_lesson")
    assert code == 2 and "[MG911] there are no lessons in" in text
    code, text = made("new", "lessons/my_lesson")
    assert code == 2 and "File exists" in text
    made("new", "lessons/my-lesson")
    code, text = made("test", "lessons/my-lesson")
    assert (code, text) == (
        1,
        "the folder's name 'my-lesson' cannot be imported by Python",
    )
