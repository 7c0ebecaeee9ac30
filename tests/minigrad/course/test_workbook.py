"""A learner's folder: nothing of theirs is overwritten, nothing they have reached is lost."""

import json
from pathlib import Path

import pytest

from minigrad.course.lesson import lesson, lessons

from .conftest import record, write


def test_start_never_overwrites(course):
    first, second = (Path(lesson(number).file) for number in (1, 2))
    first.write_text("mine")
    second.unlink()
    code, text = course("start", ".")
    assert code == 0 and f"1 lessons copied; {len(lessons()) - 1} already existed" in text
    assert first.read_text() == "mine" and second.read_text() == lesson(2).read("exercise.py")


def test_reset_keeps_a_copy_each_time(course):
    for text in ("first", "second"):
        Path(lesson(1).file).write_text(text)
        course("reset", "1")
    assert sorted(path.read_text() for path in Path("backups").iterdir()) == ["first", "second"]
    Path(lesson(1).file).unlink()
    assert course("reset", "1") == (0, f"{lesson(1).file} now contains the original exercise.\n")
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
    assert json.loads(Path("progress.json").read_text()) == {**progress, second: {"passed": "now"}}


def test_the_course_is_found_from_a_folder_below_and_nowhere_else(course, tmp_path, monkeypatch):
    monkeypatch.chdir("pages")
    assert course("list")[0] == 0
    monkeypatch.chdir(tmp_path)
    code, text = course("list")
    assert code == 2 and "[MG912]" in text and "minigrad course start my-course" in text
    Path("file").write_text("")
    assert "[MG914]" in course("start", "file/c")[1]
