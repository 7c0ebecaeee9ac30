"""Every submission has a row with the right marks, whatever its shape, and nothing is written or read
outside it.
"""

import io
import json
import os
import random
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
from minigrad.course.workbook import files_in
from minigrad.errors import DataError

S1, S2, S3, S5 = (lesson(number).read("solution.py") for number in (1, 2, 3, 5))
E1, E2 = (lesson(number).read("exercise.py") for number in (1, 2))
F1, F2, F3 = (lesson(number).file for number in (1, 2, 3))
W1 = f"{S1}\ndy_db = 99.0"
W2 = E2.replace("raise NotImplementedError", "return 0.0")
BROKEN = S1 + "\n)"
OLD, NEW = 1_600_000_000, 1_700_000_000


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip file."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def dated(*versions):
    """The bytes of a zip file with (name, year, text)."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, year, text in versions:
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), text)
    return data.getvalue()


def exported(number, text):
    return json.dumps(notebook(lesson(number), text))


def colab(*codes):
    cells = [{"cell_type": "markdown", "source": ["# My answer"]}]
    cells += [
        {"cell_type": "code", "source": code.splitlines(keepends=True)}
        for code in codes
    ]
    return json.dumps({"cells": cells, "nbformat": 4})


def link(target):
    info = zipfile.ZipInfo(F1)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(info, target)
    return data.getvalue()


def added(book, code):
    """A notebook with another cell at its end."""
    cells = json.loads(book)["cells"]
    return json.dumps(
        {"cells": [*cells, {"cell_type": "code", "source": code}], "nbformat": 4}
    )


SPLIT = S1.split("\n\n", 1)
# the name of what is handed in, what is in it, the marks for lessons 1, 2 and 3 counted by hand, and a
# part of the row's last column
SHAPES = [
    ("a folder", {F1: S1, F2: S2}, "xx.", ""),
    ("all three", {F1: S1, F2: S2, F3: S3}, "xxx", ""),
    ("an empty folder", {}, "...", "an empty folder"),
    ("only hidden files", {".DS_Store": "", ".git/config": ""}, "...", "an empty folder"),
    ("lesson3", {"lesson3.py": S3}, "..x", ""),
    ("capitals", {"Lesson_03.py": S3}, "..x", ""),
    ("final", {"lesson_03_gates_final.py": S3}, "..x", ""),
    ("spaces", {"Lesson 3 - gates (final version).py": S3}, "..x", ""),
    ("dashes", {"lesson-2.py": S2}, ".x.", ""),
    ("no number", {"slopes.py": S2}, ".x.", ""),
    ("no hint at all", {"answer.py": S3}, "..x", ""),
    ("misspelt", {"leson_1.py": S1}, "x..", ""),
    ("upper case suffix", {"LESSON_01.PY": S1}, "x..", ""),
    ("text file", {f"{F1}.txt": S1}, "x..", ""),
    ("no suffix", {"lesson_01_by_hand": S1}, "x..", ""),
    ("folders for lessons", {"lesson 1/main.py": S1, "lesson 2/main.py": S2}, "xx.", ""),
    ("nested", {f"my-course/{F1}": S1, f"my-course/{F2}": W2}, "x..", ""),
    ("deeply nested", {f"a/b/c/d/{F1}": S1}, "x..", ""),
    ("two courses", {f"monday/{F1}": S1, f"friday/{F2}": S2}, "xx.", ""),
    ("a zip inside", {"work.zip": zipped({F1: S1, F2: S2})}, "xx.", ""),
    ("a zip in a zip", {"a.zip": zipped({"b.zip": zipped({f"c/{F3}": S3})})}, "..x", ""),
    ("on top.zip", zipped({F1: S1, F2: S2}), "xx.", ""),
    ("with a folder.zip", zipped({f"my-course/{F1}": S1, "my-course/progress.json": "{}"}), "x..", ""),
    ("from a Mac.zip", zipped({F1: S1, f"__MACOSX/._{F1}": b"\0\xff"}), "x..", ""),
    ("from Windows.zip", zipped({f"my-course\\{F1}": S1}), "x..", ""),
    ("notebook", {"lesson_01_by_hand.ipynb": exported(1, S1)}, "x..", ""),
    ("notebooks.zip", zipped({f"{n}.ipynb": exported(n, t) for n, t in ((1, S1), (2, S2))}), "xx.", ""),
    ("notebook that was run", {F1: S1, "lesson_01_by_hand.ipynb": exported(1, S1)}, "x..", ""),
    ("notebook beside an unchanged file", {F1: E1, "one.ipynb": exported(1, S1)}, "x..", ""),
    ("unchanged notebook beside the file", {F1: S1, "one.ipynb": exported(1, E1)}, "x..", ""),
    ("Colab", {"Untitled0.ipynb": colab("%pip install numpy", *SPLIT)}, "x..", ""),
    ("a week in one file", {"week1.py": f"{S1}\n{S2}\n{S3}"}, "xxx", ""),
    ("exported, with a new cell", {"a.ipynb": added(exported(1, E1), S1)}, "x..", ""),
    ("exported, without %%writefile", {"a.ipynb": exported(1, S1).replace(f"%%writefile {F1}", "")}, "x..", ""),
    ("single_lesson_01_by_hand.py", S1, "x..", ""),
    ("single notebook lesson 2.ipynb", exported(2, S2), ".x.", ""),
    ("wrong", {F1: W1, F2: S2}, ".x.", ""),
    ("unchanged", {F1: E1, F2: E2}, "...", ""),
    ("syntax error", {F1: BROKEN, F2: S2}, ".x.", ""),
    ("empty file", {F1: "", F2: S2}, ".x.", ""),
    ("wrong number", {"lesson_02.py": S3}, "..x", ""),
    ("a number elsewhere", {"2026-11-28 homework.py": S1}, "x..", ""),
    ("own module", {F1: "from helpers import *", "helpers.py": S1}, "x..", ""),
    ("own modules", {F1: "import a\nfrom a import *", "a.py": "from b import *", "b.py": S1}, "x..", ""),
    ("module in a folder", {f"x/{F1}": "from mine import *", "x/mine.py": S1}, "x..", ""),
    ("module elsewhere", {f"x/{F1}": "from mine import *", "mine.py": "a = 1"}, "...", "mine.py"),
    ("an older version", {F1: (W1, OLD), "lesson_01_new.py": (S1, NEW)}, "x..", f"new.py is newer than {F1}"),
    ("a newer mistake", {F1: (S1, OLD), "lesson_01_new.py": (W1, NEW)}, "...", f"newer than {F1}"),
    ("old and new.zip", dated((F1, 2025, W1), (f"new/{F1}", 2026, S1)), "x..", f"new/{F1} is newer"),
    ("a newer unchanged file", {F1: (S1, OLD), "my-course/" + F1: (E1, NEW)}, "x..", ""),
    ("numbered", {"lesson_01.py": (W1, OLD), "lesson_01-1.py": (S1, OLD)}, "x..", "instead of lesson_01.py"),
    ("copies", {F1: S1, f"copy/{F1}": S1, f"backups/{F1}": W1}, "x..", ""),
    ("an environment", {F1: S1, "venv/lib/x.py": "", "node_modules/y.py": ""}, "x..", ""),
    ("an essay", {F1: S1, "essay.pdf": b"%PDF"}, "x..", "essay.pdf not graded: it is not a Python"),
    ("other files", {"notes.txt": "Lesson 2: I give up.", "a.py": "x = 1"}, "...", "a.py, notes.txt"),
    ("UTF-16", {F1: S1.encode("utf-16"), F2: S2}, "?x.", f"{F1} not graded: it is UTF-16 text"),
    ("Latin-1", {F1: "# größe".encode("latin-1"), F2: S2}, "?x.", "it is not UTF-8 text"),
    ("byte order mark", {F1: S1.encode("utf-8-sig")}, "x..", ""),
    ("Windows lines", {F1: S1.replace("\n", "\r\n")}, "x..", ""),
    ("too large", {F1: b"#" * (2 << 20), F2: S2}, "?x.", "it is longer than 1 MB"),
    ("damaged.zip", b"PK\3\4 and no more", "???", "File is not a zip file"),
    ("damaged notebook", {"lesson_02.ipynb": "{", F1: S1}, "x?.", "it is not a notebook"),
    ("Ünïcode 名前", {F1: S1}, "x..", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def grader():
    """Grades each different file only once, to save time."""

    @lru_cache
    def once(one, text, modules):
        return grade.grade(one, Path(one.file), text, modules=dict(modules))

    return lambda one, path, text, wall, modules: once(
        one, text, tuple(modules.items())
    )


def hand_in(folder, content):
    """Write a submission. Its content is the bytes of a file, or a dict of files: their contents, or
    contents and times.
    """
    if not isinstance(content, dict):
        folder.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(folder, (NEW, NEW))
        return
    folder.mkdir(parents=True)
    for name, data in content.items():
        data, time = data if isinstance(data, tuple) else (data, NEW)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
        os.utime(folder / name, (time, time))


def found(text):
    """(marks, note) for each submission in the report's JSON."""
    rows = json.loads(text)["submissions"]
    signs = {True: "x", False: "."}
    return {
        row["name"]: (
            "".join("?" if one["said"].startswith("could not be read") else signs[one["passed"]]
                    for one in row["lessons"]),
            row["note"],
        )
        for row in rows
    }  # fmt: skip


