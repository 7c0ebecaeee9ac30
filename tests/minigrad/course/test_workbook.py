"""A learner's folder: nothing of theirs is overwritten, nothing they have reached is lost."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from minigrad.course.checking.registry import lesson, lessons
from minigrad.course.workbook import Workbook, files_in, own_code
from minigrad.errors import DataError

from .conftest import record, write

ONE = lesson(1)


# --- start


def test_start_never_overwrites(course):
    first, second = (Path(lesson(number).file) for number in (1, 2))
    first.write_text("mine")
    second.unlink()
    code, text = course("start", ".")
    assert code == 0
    assert f"1 lessons copied; {len(lessons()) - 1} already existed" in text
    assert first.read_text() == "mine"
    assert second.read_text() == lesson(2).exercise


def test_start_copies_some_lessons_and_later_more(typed, tmp_path, monkeypatch):
    code, text = typed("start", "c", "--lesson", "3-5")
    assert code == 0
    assert "3 lessons are ready. Continue with: cd c " in " ".join(text.split())
    monkeypatch.chdir("c")
    pages = {path.stem for path in Path("pages").iterdir()}
    assert pages == {lesson(number).name for number in (3, 4, 5)}
    text = typed()[1]
    assert "0 of 3 lessons passed. Current lesson: 3, Gates." in text
    assert "[MG915]" in typed("check", "1")[1]
    for number in (3, 4):
        record(number, passed="now")
    write(5)
    text = typed("check")[1]
    assert "That was the last lesson. 3 of 3 lessons passed." in text
    assert typed()[1].endswith("minigrad course show 5\n")
    text = typed("start", ".", "--lesson", "5,6")[1]
    assert "1 lessons copied; 1 already existed" in text
    assert "3 of 4 lessons passed. Current lesson: 6" in typed()[1]
    assert len(typed("list")[1].splitlines()) == 6


@pytest.mark.parametrize("numbers", ["9-3x", "0", "18-99", "3,,4", "-2"])
def test_start_names_lessons_that_do_not_exist(typed, numbers):
    code, text = typed("start", "c", f"--lesson={numbers}")
    assert code == 2
    assert "[MG911]" in text
    assert not Path("c").exists()


def test_start_does_not_nest_courses(course):
    code, text = course("start", "my-course", "--lesson", "3")
    assert code == 2
    assert "[MG914]" in text and "minigrad course start ." in text
    assert not Path("my-course").exists()


def test_start_below_a_file_is_refused(typed):
    Path("file").touch()
    assert "[MG914]" in typed("start", "file/c")[1]


def test_start_takes_the_work_that_a_page_exported(tmp_path):
    folder, work = tmp_path / "course", tmp_path / "my-course.zip"
    progress = {ONE.name: {"passed": "2026-11-28 10:00"}}
    with zipfile.ZipFile(work, "w") as archive:
        archive.writestr(ONE.file, "dy_ds = 1")
        archive.writestr("progress.json", json.dumps(progress))
    workbook, kept = Workbook.start(folder, work)
    assert workbook.text(ONE) == "dy_ds = 1"
    assert workbook.passed(ONE)
    assert kept == []
    (folder / ONE.file).write_text("dy_ds = 2")
    workbook, kept = Workbook.start(folder, work)
    assert workbook.text(ONE) == "dy_ds = 2"
    assert ONE.file in kept


# --- files_in


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def test_files_in_exported_work(tmp_path):
    path, single = tmp_path / "anna_17.zip", tmp_path / f"anna_17_{ONE.file}"
    files = {f"anna/{ONE.file}": "a = 1", "anna/progress.json": "{}", "b.py": ""}
    path.write_bytes(zipped(files))
    assert files_in(path) == {ONE.file: "a = 1", "progress.json": "{}"}
    single.write_text("c = 3")
    assert files_in(single) == {ONE.file: "c = 3"}


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04 and no more", zipped({"notes.txt": "hello"})],
    ids=["empty", "damaged", "notes"],
)
def test_files_in_anything_else_are_refused(tmp_path, data):
    path = tmp_path / "anna_17.zip"
    path.write_bytes(data)
    with pytest.raises(DataError, match="MG924"):
        files_in(path)


# --- without


def test_without_adds_up(typed):
    typed("start", "c", "--lesson", "1", "--without", "solutions")
    typed("start", "c", "--lesson", "2", "--without", "hints")
    assert Workbook(Path("c")).without == "solutions,hints"


@pytest.mark.parametrize(
    ("without", "shown", "hidden"),
    [
        ("solutions", ["hint"], ["solution"]),
        ("hints", ["solution"], ["hint"]),
        ("solutions,hints", [], ["hint", "solution"]),
    ],
)
def test_without_hides_commands(typed, monkeypatch, without, shown, hidden):
    typed("start", "c", "--lesson", "1", "--without", without)
    monkeypatch.chdir("c")
    readme = Path("README.md").read_text()
    assert "minigrad course reset" in readme
    printed = ""
    for tries in (0, 3):
        record(1, tries={"dy_ds": tries})
        write(1, f"dy_ds = {tries}")
        printed += typed("check")[1]
    for word in shown:
        assert "[MG929]" not in typed(word)[1]
        for text in (readme, printed):
            assert f"minigrad course {word}" in text
    for word in hidden:
        assert "[MG929]" in typed(word)[1]
        for text in (readme, printed):
            assert f"minigrad course {word}" not in text
    typed("reset", "1")
    assert Workbook(Path(".")).without == without


# --- find


def test_find_is_from_a_folder_below_and_nowhere_else(course, tmp_path, monkeypatch):
    monkeypatch.chdir("pages")
    assert course("list")[0] == 0
    monkeypatch.chdir(tmp_path)
    code, text = course("list")
    assert code == 2
    assert "[MG912]" in text and "minigrad course start my-course" in text


# --- progress


@pytest.mark.parametrize(
    "text",
    [
        '{"lesson_01_by_hand": {"hints": "3"}}',
        '{"lesson_01_by_hand": {"answers": ["b"]}}',
        '{"lesson_01_by_hand": 1}',
        "[]",
        "7",
        "null",
        "[" * 9999,
        "\xff",
    ],
    ids=range(8),
)
def test_damaged_progress_is_named_and_kept(course, text):
    path = Path("progress.json")
    path.write_text(text, "latin-1")
    write(1)
    before = Path(ONE.file).read_text()
    for words in ((), ("hint",), ("answer", "1.2"), ("list",), ("reset", "1")):
        code, printed = course(*words)
        assert code == 2
        assert "[MG913]" in printed
    assert path.read_text("latin-1") == text
    assert Path(ONE.file).read_text() == before


def test_progress_of_another_version_or_program_is_kept(course):
    path = Path("progress.json")
    entry = {"answers": {"7": "b", "x": "c", "0": "1.2"}, "hints": 99, "stars": 3}
    progress = {ONE.name: entry, "lesson_99_later": {"passed": "yes"}}
    path.write_text(json.dumps(progress))
    assert course("hint", "1")[0] == 0
    record(2, passed="now")
    entry["hints"] = len(ONE.hints)
    progress[lesson(2).name] = {"passed": "now"}
    assert json.loads(path.read_text()) == progress


# --- reset


def test_reset_keeps_a_copy_each_time(course):
    path = Path(ONE.file)
    for text in ("first", "second"):
        path.write_text(text)
        course("reset", "1")
    copies = {copy.read_text() for copy in Path("backups").iterdir()}
    assert copies == {"first", "second"}
    path.unlink()
    message = f"{ONE.file} now contains the original exercise.\n"
    assert course("reset", "1") == (0, message)
    assert path.read_text() == ONE.exercise


# --- carry_over, own_code


def test_carry_over_functions_of_passed_lessons(course):
    engine = Path(lesson(7).file)
    engine.write_text(engine.read_text() + "mine = 1\n")
    write(5, "print('not this')")
    text = course("check", "5")[1]
    assert "lesson_07_engine.py now contains your own unbroadcast." in text
    text = engine.read_text()
    assert text.endswith("mine = 1\n")
    assert "unbroadcast. This is your own version." in text
    assert "def my_gradcheck" in text
    for word in ("not this", "dense_backward"):
        assert word not in text
    write(6)
    assert "your own my_gradcheck" in course("check", "6")[1]
    assert "def check_input" in engine.read_text()
    # nothing is replaced twice, and a reset brings them back
    assert "your own" not in course("check", "6")[1]
    course("reset", "7")
    text = engine.read_text()
    assert "def check_input" in text
    assert "mine" not in text
    # the solution's methods work with them
    mine, name, _ = text.partition("class Value:")
    engine.write_text(mine + name + lesson(7).solution.partition(name)[2])
    assert course("check", "7")[0] == 0


def test_carry_over_leaves_a_changed_version_alone(course):
    engine = Path(lesson(7).file)
    engine.write_text(engine.read_text().replace("return dz\n", "return dz  # mine\n"))
    write(5)
    assert "your own" not in course("check", "5")[1]
    assert "# mine" in engine.read_text()


SOURCE = """
import math as np
h = 1
def train(x): return h
def f(x): return train(x)
h += 1
"""


def test_own_code_contains_what_a_function_uses():
    parts = SOURCE.strip().splitlines()[1:]
    assert own_code(SOURCE, "f", "") == "\n\n\n".join(parts)


def test_own_code_that_needs_another_name_is_empty():
    assert own_code(SOURCE, "f", "class train: pass") == ""


def test_own_code_has_decorators():
    source = "import math\n@math.cos\ndef f(x): return x"
    assert own_code(source, "f", "import math").startswith("@math.cos\ndef f")


def test_options_are_not_abbreviated(course):
    with pytest.raises(SystemExit):
        course("export", "nb", "--lesson", "3")
