"""A learner's folder: nothing of theirs is overwritten, nothing they have reached is lost."""

import json
import zipfile
from pathlib import Path

import pytest

from minigrad.course.checking.registry import lesson, lessons
from minigrad.course.workbook import Workbook, own_code

from .conftest import record, write


def test_start_never_overwrites(course):
    first, second = (Path(lesson(number).file) for number in (1, 2))
    first.write_text("mine")
    second.unlink()
    code, text = course("start", ".")
    assert (
        code == 0 and f"1 lessons copied; {len(lessons()) - 1} already existed" in text
    )
    assert first.read_text() == "mine" and second.read_text() == lesson(2).read(
        "exercise.py"
    )


def test_reset_keeps_a_copy_each_time(course):
    for text in ("first", "second"):
        Path(lesson(1).file).write_text(text)
        course("reset", "1")
    assert sorted(path.read_text() for path in Path("backups").iterdir()) == [
        "first",
        "second",
    ]
    Path(lesson(1).file).unlink()
    assert course("reset", "1") == (
        0,
        f"{lesson(1).file} now contains the original exercise.\n",
    )
    assert Path(lesson(1).file).read_text() == lesson(1).read("exercise.py")


def test_windows_line_ends_and_a_byte_order_mark_pass(course):
    text = lesson(1).read("solution.py").replace("\n", "\r\n")
    Path(lesson(1).file).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert course("check", "1")[0] == 0


@pytest.mark.parametrize(
    "text",
    ['{"lesson_01_by_hand": {"hints": "3"}}', '{"lesson_01_by_hand": {"answers": ["b"]}}', '{"lesson_01_by_hand": 1}',
     "[]", "7", "null", "[" * 9999, "\xff"],
    ids=range(8),
)  # fmt: skip
def test_damaged_progress_is_named_and_kept(course, text):
    Path("progress.json").write_text(text, encoding="latin-1")
    write(1)
    before = Path(lesson(1).file).read_text()
    for words in ((), ("hint",), ("answer", "1.2"), ("list",), ("reset", "1")):
        code, said = course(*words)
        assert code == 2 and "[MG913]" in said
    assert Path("progress.json").read_text(encoding="latin-1") == text
    assert Path(lesson(1).file).read_text() == before


def test_progress_of_another_version_or_program_is_kept(course):
    first, second = lesson(1).name, lesson(2).name
    entry = {"answers": {"7": "b", "x": "c", "0": "1.2"}, "hints": 99, "stars": 3}
    progress = {first: entry, "lesson_99_later": {"passed": "yes"}}
    Path("progress.json").write_text(json.dumps(progress))
    assert course("hint", "1")[0] == 0
    record(2, passed="now")
    entry["hints"] = len(lesson(1).hints)
    assert json.loads(Path("progress.json").read_text()) == {
        **progress,
        second: {"passed": "now"},
    }


def test_the_course_is_found_from_a_folder_below_and_nowhere_else(
    course, tmp_path, monkeypatch
):
    monkeypatch.chdir("pages")
    assert course("list")[0] == 0
    monkeypatch.chdir(tmp_path)
    code, text = course("list")
    assert code == 2 and "[MG912]" in text and "minigrad course start my-course" in text
    Path("file").write_text("")
    assert "[MG914]" in course("start", "file/c")[1]


def test_a_course_does_not_start_inside_another(course):
    code, text = course("start", "my-course", "--lesson", "3")
    assert code == 2 and "[MG914]" in text and "minigrad course start ." in text
    assert not Path("my-course").exists()


def test_what_a_teacher_has_hidden_stays_hidden(typed, tmp_path, monkeypatch):
    typed("start", "c", "--lesson", "1", "--without", "solutions")
    typed("start", "c", "--lesson", "2", "--without", "hints")
    assert Workbook(tmp_path / "c").without == "solutions,hints"


def test_an_option_is_not_abbreviated(course):
    with pytest.raises(SystemExit):
        course("export", "nb", "--lesson", "3")


def test_functions_of_passed_lessons_are_carried_over(course):
    engine = Path(lesson(7).file)
    ready = engine.read_text()
    engine.write_text(ready + "mine = 1\n")
    write(5, "print('not this')")
    assert (
        "lesson_07_engine.py now contains your own unbroadcast."
        in course("check", "5")[1]
    )
    text = engine.read_text()
    assert (
        text.endswith("mine = 1\n")
        and "not this" not in text
        and "dense_backward" not in text
    )
    assert (
        "unbroadcast. This is your own version." in text and "def my_gradcheck" in text
    )
    write(6)
    assert "your own my_gradcheck" in course("check", "6")[1]
    assert "def check_input" in engine.read_text()
    # nothing is replaced twice, and a reset brings them back
    assert "your own" not in course("check", "6")[1]
    course("reset", "7")
    assert "def check_input" in engine.read_text() and "mine" not in engine.read_text()
    # the solution's methods work with them
    mine = engine.read_text().partition("class Value:")[0]
    engine.write_text(
        mine
        + "class Value:"
        + lesson(7).read("solution.py").partition("class Value:")[2]
    )
    assert course("check", "7")[0] == 0


