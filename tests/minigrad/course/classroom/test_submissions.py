"""Submissions in every shape: each gets a row with the right marks, and nothing outside is read."""

import io
import json
import os
import random
import re
import stat
import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pytest

from minigrad.course.checking import grade
from minigrad.course.checking.registry import lesson, lessons
from minigrad.course.checking.source import imported
from minigrad.course.classroom import marks
from minigrad.course.classroom.export import notebook
from minigrad.course.classroom.submissions import (
    LARGEST,
    File,
    Submission,
    contents,
    recognized,
    submissions,
)

S1, S2, S3 = (lesson(number).solution for number in (1, 2, 3))
E1, E2 = (lesson(number).exercise for number in (1, 2))
F1, F2, F3 = (lesson(number).file for number in (1, 2, 3))
W1 = f"{S1}\ndy_db = 99.0"
W2 = E2.replace("raise NotImplementedError", "return 0.0")
OLD, NEW = 1_600_000_000, 1_700_000_000


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip file. The names may be instances of ZipInfo."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def of_year(year, name):
    return zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))


def link(target):
    info = zipfile.ZipInfo(F1)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped({info: target})


def exported(number, text):
    return json.dumps(notebook(lesson(number), text))


def added(book, *codes):
    """A notebook with more cells."""
    book = json.loads(book)
    for code in codes:
        lines = code.splitlines(keepends=True)
        book["cells"].append({"cell_type": "code", "source": lines})
    return json.dumps(book)


B1 = exported(1, S1)
COLAB = '{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": ["# Mine"]}]}'
# the name of a file, and the lesson whose solution is in it
NAMES = {
    "lesson3.py": 3,
    "Lesson_03.py": 3,
    "lesson_03_gates_final.py": 3,
    "Lesson 3 - gates (final version).py": 3,
    "lesson-2.py": 2,
    "slopes.py": 2,
    "answer.py": 3,
    "leson_1.py": 1,
    "LESSON_01.PY": 1,
    "lesson_01_by_hand.py.txt": 1,
    "lesson_01_by_hand": 1,
    "lesson_02.py": 3,
    "2026-11-28 homework.py": 1,
}
# the name of what is handed in, what is in it, and the marks for lessons 1, 2 and 3 counted by hand
SHAPES = {
    "a folder": ({F1: S1, F2: S2}, "xx."),
    "an empty folder": ({}, "..."),
    "only hidden files": ({".DS_Store": "", ".git/config": ""}, "..."),
    "folders for lessons": ({"lesson 1/main.py": S1, "lesson 2/main.py": S2}, "xx."),
    "nested": ({f"my-course/{F1}": S1, f"my-course/{F2}": W2}, "x.."),
    "a zip inside": ({"work.zip": zipped({F1: S1, F2: S2})}, "xx."),
    "a zip in a zip": (
        {"a.zip": zipped({"b.zip": zipped({f"c/{F3}": S3})})},
        "..x",
    ),
    "folder and notebook.zip": (
        zipped({f"a/{F1}": S1, "2.ipynb": exported(2, S2)}),
        "xx.",
    ),
    "from a Mac.zip": (zipped({F1: S1, f"__MACOSX/._{F1}": b"\0\xff"}), "x.."),
    "from Windows.zip": (zipped({f"my-course\\{F1}": S1}), "x.."),
    "notebook": ({"lesson_01_by_hand.ipynb": B1}, "x.."),
    "notebook that was run": ({F1: S1, "lesson_01_by_hand.ipynb": B1}, "x.."),
    "notebook beside an unchanged file": ({F1: E1, "one.ipynb": B1}, "x.."),
    "unchanged notebook beside the file": (
        {F1: S1, "one.ipynb": exported(1, E1)},
        "x..",
    ),
    "Colab": (
        {"Untitled0.ipynb": added(COLAB, "%pip install numpy", *S1.split("\n\n", 1))},
        "x..",
    ),
    "a week in one file": ({"week1.py": f"{S1}\n{S2}\n{S3}"}, "xxx"),
    "exported, with a new cell": ({"a.ipynb": added(exported(1, E1), S1)}, "x.."),
    "exported, without %%writefile": (
        {"a.ipynb": B1.replace(f"%%writefile {F1}", "")},
        "x..",
    ),
    "single_lesson_01_by_hand.py": (S1, "x.."),
    "single notebook lesson 2.ipynb": (exported(2, S2), ".x."),
    "wrong": ({F1: W1, F2: S2}, ".x."),
    "unchanged": ({F1: E1, F2: E2}, "..."),
    "syntax error": ({F1: S1 + "\n)", F2: S2}, ".x."),
    "own modules": (
        {F1: "import a\nfrom a import *", "a.py": "from b import *", "b.py": S1},
        "x..",
    ),
    "module in a folder": (
        {f"x/{F1}": "from mine import *", "x/mine.py": S1},
        "x..",
    ),
    "module elsewhere": (
        {f"x/{F1}": "from mine import *", "mine.py": "a = 1"},
        "...",
    ),
    "an older version": ({F1: (W1, OLD), "lesson_01_new.py": (S1, NEW)}, "x.."),
    "a newer mistake": ({F1: (S1, OLD), "lesson_01_new.py": (W1, NEW)}, "..."),
    "old and new.zip": (
        zipped({of_year(2025, F1): W1, of_year(2026, f"new/{F1}"): S1}),
        "x..",
    ),
    "a newer unchanged file": ({F1: (S1, OLD), f"my-course/{F1}": (E1, NEW)}, "x.."),
    "numbered": ({"lesson_01.py": (W1, OLD), "lesson_01-1.py": (S1, OLD)}, "x.."),
    "copies": ({F1: S1, f"copy/{F1}": S1, f"backups/{F1}": W1}, "x.."),
    "an environment": ({F1: S1, "venv/lib/x.py": "", "node_modules/y.py": ""}, "x.."),
    "an essay": ({F1: S1, "essay.pdf": b"%PDF"}, "x.."),
    "other files": ({"notes.txt": "Lesson 2: I give up.", "a.py": "x = 1"}, "..."),
    "UTF-16": ({F1: S1.encode("utf-16"), F2: S2}, "xx."),
    "UTF-16 without its mark": ({F1: S1.encode("utf-16-le"), F2: S2}, "?x."),
    "empty file": ({F1: "", F2: S2}, ".x."),
    "an empty version": ({F1: (S1, OLD), "lesson_01_new.py": ("", NEW)}, "x.."),
    "Latin-1": ({F1: "# größe".encode("latin-1"), F2: S2}, "?x."),
    "byte order mark": ({F1: S1.encode("utf-8-sig")}, "x.."),
    "Windows lines": ({F1: S1.replace("\n", "\r\n")}, "x.."),
    "too large": ({F1: b"#" * (2 << 20), F2: S2}, "?x."),
    "damaged.zip": (b"PK\3\4 and no more", "???"),
    "damaged notebook": ({"lesson_02.ipynb": "{", F1: S1}, "x?."),
    "Ünïcode 名前": ({F1: S1}, "x.."),
}
# a part of the row's last column, which is empty for the others
NOTES = {
    "an empty folder": "an empty folder",
    "only hidden files": "an empty folder",
    "module elsewhere": "mine.py",
    "an older version": f"new.py is newer than {F1}",
    "a newer mistake": f"newer than {F1}",
    "old and new.zip": f"new/{F1} is newer",
    "numbered": "instead of lesson_01.py",
    "an essay": "essay.pdf not graded: it is not a Python",
    "other files": "a.py, notes.txt",
    "UTF-16 without its mark": "it is not UTF-8 text",
    "Latin-1": "it is not UTF-8 text",
    "too large": "it is longer than 1 MB",
    "damaged.zip": "File is not a zip file",
    "damaged notebook": "it is not a notebook",
}


