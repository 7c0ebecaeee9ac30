"""The report: whatever is handed in has a row, in every format, without escapes of its files."""

import json
import os
from pathlib import Path

import pytest

from minigrad.course.checking.registry import lesson

FIRST = lesson(1).file
SOLUTION = lesson(1).solution


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
        (folder / file.replace("first", FIRST)).write_text(text)
    return folder


def rows(text):
    return {row["name"]: row for row in json.loads(text)["submissions"]}


def test_table_explains_every_symbol_in_it(run):
    hand_in("passed", first=SOLUTION)
    hand_in("empty", first="")
    _, text = run("class", "--lesson", "1")
    table, legend, *_ = text.split("\n\n")
    symbols = {line.split()[2] for line in table.splitlines()[1:]}
    assert symbols == {"x", "."}
    assert legend == "x: passed   .: not passed   ?: not graded"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs Linux or macOS")
def test_report_notes_what_cannot_be_read(run, monkeypatch):
    secret = Path("secret.py").absolute()
    secret.write_text("the secret = 1")
    hand_in("long", first="#" * 2**21)
    (hand_in("link") / FIRST).symlink_to(secret)
    folder = hand_in("inside", **{"final.py": SOLUTION})
    (folder / FIRST).symlink_to("final.py")
    os.mkfifo(hand_in("pipe") / FIRST)  # would keep its reader waiting for ever
    os.symlink("self", "class/self")
    os.mkfifo("class/fifo")
    hand_in("locked")
    iterdir = Path.iterdir

    def refuse(path):  # root may read everything
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    code, text = run("class", "--json")
    assert code == 0
    assert "secret" not in text
    found = rows(text)
    assert {name: row["note"] for name, row in found.items()} == {
        "long": f"{FIRST} not graded: it is longer than 1 MB",
        "link": f"{FIRST} not graded: a link, which is not followed",
        "inside": f"{FIRST} not graded: a link, which is not followed",
        "pipe": f"{FIRST} not graded: it is a folder or a device",
        "self": "self not graded: a link, which is not followed",
        "fifo": "fifo not graded: it is a folder or a device",
        "locked": "locked not graded: Permission denied",
    }
    assert [name for name, row in found.items() if row["points"]] == ["inside"]
    assert f"pipe       0/2    ?  .  {FIRST} not graded" in run("class")[1]


@pytest.mark.skipif(os.name != "posix", reason="needs Linux or macOS")
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
def test_report_escapes_names(run, options):
    files = {"\x1b[31m<b>.py": "", "\u202e.py": ""}
    hand_in("eve\x1b[2J\nada 2", first="dy_ds = 9.0", **files)
    os.mkdir(b"class/lat\xe9")
    text = run("class", *options)[1]
    if "p.html" in options:
        text = Path("p.html").read_text("utf-8")
        assert "<b>.py" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "eve\\x1b[2J\\nada 2" in text.replace("\\\\", "\\")


def test_report_of_several_folders(run):
    for name in ("a/ada", "b/ada"):
        hand_in(name)
    text = run("class/a", "class/b", "class/a/ada", "--json")[1]
    assert [*rows(text)] == ["a/ada", "b/ada"]
    code, text = run("class/a", "class/b", "--gradescope")
    assert (code, "MG918" in text) == (2, True)


def test_report_names_a_submission_that_does_not_exist(run):
    code, text = run("bb")
    assert code == 2
    assert "[MG919] there is no submission 'bb'" in text


def test_feedback_is_a_text_with_the_name_that_moodle_expects(run):
    for name in ("Zoë O'Neil_203_assignsubmission_file", "a/b", "a-b"):
        hand_in(name, first=f"{SOLUTION}\ndy_db = 99.0", **{"essay.pdf": ""})
    code, printed = run("class", "class/a/b", "--feedback", "texts", "--json")
    assert code == 0
    paths = Path("texts").rglob("*.txt")
    texts = {str(path.relative_to("texts")): path.read_text("utf-8") for path in paths}
    assert texts.keys() == {
        "Zoë O'Neil_203_assignsubmission_file_feedback.txt",  # as in importziplib.php
        "a.txt",
        "a/b.txt",
        "a-b.txt",
    }
    first, second = (one["said"] for one in rows(printed)["a-b"]["lessons"])
    assert "99" in first
    text = texts["a-b.txt"]
    assert text.startswith("0 of 2 points\n\nessay.pdf not graded: it is not a Python")
    assert text.endswith(f"\n\n{first}\n\nLesson 2, Slopes: {second}\n")


@pytest.mark.parametrize("options", [["-o", "file/marks.txt"], ["--keep", "file"]])
def test_report_that_cannot_be_written_loses_no_mark(run, options):
    hand_in("ada", first=SOLUTION)
    Path("file").write_text("")
    code, text = run("class", *options)
    assert code == 2
    assert "[MG921] file" in text
    if "-o" in options:
        assert "ada     1/2    x  ." in text


@pytest.mark.parametrize(
    ("words", "with_"),
    [
        (["--names"], "--statistics"),
        (["--column", "Grade"], "--roster FILE"),
        (["--by", "Name"], "--roster FILE"),
        (["--names", "--csv"], "--statistics"),
        (["--visibility", "hidden"], "--gradescope"),
    ],
)
def test_report_names_the_option_that_another_one_needs(run, words, with_):
    code, text = run(*words)
    assert code == 2
    assert f"[MG932] {words[0]} has no effect without {with_}" in text


def test_report_does_not_count_an_empty_file_as_begun(run):
    hand_in("ada", first=" \n")
    (mark, _) = rows(run("class", "--json")[1])["ada"]["lessons"]
    assert (mark["said"], mark["kind"]) == ("not written yet", "")