def test_sixty_submissions_in_sixty_shapes_have_the_marks_counted_by_hand(
    typed, grader, monkeypatch
):
    assert len(SHAPES) == len({name for name, *_ in SHAPES}) >= 60
    monkeypatch.setattr(marks, "grade", grader)
    Path("class").mkdir()
    for name, content, *_ in SHAPES:
        hand_in(Path("class", name), content)
    chosen = ["--lesson", "1", "--lesson", "2", "--lesson", "3"]
    code, text = typed("report", "class", "--json", *chosen)
    rows = found(text)
    assert code == 0 and len(rows) == len(SHAPES)
    assert {name: rows[name][0] for name, *_ in SHAPES} == {
        name: m for name, _, m, _ in SHAPES
    }
    for name, _, _, note in SHAPES:
        assert note in rows[name][1] and bool(note) == bool(rows[name][1]), (
            name,
            rows[name][1],
        )
    code, table = typed("report", "class", *chosen)
    lines = {
        line[: line.index("/3")][:-4].strip(): line
        for line in table.splitlines()
        if "/3" in line
    }
    assert code == 0 and len(lines) == len(SHAPES)
    for name, _, signs, _ in SHAPES:
        assert f"{signs.count('x'):>4}/3    {'  '.join(signs)}" in lines[name], name


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


