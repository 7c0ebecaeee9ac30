"""Whatever is handed in has a row, in every format, and can neither hang the report nor print
escapes.
"""

import json
import os
from pathlib import Path

import pytest

from minigrad.course.checking.registry import lesson

FIRST, SECOND = (lesson(number).file for number in (1, 2))
SOLUTION = lesson(1).read("solution.py")


@pytest.fixture
def run(typed):
    """Runs `minigrad course report ... --lesson 1 --lesson 2`; returns (exit code, what was
    printed).
    """
    return lambda *words: typed("report", *words, "--lesson", "1", "--lesson", "2")


def hand_in(name, **files):
    """Write a folder of class/; `first` is the file of lesson 1, others have their own names."""
    folder = Path("class", name)
    folder.mkdir(parents=True)
    for file, text in files.items():
        path = folder / (FIRST if file == "first" else file)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def rows(text):
    return {row["name"]: row for row in json.loads(text)["submissions"]}


def notes(text):
    return {name: row["note"] for name, row in rows(text).items()}


def test_gradescope_s_results(run):
    hand_in("two", **{f"a/{FIRST}": SOLUTION, "b/second.txt": "what is this?"})
    code, text = run("class/two", "--gradescope")
    results = json.loads(text)
    assert (code, [test["score"] for test in results["tests"]]) == (0, [1, 0])
    assert results["output"] == "1 of 2 points\nnot graded: b/second.txt"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes links and a named pipe")
def test_files_that_cannot_be_read_say_why_and_links_show_nothing(
    run, tmp_path, monkeypatch
):
    secret = tmp_path / "secret.py"
    secret.write_text("the secret = 1")
    hand_in("long", first=b"#" * 2**21)
    os.symlink(secret, hand_in("link") / FIRST)
    os.symlink("final.py", hand_in("inside", **{"final.py": SOLUTION}) / FIRST)
    os.mkfifo(hand_in("pipe") / FIRST)  # would keep its reader waiting for ever
    os.symlink("self", "class/self")
    os.mkfifo("class/fifo")
    hand_in("locked", first=SOLUTION)
    iterdir = Path.iterdir

    def refuse(path):  # root may read everything
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    code, text = run("class", "--json")
    assert code == 0 and "secret" not in text
    assert notes(text) == {
        "long": f"{FIRST} not graded: it is longer than 1 MB",
        "link": f"{FIRST} not graded: a link, which is not followed",
        "inside": f"{FIRST} not graded: a link, which is not followed",
        "pipe": f"{FIRST} not graded: it is a folder or a device",
        "self": "self not graded: a link, which is not followed",
        "fifo": "fifo not graded: it is a folder or a device",
        "locked": "locked not graded: Permission denied",
    }
    assert [name for name, row in rows(text).items() if row["points"]] == ["inside"]
    assert f"pipe       0/2    ?  .  {FIRST} not graded" in run("class")[1]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--json"],
        ["--gradescope"],
        ["--csv"],
        ["--statistics", "--names"],
        ["--statistics", "-o", "p.html", "--names"],
    ],
)
def test_names_are_escaped(run, options):
    wrong = f"{SOLUTION}\ndy_ds = 9.0"
    hand_in("eve\x1b[2J\nada 2", first=wrong, **{"\x1b[31m<b>.py": "", "\u202e.py": ""})
    os.mkdir(b"class/lat\xe9")
    text = run("class", *options)[1]
    text = text or Path("p.html").read_text("utf-8")
    assert "\x1b" not in text and "\u202e" not in text and "ada" in text
    assert "<b>.py" not in text or "p.html" not in options
    assert "eve\\x1b[2J\\nada 2" in text.replace("\\\\", "\\")


def test_several_folders_and_none(run):
    for name in ("a/ada", "b/ada"):
        hand_in(name, first=SOLUTION)
    assert list(notes(run("class/a", "class/b", "class/a/ada", "--json")[1])) == [
        "a/ada",
        "b/ada",
    ]
    code, text = run("class/a", "class/bb")
    assert code == 2 and "[MG919] there is no submission 'class/bb'" in text
    code, text = run("class/a", "class/b", "--gradescope")
    assert code == 2 and "MG918" in text


def test_each_student_gets_a_text_with_the_name_that_moodle_expects(run):
    wrong = f"{SOLUTION}\ndy_db = 99.0"
    for name in ("Zoë O'Neil_203_assignsubmission_file", "a/b", "a-b"):
        hand_in(name, first=wrong, **{"essay.pdf": ""})
    code, printed = run("class", "class/a/b", "--feedback", "texts", "--json")
    texts = {
        str(path.relative_to("texts")): path.read_text("utf-8")
        for path in Path("texts").rglob("*.txt")
    }
    assert set(texts) == {
        "Zoë O'Neil_203_assignsubmission_file_feedback.txt",
        "a.txt",
        "a/b.txt",
        "a-b.txt",
    }
    # mod/assign/feedback/file/importziplib.php
    (moodle,) = (name.split("_", 4)[1:] for name in texts if "203" in name)
    assert moodle == ["203", "assignsubmission", "file", "feedback.txt"]
    text = texts["a-b.txt"]
    assert text.startswith("0 of 2 points\n\nessay.pdf not graded: it is not a Python")
    said = [one["said"] for one in rows(printed)["a-b"]["lessons"]]
    assert code == 0 and "99" in said[0]
    assert text.endswith(f"\n\n{said[0]}\n\nLesson 2, Slopes: {said[1]}\n")


@pytest.mark.parametrize("options", [["-o", "file/marks.txt"], ["--keep", "file"]])
def test_where_nothing_can_be_written_no_mark_is_lost(run, options):
    hand_in("ada", first=SOLUTION)
    Path("file").write_text("")
    code, text = run("class", *options)
    assert code == 2 and "[MG921] file" in text
    assert "-o" not in options or "ada     1/2    x  ." in text