def hand_in(name, content):
    """Write a submission of class/: the bytes of a file, or a dict of files. A file may have a time."""
    path = Path("class", name)
    if isinstance(content, dict):
        path.mkdir(parents=True)
        for below, one in content.items():
            hand_in(f"{name}/{below}", one)
        return
    data, time = content if isinstance(content, tuple) else (content, NEW)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    os.utime(path, (time, time))


@lru_cache
def graded_once(one, text, modules):
    return grade.grade(one, Path(one.file), text, modules=dict(modules))


@pytest.fixture
def report(typed, monkeypatch):
    """Runs `minigrad course report class ...`, which grades equal files once; returns the output."""
    monkeypatch.setattr(
        marks,
        "grade",
        lambda one, path, text, wall, modules: graded_once(one, text, tuple(modules.items())),
    )

    def run(*words):
        code, text = typed("report", "class", "--lesson", "1-3", *words)
        assert code == 0
        return text

    return run


def found(text):
    """(marks, note) for each submission in the report's JSON."""
    rows = {}
    for row in json.loads(text)["submissions"]:
        signs = [
            "?" if one["said"].startswith("could not be read") else ".x"[one["passed"]]
            for one in row["lessons"]
        ]
        rows[row["name"]] = "".join(signs), row["note"]
    return rows


# --- report


