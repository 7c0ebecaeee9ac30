"""Whatever is handed in has a row, in every format, and can neither hang the report nor print
escapes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minigrad.course import grade, report
from minigrad.course.export import notebook
from minigrad.course.lesson import lesson

FIRST, SECOND = (lesson(number).file for number in (1, 2))
SOLUTION = lesson(1).read("solution.py")


@pytest.fixture
def run(typed) -> Callable[..., tuple[int, str]]:
    """Runs `minigrad course report ... --lesson 1 --lesson 2`; returns (exit code, what was
    printed).
    """
    return lambda *words: typed("report", *words, "--lesson", "1", "--lesson", "2")


def hand_in(name: str, files: dict[str, str | bytes]) -> Path:
    folder = Path("class", name)
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def rows(text: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(text)["submissions"]}


def notes(text: str) -> dict[str, str]:
    return {name: row["note"] for name, row in rows(text).items()}


def test_every_shape_of_a_submission_has_a_row(run) -> None:
    hand_in(
        "ada",
        {FIRST: SOLUTION, "README.md": "", "progress.json": "{}", "pages/x.html": "", ".git/x": ""},
    )
    hand_in("empty", {})
    hand_in("hidden", {".DS_Store": ""})
    hand_in("final", {FIRST: SOLUTION, "lesson_03_gates_final.py": SOLUTION})
    hand_in("notebook", {f"{lesson(1).name}.ipynb": "{}"})
    hand_in("nested", {f"my-course/{FIRST}": SOLUTION})
    hand_in("many", {f"{letter}.py": "" for letter in "abcdefg"})
    Path("class", "top.zip").write_bytes(b"PK")
    Path("class", ".git").mkdir()
    expected = {
        "ada": "",
        "empty": "not graded: an empty folder",
        "hidden": "not graded: a folder with hidden files only",
        "final": "not graded: lesson_03_gates_final.py",
        "notebook": "not graded: lesson_01_by_hand.ipynb",
        "nested": "not graded: my-course/",
        "many": "not graded: a.py, b.py, c.py, d.py, e.py and 2 more",
        "top.zip": "not graded: a file, not a folder",
    }
    code, text = run("class", "--json", "--keep", "class/marks")
    assert (code, notes(text)) == (1, expected)
    assert rows(text)["ada"]["points"] == 1 and rows(text)["ada"]["of"] == 2
    code, text = run("class", "--keep", "class/marks", "-o", "class/marks.txt")
    # between the heading and the wall
    lines = Path("class/marks.txt").read_text().splitlines()[1:-2]
    assert (code, text) == (1, "")
    assert {
        row.split()[0]: row.split(None, 4)[4] if "not" in row else "" for row in lines
    } == expected
    for name in expected:
        code, text = run(f"class/{name}", "--gradescope")
        results = json.loads(text)
        passes = float(name in ("ada", "final", "nested"))  # the only folder with lessons' files
        assert (code, [test["score"] for test in results["tests"]], results["score"]) == (
            0,
            [passes, 0.0],
            passes,
        )
        named = expected[name].removeprefix("not graded: ").split(",")[0]
        assert name == "nested" or named in results["output"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes links and a named pipe")
def test_files_that_cannot_be_read_say_why_and_links_show_nothing(run, tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("the secret = 1")
    hand_in("long", {FIRST: b"#" * 2**21})
    os.symlink(secret, hand_in("link", {}) / FIRST)
    os.symlink("final.py", hand_in("inside", {"final.py": SOLUTION}) / FIRST)
    os.mkfifo(hand_in("pipe", {}) / FIRST)  # would keep its reader waiting for ever
    os.symlink("self", "class/self")
    os.mkfifo("class/fifo")
    code, text = run("class", "--json")
    found = notes(text)
    assert code == 1 and "secret" not in text
    assert found == {
        "long": "lesson 1 not graded: it is longer than 1 MB",
        "link": "lesson 1 not graded: a link that leads out of the submission",
        "inside": "not graded: final.py",
        "pipe": "lesson 1 not graded: it is a folder or a device",
        "self": "not graded: a link, which is not followed",
        "fifo": "not graded: a file, not a folder",
    }
    assert [name for name, row in rows(text).items() if row["points"]] == ["inside"]
    assert "pipe     0/2     ?  .  lesson 1 not graded" in run("class")[1]


def test_a_folder_that_may_not_be_read_has_a_row(run, monkeypatch) -> None:
    hand_in("ada", {FIRST: SOLUTION})
    hand_in("locked", {FIRST: SOLUTION})
    iterdir = Path.iterdir

    def refuse(path: Path):  # root may read everything
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = notes(run("class", "--json")[1])
    assert found == {
        "ada": "",
        "locked": "not graded: a folder that cannot be read (Permission denied)",
    }


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_names_are_escaped(run) -> None:
    hand_in("eve\x1b[2J\nada 2", {FIRST: SOLUTION, "\x1b[31m.py": ""})
    os.mkdir(b"class/lat\xe9")
    for options in ([], ["--json"], ["--gradescope"]):
        code, text = run("class", *options)
        assert (
            "\x1b" not in text
            and "eve\\x1b[2J\\nada 2" in text.replace("\\\\", "\\")
            and "lat" in text
        )


def test_several_folders_and_none(run) -> None:
    for name in ("a/ada", "b/ada"):
        hand_in(name, {FIRST: SOLUTION})
    assert list(notes(run("class/a", "class/b", "class/a/ada", "--json")[1])) == ["a/ada", "b/ada"]
    code, text = run("class/a", "class/bb")
    assert code == 2 and "[MG919] no submission 'class/bb'" in text
    code, text = run("class/a", "class/b", "--gradescope")
    assert code == 2 and "MG918" in text
    Path("class/a/ada").rename("class/a/bob")
    Path("class/b/ada").rename("class/a/ada")
    code, text = run("class/a", "--gradescope")  # two folders in one submission
    results = json.loads(text)
    assert (code, results["score"], [test["score"] for test in results["tests"]]) == (
        0,
        0.0,
        [0.0, 0.0],
    )
    assert "lessons' files are in ada/, bob/. Hand in one folder." in results["output"]


def test_a_notebook_that_adds_nothing_to_the_lesson_s_file_is_not_named(run) -> None:
    one = lesson(1)
    books = {f"{one.name}.ipynb": json.dumps(notebook(one, SOLUTION)), "other.ipynb": "[" * 9999}
    for name, text in (("same", SOLUTION), ("other", one.read("exercise.py"))):
        hand_in(name, {FIRST: text, **books})
    assert notes(run("class", "--json")[1]) == {
        "same": "not graded: other.ipynb",
        "other": "not graded: lesson_01_by_hand.ipynb, other.ipynb",
    }


def test_marks_are_kept_and_a_file_whose_grading_fails_loses_only_itself(run, monkeypatch) -> None:
    graded = []

    def noted(one, path, *rest):
        graded.append(path.parent.name)
        if path.parent.name == "eve":
            raise RecursionError("too deep")
        return grade.grade(one, path, *rest)

    monkeypatch.setattr(report, "grade", noted)
    for name in ("ada", "bob", "eve"):
        hand_in(name, {FIRST: SOLUTION})
    options = ("class", "--jobs", "2", "--keep", "marks", "--json", "-o", "marks.json")
    code, text = run(*options)
    found = rows(Path("marks.json").read_text())
    assert (
        code == 1
        and "RecursionError: too deep" in text
        and [one["points"] for one in found.values()] == [1, 1, 0]
    )
    assert found["eve"]["note"] == "lesson 1 could not be graded" and sorted(graded) == [
        "ada",
        "bob",
        "eve",
    ]
    graded.clear()
    Path("class", "bob", FIRST).write_text("raise ValueError")
    kept = Path("marks", "results.jsonl")
    kept.write_bytes(b'{"job": 1}\n' + kept.read_bytes())
    code, text = run(*options)
    assert "line 1 is damaged and was skipped" in text and sorted(graded) == ["bob", "eve"]
    assert [one["points"] for one in rows(Path("marks.json").read_text()).values()] == [1, 0, 0]


@pytest.mark.parametrize("options", [["-o", "file/marks.txt"], ["--keep", "file"]])
def test_where_nothing_can_be_written_no_mark_is_lost(run, options) -> None:
    hand_in("ada", {FIRST: SOLUTION})
    Path("file").write_text("")
    code, text = run("class", *options)
    assert code == 2 and "[MG921] file" in text
    assert "-o" not in options or "ada   1/2     x  ." in text


def test_files_are_judged_one_at_a_time(run, monkeypatch) -> None:
    """Else lesson 14's right accuracies are read while another thread has worked out only two of
    three.
    """
    judging, most, judge = [], [], grade.judge

    def watched(*given):
        judging.append(1)
        time.sleep(0.2)
        most.append(len(judging))
        judging.pop()
        return judge(*given)

    monkeypatch.setattr(grade, "judge", watched)
    for name in "abc":
        hand_in(name, {FIRST: SOLUTION, SECOND: SOLUTION})
    run("class", "--jobs", "6")
    assert most == [1] * 6