def test_the_downloads_of_canvas_and_moodle_have_a_row_for_each_student(
    typed, grader, monkeypatch
):
    monkeypatch.setattr(marks, "grade", grader)
    Path("class").mkdir()
    for name, content in DOWNLOADED.items():
        hand_in(Path("class", name), content)
    chosen = ["--lesson", "1", "--lesson", "2", "--lesson", "3"]
    code, text = typed("report", "class", "--json", *chosen)
    rows = found(text)
    assert {name: marks for name, (marks, _) in rows.items()} == {
        "doejane_101": "xx.", "roejohn_102": ".x.", "coursework_103": "x..",
        "Ada Lovelace_201": "x..", "Bob von der Au_202": "..x", "Eve_203": "x..",
    }  # fmt: skip
    assert code == 0 and "instead of lesson_01_by_hand.py" in rows["doejane_101"][1]
    assert [
        one.id for one in submissions([Path("class")]) if one.name == "Eve_203"
    ] == ["203"]


def test_every_solution_and_exercise_is_recognized_without_its_name():
    for one in lessons():
        for file in ("exercise.py", "solution.py"):
            text = one.read(file).partition('"""\n')[
                2
            ]  # without the text that contains the number
            assert recognized(File(PurePosixPath("answer.py"), 0.0, text)) == one, (
                one.name,
                file,
            )
    assert (
        recognized(
            File(PurePosixPath("tool.py"), 0.0, "import numpy as np\nx = 1\nname = 2")
        )
        is None
    )