def test_submissions_in_every_shape_get_the_marks_counted_by_hand(report):
    shapes = dict(SHAPES)
    for name, number in NAMES.items():
        signs = ["x..", ".x.", "..x"][number - 1]
        shapes[f"with {name}"] = {name: lesson(number).solution}, signs
    for name, (content, _) in shapes.items():
        hand_in(name, content)
    rows = found(report("--json"))
    expected = {name: signs for name, (_, signs) in shapes.items()}
    assert {name: signs for name, (signs, _) in rows.items()} == expected
    for name, (_, note) in rows.items():
        assert NOTES.get(name, "") in note
        assert bool(note) == (name in NOTES)
    table = report()
    for name, signs in expected.items():
        count = signs.count("x")
        cells = re.escape("  ".join(signs))
        assert re.search(rf"^{re.escape(name)} +{count}/3    {cells}", table, re.M)


DOWNLOADED = {
    # Canvas: name, LATE, the student's number, the file's number, the file's name with a version
    "doejane_101_9001_lesson_01_by_hand.py": W1,
    "doejane_101_9002_lesson_01_by_hand-1.py": S1,
    "doejane_101_9003_helpers.py": "def slope(): return 1",
    "doejane_101_9004_lesson_02_slopes.py": "from helpers import slope\n" + S2,
    "roejohn_LATE_102_9005_Lesson 2.py": S2,
    "coursework_103_9006_work.zip": zipped({f"my-course/{F1}": S1}),
    # Moodle: a folder or a file for each student
    "Ada Lovelace_201_assignsubmission_file_": {F1: S1},
    "Bob von der Au_202_assignsubmission_file": {"lesson3.py": S3},
    "Eve_203_assignsubmission_file_lesson_01.py": S1,
    "Eve_203_assignsubmission_onlinetext_onlinetext.html": "<p>here you are</p>",
}


def test_downloads_of_canvas_and_moodle_have_a_row_for_each_student(report):
    for name, content in DOWNLOADED.items():
        hand_in(name, content)
    rows = found(report("--json"))
    assert {name: signs for name, (signs, _) in rows.items()} == {
        "doejane_101": "xx.",
        "roejohn_102": ".x.",
        "coursework_103": "x..",
        "Ada Lovelace_201": "x..",
        "Bob von der Au_202": "..x",
        "Eve_203": "x..",
    }
    assert "instead of lesson_01_by_hand.py" in rows["doejane_101"][1]
    ids = {one.name: one.id for one in submissions([Path("class")])}
    assert ids["Eve_203"] == "203"


@pytest.mark.skipif(os.name != "posix", reason="needs Linux or macOS")
def test_names_that_look_alike_do_not_share_their_marks(report):
    hand_in("eve\n", {F1: W1})
    hand_in(r"eve\n", {F1: S1})
    rows = found(report("--json"))
    assert rows == {r"eve\n": ("...", ""), r"eve\n'": ("x..", "")}


def test_a_long_note_is_cut(report):
    names = [f"{'x' * 200}{number}.pdf" for number in range(50)]
    hand_in("eve", dict.fromkeys(names, ""))
    ((_, note),) = found(report("--json")).values()
    assert len(note) == 1004
    assert note.endswith("...")


def test_too_many_files_are_not_graded(report):
    hand_in("eve", {f"{number}.py": "" for number in range(1001)})
    note = "eve not graded: it contains more than 1,000 files"
    assert found(report("--json")) == {"eve": ("???", note)}


# --- submissions


def names_of(*files):
    for name in files:
        hand_in(name, S3 if "3" in name else S1)
    found = submissions([Path("class")])
    return {one.name: len(one.files) for one in found}


def test_single_files_of_a_student_are_one_submission(typed):
    files = "eve_lesson_01.py", "eve_lesson_03_gates.py", "bob_lesson_03.py"
    assert names_of(*files) == {"bob_lesson_03.py": 1, "eve": 2}


def test_single_files_of_a_group_stay_apart(typed):
    files = "a_lesson_03_eve.py", "a_lesson_03_bob.py", "a_lesson_01_bob.py"
    assert names_of(*files) == {"a_bob": 2, "a_lesson_03_eve.py": 1}


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["lesson_03_eve.py", "lesson_03_bob.py"], "bob eve"),
        (["lesson_03_eve.py", "lesson_03_bob.py", "lesson_01_bob.py"], "bob eve"),
        (["lesson_03_gates.py", "lesson_03_old.py", "lesson_03_b.py"], "class"),
        (["lesson_03_new.py", "lesson_03-final (2).py"], "class"),
        (["lesson_03_eve.py", "lesson_01_eve.py"], "class"),
        (["lesson_01_by_hand.py", "lesson_03_gates.py"], "class"),
        (["week1_lesson_01.py", "week3_lesson_03.py", "lesson_03_gates.py"], "class"),
        (
            ["eve_lesson_03.py", "bob_lesson_03.py", "lesson_03_gates.py"],
            "bob_lesson_03.py eve_lesson_03.py lesson_03_gates.py",
        ),
    ],
)
def test_names_after_the_lesson_are_students_if_there_are_several(typed, files, names):
    assert " ".join(sorted(names_of(*files))) == names


