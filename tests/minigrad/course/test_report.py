"""Whatever is handed in has a row, in every format, and can neither hang the report nor print escapes."""

from __future__ import annotations

import json
import os
import sys
import time
import zipfile
from pathlib import Path

import pytest

from minigrad.__main__ import main
from minigrad.course import grade
from minigrad.course.export import notebook
from minigrad.course.lesson import lesson

FIRST, SECOND, THIRD = (lesson(number).file for number in (1, 2, 3))
SOLUTION = lesson(1).read("solution.py")


@pytest.fixture
def report(tmp_path: Path, monkeypatch, capsys):
    """Runs `minigrad course report ... --lesson 1 --lesson 2`; returns (exit code, what was printed)."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["minigrad", "course", "report", *words, "--lesson", "1", "--lesson", "2"])
        code = main()
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run


def hand_in(name: str, files: dict[str, str | bytes]) -> Path:
    folder = Path("class", name)
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def notes(text: str) -> dict[str, str]:
    return {row["name"]: row["note"] for row in json.loads(text)["submissions"]}


def test_every_shape_of_a_submission_has_a_row(report) -> None:
    hand_in("ada", {FIRST: SOLUTION, "README.md": "", "progress.json": "{}", "pages/x.html": "", ".git/x": ""})
    hand_in("empty", {})
    hand_in("hidden", {".DS_Store": ""})
    hand_in("short", {"lesson3.py": SOLUTION})
    hand_in("upper", {"Lesson_03.py": SOLUTION})
    hand_in("final", {FIRST: SOLUTION, "lesson_03_gates_final.py": SOLUTION})
    hand_in("notebook", {f"{lesson(1).name}.ipynb": "{}"})
    hand_in("nested", {f"my-course/{FIRST}": SOLUTION})
    hand_in("many", {f"{letter}.py": "" for letter in "abcdefg"})
    with zipfile.ZipFile(hand_in("zipped", {}) / "work.zip", "w") as archive:
        archive.writestr(FIRST, SOLUTION)
    Path("class", "top.zip").write_bytes(Path("class/zipped/work.zip").read_bytes())
    Path("class", ".git").mkdir()
    expected = {
        "ada": "",
        "empty": "not graded: an empty folder",
        "hidden": "not graded: a folder with hidden files only",
        "short": "not graded: lesson3.py",
        "upper": "not graded: Lesson_03.py",
        "final": "not graded: lesson_03_gates_final.py",
        "notebook": "not graded: lesson_01_by_hand.ipynb",
        "nested": "not graded: my-course/",
        "many": "not graded: a.py, b.py, c.py, d.py, e.py and 2 more",
        "zipped": "not graded: work.zip",
        "top.zip": "not graded: an archive",
    }
    code, text = report("class", "--json", "--keep", "class/marks")
    assert (code, notes(text)) == (1, expected)
    code, text = report("class", "--keep", "class/marks", "-o", "class/marks.txt")
    rows = Path("class/marks.txt").read_text().splitlines()[1:-2]  # between the heading and the wall
    assert (code, text) == (1, "")
    assert {row.split()[0]: row.split(None, 4)[4] if "not" in row else "" for row in rows} == expected
    for name in expected:
        code, text = report(f"class/{name}", "--gradescope")
        results = json.loads(text)
        passes = name in ("ada", "final", "nested")  # the only folder with lessons' files
        assert (code, results["score"], len(results["tests"])) == (0, float(passes), 2)
        named = expected[name].removeprefix("not graded: ").split(",")[0]
        assert name == "nested" or named in results["output"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes links and a named pipe")
def test_files_that_cannot_be_read_say_why_and_links_show_nothing(report, tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("the secret = 1")
    hand_in("latin", {FIRST: "x = 'é'".encode("latin-1")})
    hand_in("utf16", {FIRST: SOLUTION.encode("utf-16")})
    hand_in("long", {FIRST: b"#" * 2**21})
    os.symlink(secret, hand_in("link", {}) / FIRST)
    os.symlink("final.py", hand_in("inside", {"final.py": SOLUTION}) / FIRST)
    os.symlink(FIRST, hand_in("loop", {}) / FIRST)
    os.symlink("self.py", hand_in("other loop", {FIRST: SOLUTION}) / "self.py")
    os.symlink("self", "class/self")
    os.mkfifo(hand_in("pipe", {}) / FIRST)
    hand_in("folder", {f"{FIRST}/x": ""})
    os.symlink(tmp_path, "class/outside")
    os.mkfifo("class/fifo")
    code, text = report("class", "--json")
    found = notes(text)
    assert code == 1 and "secret" not in text
    unread = "lesson 1 not graded: "
    assert found["latin"] == found["utf16"] == unread + "it is not text in UTF-8"
    assert found["long"] == unread + "it is longer than 1 MB"
    assert found["link"] == unread + "a link that leads out of the submission"
    assert found["loop"].startswith(unread)
    assert found["pipe"] == found["folder"] == unread + "it is a folder or a device"
    assert found["outside"] == found["self"] == "not graded: a link, which is not followed"
    assert found["other loop"] == "not graded: self.py"
    assert found["fifo"] == "not graded: neither a file nor a folder"
    assert found["inside"] == "not graded: final.py"
    assert {row["name"] for row in json.loads(text)["submissions"] if row["points"]} == {"inside", "other loop"}
    assert "pipe         0/2     ?  .  lesson 1 not graded" in report("class")[1]


def test_a_folder_that_may_not_be_read_has_a_row(report, monkeypatch) -> None:
    hand_in("ada", {FIRST: SOLUTION})
    hand_in("locked", {FIRST: SOLUTION})
    iterdir = Path.iterdir

    def refuse(path: Path):  # root may read everything
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = notes(report("class", "--json")[1])
    assert found == {"ada": "", "locked": "not graded: a folder that cannot be read (Permission denied)"}
    code, text = report("class/locked", "--gradescope")
    assert code == 0 and "Permission denied" in json.loads(text)["output"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_names_are_escaped(report) -> None:
    hand_in("eve\x1b[2J\nada 2", {FIRST: SOLUTION, "\x1b[31m.py": ""})
    os.mkdir(b"class/lat\xe9")
    for options in ([], ["--json"], ["--gradescope"]):
        code, text = report("class", *options)
        assert "\x1b" not in text and "eve\\x1b[2J\\nada 2" in text.replace("\\\\", "\\") and "lat" in text
    assert report("class", "--json", "-o", "marks.json")[0] == 1
    assert len(notes(Path("marks.json").read_text())) == 2


def test_two_folders_for_gradescope_are_explained(report) -> None:
    for name in ("ada", "bob"):
        hand_in(name, {FIRST: SOLUTION})
    code, text = report("class", "--gradescope")
    results = json.loads(text)
    assert (code, results["score"], [test["score"] for test in results["tests"]]) == (0, 0.0, [0.0, 0.0])
    assert "lessons' files are in ada/, bob/. Hand in one folder." in results["output"]
    code, text = report("class/ada", "class/bob", "--gradescope")
    assert code == 2 and "MG918" in text


def test_a_name_that_does_not_exist_is_an_error_and_equal_names_stay_apart(report) -> None:
    for name in ("a/ada", "b/ada"):
        hand_in(name, {FIRST: SOLUTION})
    assert list(notes(report("class/a", "class/b", "class/a/ada", "--json")[1])) == ["a/ada", "b/ada"]
    code, text = report("class/a", "class/bb")
    assert code == 2 and "[MG919] no submission 'class/bb'" in text


def test_the_report_s_own_files_were_not_handed_in(report) -> None:
    folder = hand_in("ada.zip", {FIRST: SOLUTION})
    for out in (folder / "marks.json", folder.parent / "marks.json"):
        for _ in range(2):
            code, text = report("class", "--json", "-o", str(out), "--keep", str(folder / "marks"))
            assert code == 0 and notes(out.read_text()) == {"ada.zip": ""}
        out.unlink()
    (folder / FIRST).unlink()
    (folder / "marks" / "results.jsonl").unlink()
    (folder / "marks").rmdir()
    assert notes(report("class", "--json")[1]) == {"ada.zip": "not graded: an empty folder"}


def test_a_notebook_that_adds_nothing_to_the_lesson_s_file_is_not_named(report) -> None:
    one = lesson(1)
    books = {f"{one.name}.ipynb": json.dumps(notebook(one, SOLUTION)), "other.ipynb": "[" * 9999}
    for name, text in (("same", SOLUTION), ("other", one.read("exercise.py"))):
        hand_in(name, {FIRST: text, **books})
    assert notes(report("class", "--json")[1]) == {
        "same": "not graded: other.ipynb",
        "other": "not graded: lesson_01_by_hand.ipynb, other.ipynb",
    }


def test_a_damaged_mark_is_computed_again_or_says_so(report) -> None:
    hand_in("ada", {FIRST: SOLUTION, SECOND: lesson(2).read("solution.py")})
    options = ("class", "--keep", "marks", "--json", "--jobs", "1")
    first = report(*options)
    kept = Path("marks", "results.jsonl")
    lines = kept.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b'{"job": 1}\n' + lines[0].replace(b'"passed"', b'"pa\xff') + b"[" * 99_999 + b"\n" + lines[1])
    code, text = report(*options)
    assert text.count("is damaged and was skipped") == 3
    assert (code, text[: len(first[1])]) == first
    kept.write_bytes(lines[0].replace(b'"passed": true', b'"passed": "yes"') + lines[1])
    code, text = report(*options)
    found = json.loads(text)["submissions"][0]
    assert code == 1 and found["points"] == 1 and found["note"] == "lesson 1 could not be graded"


@pytest.mark.parametrize("options", [["-o", "file/marks.txt"], ["--keep", "file"]])
def test_where_nothing_can_be_written_no_mark_is_lost(report, options) -> None:
    hand_in("ada", {FIRST: SOLUTION})
    Path("file").write_text("")
    code, text = report("class", *options)
    assert code == 2 and "[MG921] file" in text
    assert "-o" not in options or "ada   1/2     x  ." in text


def test_files_are_judged_one_at_a_time(report, monkeypatch) -> None:
    """Else lesson 14's right accuracies are read while another thread has worked out only two of three."""
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
    report("class", "--jobs", "6")
    assert most == [1] * 6
