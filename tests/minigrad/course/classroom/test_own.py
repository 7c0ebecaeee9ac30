"""Own lessons: made, tested, taken and graded like those of the course."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.course.checking import sandbox
from minigrad.course.checking.registry import VARIABLE, lesson
from minigrad.course.classroom.own import failures

PAGE = (Path(__file__).parents[4] / "docs/teaching.md").read_text("utf-8")
MISTAKE = "def slope(x):\n    return x * x\n"


def course(*words):
    """Run `minigrad course ...` in a new process, because Python imports a lesson's modules only
    once. Return (exit code, what was printed).
    """
    done = subprocess.run(
        [sys.executable, "-m", "minigrad", "course", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert "Traceback" not in done.stdout
    return done.returncode, " ".join(done.stdout.split())


@pytest.fixture(scope="session")
def complete(tmp_path_factory):
    """The folder of a complete lesson."""
    folder = tmp_path_factory.mktemp("complete") / "my_lesson"
    course("new", folder)
    assert course("test", folder) == (0, "The lesson is complete.")
    return folder


@pytest.fixture
def folder(complete, tmp_path, monkeypatch):
    """A copy of the complete lesson in lessons/my_lesson of the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    return Path(shutil.copytree(complete, "lessons/my_lesson"))


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_new_writes_the_files_that_the_docs_show(folder):
    pattern = r"^\*\*`([^`]+)`\.\*\* (?:[^\n]+\n)+\n````\w+\n(.*?)^````$"
    shown = dict(re.findall(pattern, PAGE, re.M | re.S))
    files = {path.name: path for path in folder.iterdir()}
    assert shown == {name: files[name].read_text() for name in shown}
    assert files.keys() - shown.keys() - {"__pycache__"} == {"key.json.gz"}


def test_new_leaves_a_folder_or_a_file_that_exists(tmp_path):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path, tmp_path / "file"):
        code, text = course("new", path)
        assert code
        assert "MG935" in text
        assert "disk" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("text.md", None, "text.md is missing"),
        ("check.py", None, "check.py is missing"),
        ("text.md", "# Stra\xdfe".encode("latin-1"), "text.md is not UTF-8 text"),
        ("check.py", b"QUESTIONS = []", "check.py has no questions"),
        ("slips.py", b"SLIPS = []", "slips.py contains no mistakes"),
    ],
)
def test_test_names_the_file_that_lacks_something(folder, file, content, message):
    path = folder / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    code, text = course("test", folder)
    assert code == 1
    assert message in text


def test_test_shows_the_answer_that_differs_from_the_solution_s(folder):
    change(folder / "check.py", "lambda: 10.0", "lambda: 11.0")
    code, text = course("test", folder)
    assert code == 1
    assert "solution.py does not pass: slope" in text
    assert "yours 10 expected 11" in text


def test_own_lesson_is_taken_to_its_end(folder, monkeypatch):
    lessons = str(folder.parent.resolve())
    text = course("start", "c", "--lessons", "lessons")[1]
    assert f"course --lessons {lessons}" in text
    monkeypatch.chdir("c")
    path = Path("my_lesson.py")
    assert [*Path(".").glob("*.py")] == [path]
    monkeypatch.setenv(VARIABLE, lessons)
    text = course()[1]
    assert "Current lesson: 1, The slope of a square." in text
    assert "slope is not written yet" in text
    assert course("answer") == (0, "This lesson has no question.")
    assert "The slope of a square" in course("show")[1]
    assert "hint 1 of 2" in course("hint")[1]
    path.write_text(MISTAKE)
    assert "yours 25 expected 10" in course("check")[1]
    path.write_text(MISTAKE + "\n")
    text = course("check", "my_lesson")[1]
    assert "this mistake: the value instead of the slope." in text
    assert "inputs('my_lesson', 1)" in text  # not of lesson 1 of the course
    path.write_text("def slope(x):\n    return x + x\n")
    assert course("check")[0] == 0
    assert "1 of 1 lessons passed" in course("list")[1]


def report():
    """(exit code, what was printed, the rows by name) of a report of class/."""
    words = ["--lessons", "lessons", "--keep", "marks", "--json", "-o", "rows"]
    code, text = course("report", "class", *words)
    rows = json.loads(Path("rows").read_text())["submissions"]
    return code, text, {row["name"]: row["lessons"][0] for row in rows}