HOSTILE = {
    "outside.zip": (zipped({"../../outside.py": "x", f"/tmp/{F2}": S2, F1: S1}), "../outside.py leads outside"),
    "link.zip": (link("/etc/passwd"), "a link, which is not followed"),
    "bomb.zip": (zipped({f"{n}.py": b"#" * (1 << 20) for n in range(60)}), "it contains more than 50 MB"),
    "one large file.zip": (zipped({F1: bytes(LARGEST + 1)}), "it is longer than 1 MB"),
    "many.zip": (zipped({f"{n}.py": "" for n in range(10_000)}), "it contains more than 1,000 files"),
    "empty.zip": (zipped({}), "it is empty"),
    "bzip2.zip": (zipped({F1: bytes(1 << 20)}, zipfile.ZIP_BZIP2), "its compression method is not"),
    "skipped.zip": (zipped({"x": b"PK\1\2" * 100_001}, zipfile.ZIP_STORED), "more than 100,000 files"),
    "a name.zip": (zipped({"A": S1}).replace(b"A", b"\0"), ""),
    "encrypted.zip": (zipped({F1: S1}).replace(b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0"), "encrypted"),
}  # fmt: skip


def deep(levels):
    data = zipped({F1: S1})
    for level in range(levels):
        data = zipped({f"{level}.zip": data})
    return data


def test_hostile_zip_files_have_a_row_that_says_so_and_nothing_is_written(
    typed, tmp_path
):
    folder = Path("a/class")
    folder.mkdir(parents=True)
    shapes = {
        **HOSTILE,
        "deep.zip": (deep(9), "more than 4 zip files are inside each other"),
    }
    for name, (data, _) in shapes.items():
        (folder / name).write_bytes(data)
    assert (folder / "one large file.zip").stat().st_size < 100_000
    before = sorted(Path(".").rglob("*"))
    code, text = typed("report", "a/class", "--lesson", "1", "--json")
    rows = found(text)
    assert code == 0 and list(rows) == sorted(shapes)
    for name, (_, note) in shapes.items():
        assert note in rows[name][1], name
    assert rows["outside.zip"][0] == "x" and sorted(Path(".").rglob("*")) == before


def test_damaged_zip_files_never_stop_the_report(tmp_path):
    rng, path = random.Random(0), tmp_path / "damaged.zip"
    whole = [
        zipped({F1: S1, "a/b.zip": zipped({"x.py": "a = 1"})}, method)
        for method in (0, 8, 12, 14)
    ]
    for _ in range(500):
        data = bytearray(rng.choice(whole))
        for _ in range(rng.choice((1, 2, 4))):
            data[rng.randrange(max(0, len(data) - 300), len(data))] = rng.choice(
                (0, 255, rng.randrange(256))
            )
        path.write_bytes(data)
        Submission("damaged", contents(path, path.name))


def test_long_numbers_deep_folders_and_many_modules_take_no_time(tmp_path, monkeypatch):
    folder = tmp_path / "eve"
    files = {
        f"m{level}{half}.py": f"import m{level + 1}a, m{level + 1}b"
        for level in range(99)
        for half in "ab"
    }
    number = "9" * 5000
    files |= {
        F1: f'"""Lesson {number}: x"""\nimport m0a\n{S1}',
        "lines.py": "from a" + "\n" * 100_000,
    }
    hand_in(folder, files)
    (folder / "work.zip").write_bytes(zipped({f"lesson_01_{number}.py": S1}))
    monkeypatch.chdir(folder)
    for _ in range(1500):
        os.mkdir("a")
        os.chdir("a")
    (one,) = submissions([tmp_path])
    for _ in range(1500):  # too deep for pytest
        os.chdir("..")
        os.rmdir("a")
    assert set(one.chosen) == {lesson(1).name} and len(one.notes) == 2
    modules = imported(files)
    assert len(modules) == 197 and "m98b.py" in modules and "m0b.py" not in modules


def test_one_lesson_file_beside_the_folders_of_a_class_is_one_of_many(typed):
    for name in ("ada", "bob"):
        hand_in(Path("class", name), {F1: S1})
    Path("class", F2).write_text(S2)
    assert [one.name for one in submissions([Path("class")])] == ["ada", "bob", F2]
    Path("class/ada/old").mkdir()
    assert [one.name for one in submissions([Path("class/ada")])] == ["ada"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_names_that_look_alike_do_not_share_their_marks(typed, grader, monkeypatch):
    monkeypatch.setattr(marks, "grade", grader)
    hand_in(Path("class", "eve\n"), {F1: W1})
    hand_in(Path("class", r"eve\n"), {F1: S1})
    rows = found(typed("report", "class", "--lesson", "1", "--json")[1])
    assert rows == {r"eve\n": (".", ""), r"eve\n'": ("x", "")}


def test_a_long_note_is_cut(typed):
    hand_in(
        Path("class", "eve"), {f"{'x' * 200}{number}.pdf": b"" for number in range(50)}
    )
    ((_, note),) = found(
        typed("report", "class", "--lesson", "1", "--json")[1]
    ).values()
    assert len(note) == 1004 and note.endswith("...")


def test_ten_thousand_files_in_a_folder(typed):
    folder = Path("class/eve")
    folder.mkdir(parents=True)
    for number in range(1001):
        (folder / f"{number}.py").write_text("")
    rows = found(typed("report", "class", "--lesson", "1", "--json")[1])
    assert rows == {"eve": ("?", "eve not graded: it contains more than 1,000 files")}


def test_files_in_opens_exported_work_and_nothing_else(tmp_path):
    path = tmp_path / "anna_17.zip"
    path.write_bytes(
        zipped({f"anna/{F1}": "a = 1", "anna/progress.json": "{}", "b.py": ""})
    )
    assert files_in(path) == {F1: "a = 1", "progress.json": "{}"}
    single = tmp_path / f"anna_17_{F1}"
    single.write_text("c = 3")
    assert files_in(single) == {F1: "c = 3"}
    for data in (b"", b"PK\x03\x04 and no more", zipped({"notes.txt": "hello"})):
        path.write_bytes(data)
        with pytest.raises(DataError, match="MG924"):
            files_in(path)