def test_a_ready_version_that_was_changed_or_needs_another_name_is_left_alone(course):
    engine = Path(lesson(7).file)
    engine.write_text(engine.read_text().replace("return dz\n", "return dz  # mine\n"))
    write(5)
    assert "your own" not in course("check", "5")[1] and "# mine" in engine.read_text()
    source = "import math as np\nh = 1\ndef train(x): return h\ndef f(x): return train(x)\nh += 1"
    assert (
        own_code(source, "f", "")
        == "h = 1\n\n\ndef train(x): return h\n\n\ndef f(x): return train(x)\n\n\nh += 1"
    )
    assert own_code(source, "f", "class train: pass") == ""
    assert own_code(
        "import math\n@math.cos\ndef f(x): return x", "f", "import math"
    ).startswith("@math.cos\ndef f")


def test_start_takes_the_work_that_a_page_exported(tmp_path):
    one = lesson(1)
    with zipfile.ZipFile(tmp_path / "my-course.zip", "w") as archive:
        archive.writestr(one.file, "dy_ds = 1")
        archive.writestr(
            "progress.json", '{"lesson_01_by_hand": {"passed": "2026-11-28 10:00"}}'
        )
    workbook, kept = Workbook.start(tmp_path / "course", tmp_path / "my-course.zip")
    assert workbook.text(one) == "dy_ds = 1" and workbook.passed(one) and kept == []
    (tmp_path / "course" / one.file).write_text("dy_ds = 2")
    workbook, kept = Workbook.start(tmp_path / "course", tmp_path / "my-course.zip")
    assert workbook.text(one) == "dy_ds = 2" and one.file in kept


def test_some_lessons_are_handed_out_and_more_later(typed, tmp_path, monkeypatch):
    code, text = typed("start", "c", "--lesson", "3-5")
    assert code == 0 and "3 lessons are ready. Continue with: cd c " in " ".join(
        text.split()
    )
    monkeypatch.chdir(tmp_path / "c")
    pages = {f"{lesson(number).name}.html" for number in (3, 4, 5)}
    assert {path.name for path in Path("pages").iterdir()} == pages
    code, text = typed()
    assert code == 1 and "0 of 3 lessons passed. Current lesson: 3, Gates." in text
    assert "[MG915]" in typed("check", "1")[1]
    for number in (3, 4):
        record(number, passed="now")
    write(5)
    text = typed("check")[1]
    assert "That was the last lesson. 3 of 3 lessons passed." in text
    assert typed()[1].endswith("minigrad course show 5\n")
    assert (
        "1 lessons copied; 1 already existed"
        in typed("start", ".", "--lesson", "5,6")[1]
    )
    assert "3 of 4 lessons passed. Current lesson: 6" in typed()[1]
    assert len(typed("list")[1].splitlines()) == 6


@pytest.mark.parametrize("words", ["9-3x", "0", "18-99", "3,,4", "-2"])
def test_lessons_that_do_not_exist_are_named(typed, words):
    code, text = typed("start", "c", f"--lesson={words}")
    assert code == 2 and "[MG911]" in text and not Path("c").exists()


@pytest.mark.parametrize("without", ["solutions", "hints", "solutions,hints"])
def test_a_teacher_can_hide_commands(typed, tmp_path, monkeypatch, without):
    typed("start", "c", "--lesson", "1", "--without", without)
    monkeypatch.chdir(tmp_path / "c")
    assert ("[MG929]" in typed("hint")[1]) == ("hints" in without)
    assert ("[MG929]" in typed("solution", "--yes")[1]) == ("solutions" in without)
    printed = ""
    for number in range(4):
        write(1, f"dy_ds = {number}")
        printed += typed("check")[1]
    assert ("minigrad course hint" in printed) != ("hints" in without)
    assert ("minigrad course solution" in printed) != ("solutions" in without)
    readme = Path("README.md").read_text()
    for word in "solution", "hint":
        assert (f"minigrad course {word}" in readme) != (word in without)
    assert "minigrad course reset" in readme
    typed("reset", "1")
    assert Workbook(Path(".")).without == without