def test_own_lesson_is_graded_and_its_solution_cannot_be_read(folder, monkeypatch):
    solution = folder / "solution.py"
    read = f"exec(open({str(solution.resolve())!r}).read())\n"
    texts = {
        "ada": "def slope(x):\n    return 2 * x\n",
        "bob": MISTAKE,
        "eve": f"{read}def slope(x):\n    return {{}}['no']\n",
        "max": (folder / "exercise.py").read_text(),
    }
    for name, text in texts.items():
        path = Path("class", name, "my_lesson.py")
        path.parent.mkdir(parents=True)
        path.write_text(text)
    refused = {"PermissionError", "No such file"}
    without_bubblewrap = str(Path(sys.executable).parent)
    for variable in os.environ["PATH"], without_bubblewrap:
        monkeypatch.setenv("PATH", variable)
        code, _, rows = report()
        assert code == 0
        assert [name for name, row in rows.items() if row["passed"]] == ["ada"]
        assert rows["bob"]["mistake"] == "the value instead of the slope"
        assert any(message in rows["eve"]["said"] for message in refused)

    # a changed lesson is graded again
    solution.write_text(MISTAKE)
    change(folder / "slips.py", "return x * x", "return 3 * x")
    change(folder / "check.py", "10.0", "25.0")
    outdated = "[MG930] the answer key of my_lesson is missing or out"
    code, text, _ = report()
    assert (code, outdated in text) == (2, True)
    code, text = course("gradescope", "--lessons", "lessons")
    assert (code, outdated in text) == (2, True)
    assert course("test", folder)[0] == 0
    code, _, rows = report()
    assert [name for name, row in rows.items() if row["passed"]] == ["bob"]


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        (
            [
                ("text.md", "# The", "The"),
                ("exercise.py", "raise NotImplementedError", "return x + x"),
                ("slips.py", "return x * x", "raise ValueError"),
                ("text.md", "6.0", "7.0"),
            ],
            [
                "text.md does not begin with a title: # My lesson",
                "exercise.py passes before",
                "'the value instead of the slope' is not named",
                "text.md shows '7.0', but its code prints '6.0'",
            ],
        ),
        (
            [
                ("exercise.py", "Error", "Error("),
                ("solution.py", "return 2 * x", "return 2 x"),
                ("text.md", "print(", "print(y, "),
            ],
            [
                "exercise.py raises SyntaxError: '(' was never closed",
                "solution.py raises SyntaxError: invalid syntax (return 2 x)",
                "text.md raises NameError: name 'y' is not defined",
            ],
        ),
        (
            [
                ("exercise.py", "slope(x):", "slop(x):"),
                ("solution.py", "2 * x", "2 * y"),
            ],
            [
                "exercise.py does not define slope",
                "solution.py raises NameError: name 'y' is not defined (return 2 * y)",
            ],
        ),
        (
            [("check.py", ", expect=lambda: 10.0", "")],
            ["check.py has no question with `expect`, so solution.py is compared only"],
        ),
        (
            [("slips.py", "return x * x", "return x + x")],
            ["slips.py: 'the value instead of the slope' gives right"],
        ),
        ([("solution.py", "2 * x", "3 * x")], ["solution.py does not pass"]),
        (
            [("check.py", "QUESTIONS", "ASKED")],
            ["check.py: AttributeError: module"],
        ),
        (
            [("slips.py", '        "Your', "        Your")],
            ["slips.py: SyntaxError"],
        ),
    ],
)
def test_test_says_what_a_lesson_lacks(folder, changes, lacks):
    for name, old, new in changes:
        change(folder / name, old, new)
    code, text = course("test", folder)
    assert code == 1
    for message in lacks:
        assert message in text


def test_failures_names_the_time_limit():
    run = sandbox.collected([], sandbox.late())
    found = failures(lesson(1), "solution.py", run)
    assert found == ["solution.py: it took longer than 10 s"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '[{"question": "?"}]',
        '[{"question": "?", "choices": {}, "right": "6", "sentences": {}}]',
    ],
)
def test_test_names_a_quiz_that_cannot_be_read(folder, text):
    (folder / "quiz.json").write_text(text)
    code, printed = course("test", folder)
    assert (code, printed[:11]) == (1, "quiz.json: ")


def test_quiz_of_the_docs_is_asked(folder, monkeypatch):
    (code,) = re.findall(r"^```py\n(.*?)^```$", PAGE, re.M | re.S)
    subprocess.run([sys.executable, "-c", code], check=True)
    assert course("test", folder) == (0, "The lesson is complete.")
    course("start", "c", "--lessons", "lessons")
    monkeypatch.chdir("c")
    assert "✓ Yes: 2 times 3." in course("answer", "6", "--lessons", "../lessons")[1]


def test_missing_files_and_lessons_are_named(folder):
    (folder / "slips.py").unlink()
    course("new", "lessons/my-lesson")
    for words, code, message in (
        (["test", folder], 1, "slips.py: ModuleNotFoundError: No module named"),
        (
            ["test", "no/my_lesson"],
            2,
            "no/my_lesson/solution.py cannot be used: No such",
        ),
        (["report", "--lessons", folder], 2, "[MG911] there are no lessons in"),
        (["test", "lessons/my-lesson"], 1, "'my-lesson' cannot be imported by Python"),
    ):
        found, text = course(*words)
        assert (found, message in text) == (code, True), text