def test_submissions_of_folders_beside_one_file(typed):
    for name in ("ada", "bob"):
        hand_in(name, {F1: S1})
    hand_in(F2, S2)
    assert [one.name for one in submissions([Path("class")])] == ["ada", "bob", F2]
    Path("class/ada/old").mkdir()
    assert [one.name for one in submissions([Path("class/ada")])] == ["ada"]


def test_submissions_with_long_numbers_deep_folders_and_many_modules(typed):
    files = {
        f"m{level}{half}.py": f"import m{level + 1}a, m{level + 1}b"
        for level in range(99)
        for half in "ab"
    }
    number = "9" * 5000
    files[F1] = f'"""Lesson {number}: x"""\nimport m0a\n{S1}'
    files["lines.py"] = "from a" + "\n" * 100_000
    work = zipped({f"lesson_01_{number}.py": S1})
    hand_in("eve", {**files, "work.zip": work})
    top = Path("class").resolve()
    os.chdir("class/eve")
    for _ in range(1500):
        os.mkdir("a")
        os.chdir("a")
    (one,) = submissions([top])
    for _ in range(1500):  # too deep for pytest
        os.chdir("..")
        os.rmdir("a")
    assert {*one.chosen} == {lesson(1).name}
    assert len(one.notes) == 2
    modules = imported(files)
    assert len(modules) == 197
    assert "m98b.py" in modules and "m0b.py" not in modules


# --- recognized


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
@pytest.mark.parametrize("file", ["exercise.py", "solution.py"])
def test_recognized_without_a_name(one, file):
    # without the text that contains the number
    text = one.read(file).partition('"""\n')[2]
    assert recognized(File(PurePosixPath("answer.py"), 0.0, text)) == one


def test_recognized_is_no_lesson_in_other_code():
    text = "import numpy as np\nx = 1\nname = 2"
    assert recognized(File(PurePosixPath("tool.py"), 0.0, text)) is None


# --- contents of zip files


def deep(levels):
    data = zipped({F1: S1})
    for level in range(levels):
        data = zipped({f"{level}.zip": data})
    return data


ENCRYPTED = zipped({F1: S1}).replace(b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0")
HOSTILE = {
    "outside": (
        zipped({"../../outside.py": "x", f"/tmp/{F2}": S2, F1: S1}),
        "../outside.py leads outside",
    ),
    "link": (link("/etc/passwd"), "a link, which is not followed"),
    "bomb": (
        zipped({f"{n}.py": b"#" * (1 << 20) for n in range(60)}),
        "it contains more than 50 MB",
    ),
    "one large file": (zipped({F1: bytes(LARGEST + 1)}), "it is longer than 1 MB"),
    "many": (
        zipped({f"{n}.py": "" for n in range(10_000)}),
        "it contains more than 1,000 files",
    ),
    "empty": (zipped({}), "it is empty"),
    "bzip2": (
        zipped({F1: bytes(1 << 20)}, zipfile.ZIP_BZIP2),
        "its compression method is not",
    ),
    "skipped": (
        zipped({"x": b"PK\1\2" * 100_001}, zipfile.ZIP_STORED),
        "more than 100,000 files",
    ),
    "a name": (zipped({"A": S1}).replace(b"A", b"\0"), ""),
    "encrypted": (ENCRYPTED, "encrypted"),
    "deep": (deep(9), "more than 4 zip files are inside each other"),
}


def test_hostile_zip_files_have_a_note_and_write_nothing(report):
    for name, (data, _) in HOSTILE.items():
        hand_in(f"{name}.zip", data)
    before = sorted(Path(".").rglob("*"))
    rows = found(report("--json"))
    assert [*rows] == sorted(f"{name}.zip" for name in HOSTILE)
    for name, (_, note) in HOSTILE.items():
        assert note in rows[f"{name}.zip"][1]
    assert rows["outside.zip"][0] == "x?."
    assert sorted(Path(".").rglob("*")) == before


def test_contents_of_damaged_zip_files_raise_nothing(tmp_path):
    rng, path = random.Random(0), tmp_path / "damaged.zip"
    files = {F1: S1, "a/b.zip": zipped({"x.py": "a = 1"})}
    whole = [zipped(files, method) for method in (0, 8, 12, 14)]
    for _ in range(500):
        data = bytearray(rng.choice(whole))
        for _ in range(rng.choice((1, 2, 4))):
            place = rng.randrange(max(0, len(data) - 300), len(data))
            data[place] = rng.choice((0, 255, rng.randrange(256)))
        path.write_bytes(data)
        Submission("damaged", contents(path, path.name))
