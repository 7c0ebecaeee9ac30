"""The commands, as a learner types them."""

import io
import os
import re
import sys
import time
import webbrowser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from minigrad.course.checking import quiz
from minigrad.course.checking.registry import lesson, lessons
from minigrad.course.workbook import Workbook

from .conftest import record, write

COUNT = len(lessons())


def test_the_first_minutes(course):
    code, text = course()
    assert code == 1
    assert f"0 of {COUNT} lessons passed. Current lesson: 1, By hand." in text
    assert "dy_ds is not written yet" in text and "A question" not in text
    write(1)
    code, text = course()
    assert code == 0 and "passed" in text and "Next: lesson 2" in text
    assert f"1 of {COUNT} lessons passed" in course("list")[1]
    assert course("check", "1")[0] == 0


def test_hints_come_one_after_the_other(course):
    first, *_, last = hints = lesson(3).hints
    shown = [course("hint", "3")[1] for _ in range(len(hints) + 1)]
    shown = [" ".join(text.split()) for text in shown]
    first, last = (" ".join(hint.split()) for hint in (first, last))
    assert first in shown[0] and last in shown[-2] and last in shown[-1]


def test_the_solution_asks_first(course):
    solution = lesson(1).read("solution.py").rstrip()
    code, text = course("solution", "1")
    assert (
        code == 1
        and solution not in text
        and "minigrad course solution 1 --yes" in text
    )
    assert course("solution", "1", "--yes") == (0, f"{solution}\n")
    record(1, passed="2026-01-01 00:00")
    assert course("solution", "1") == (0, f"{solution}\n")


def test_questions_come_one_after_the_other(course):
    assert "question" not in course()[1], "nothing is written yet"
    write(1)
    assert "A question before you run it: A gate" in course()[1]
    assert course("answer", "--lesson", "1")[1].startswith(
        "Lesson 1: A gate computes m = a * b"
    )
    code, text = course("answer", "zebra", "--lesson", "1")
    assert code == 2 and "MG916" in text
    code, text = course("answer", "1.2", "--lesson", "1")  # dy/dm = 0.6 times b = 2
    assert code == 0 and "✓" in text and "And: In y = tanh(a*b + c)" in text
    # the current lesson is the second
    assert "minigrad course answer --lesson 1" in course("check", "1")[1]
    code, text = course("answer", "c", "--lesson", "1")
    assert code == 0 and "✗" in text and "And:" not in text
    assert Workbook(Path(".")).answers(lesson(1)) == {"0": "1.2", "1": "c"}
    assert "A question" not in course("check", "1")[1]


def test_a_missed_question_comes_back_two_lessons_later(course):
    course("answer", "3", "--lesson", "1")  # wrong
    for number in (1, 2):
        record(number, passed="2026-01-01 00:00")
    text = course()[1]
    assert "You missed this question in lesson 1:" in text
    record(1, answers={"0": "1.2"})
    assert "You missed" not in course()[1]


def test_an_unchanged_file_is_not_another_try(course):
    write(1, "dy_ds = 0.9")
    shown = [course("check", "1")[1] for _ in range(3)]
    assert not any("The formula" in text for text in shown)
    for digit in "12":
        write(1, f"dy_ds = 0.9{digit}")
        text = course("check", "1")[1]
    assert "The formula" in text


def test_a_long_check_says_that_it_is_still_running(course, monkeypatch):
    monkeypatch.setattr(
        "threading.Timer", lambda _, tell: SimpleNamespace(start=tell, cancel=str)
    )
    assert "still running ..." in course("check", "1")[1]


def test_stretch_tasks_are_checked_but_not_needed(course):
    one = next(one for one in lessons() if one.asked < len(one.questions))
    write(one.number)
    code, text = course("check", str(one.number))
    asked = len(one.questions) - one.asked
    assert code == 0 and f"Stretch tasks: {asked} of {asked} checks are right." in text
    name = one.questions[-1].function
    write(one.number, f"def {name}(*_): return 'wrong'")
    code, text = course("check", str(one.number))
    assert code == 0 and "The stretch task is not right yet" in text and name in text
    write(one.number, f"del {name}")
    assert course("check", str(one.number))[0] == 0


def test_watch_checks_whenever_the_file_is_saved(course, monkeypatch):
    path = Path(lesson(1).file)

    def elsewhere():  # in another terminal
        record(1, answers={"0": "1.2"})
        write(1)

    saved: list[Any] = [lambda: path.write_bytes(b"\xff\xfe"), path.unlink, elsewhere]

    def sleep(seconds):
        if not saved:
            raise KeyboardInterrupt
        saved.pop(0)()

    waiting = SimpleNamespace(
        sleep=sleep, strftime=time.strftime, monotonic=time.monotonic
    )
    monkeypatch.setattr("minigrad.course.commands.time", waiting)
    code, text = course("watch")
    assert (
        code == 130
        and "[MG915]" in text
        and "passed" in text
        and "Stopped by Ctrl-C" in text
    )
    files = re.findall(r"^--- \d\d:\d\d:\d\d (.*)$", text, re.M)
    assert files == [lesson(1).file] * 3 + [lesson(2).file]  # once lesson 1 is passed
    book = Workbook(Path("."))
    assert book.answers(lesson(1)) == {"0": "1.2"} and book.passed(lesson(1))


def test_after_the_last_lesson(course):
    for number in range(1, COUNT):
        record(number, passed="2026-01-01 00:00")
    write(COUNT)
    assert (
        f"That was the last lesson. {COUNT} of {COUNT} lessons passed."
        in course("check")[1]
    )
    code, text = course()
    assert (
        code == 0 and f"{COUNT} of {COUNT} lessons passed. To read one again:" in text
    )


@pytest.mark.parametrize(
    "code",
    [
        "dy_ds = type('\\x1b[2J', (), {})()",
        "raise type('\\x1b[2J', (Exception,), {})('\\x9b2J')",
        "x = '\\\x1b[2J'; print(x); raise ValueError  # \x1b[2J",
        "dy_ds = '\\x1b[2J'",
    ],
)
def test_escapes_of_a_file_are_not_printed_raw(course, code):
    write(1, code)
    text = course("check", "1")[1]
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "x1b[2J" in text


def test_a_terminal_without_the_signs_gets_escapes(course, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    course("list")
    terminal.flush()
    assert terminal.buffer.getvalue().decode("ascii").startswith("\\u2192  1  By hand")


def test_show_opens_the_page_or_says_where_it_is(course, monkeypatch):
    shown = course("show", "1", "--text")[1]
    assert (
        max(map(len, shown.splitlines())) <= 80
        and "#" not in shown.split("Lesson 1: By hand")[0]
    )
    assert "".join(lesson(1).text.replace("`", "").split()[-20:]) in "".join(
        shown.split()
    )
    page = Path("pages", f"{lesson(1).name}.html").resolve()
    monkeypatch.setattr(webbrowser, "open", lambda address: address == page.as_uri())
    assert course("show", "1") == (0, f"{page}\n")
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert "minigrad course show 1 --text" in course("show", "1")[1]


def test_a_full_disk_costs_no_verdict_and_no_traceback(course, monkeypatch):
    def full(*_, **options):
        raise OSError(28, "No space left on device")

    write(1)
    monkeypatch.setattr("minigrad.support.files.write_whole", full)
    code, text = course("check", "1")
    assert code == 2 and "passed" in text and "[MG921]" in text
    monkeypatch.setattr("shutil.copy2", full)
    assert course("reset", "1")[0] == 2
    assert Path(lesson(1).file).read_text().startswith(lesson(1).read("solution.py"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a named pipe")
@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("x = 'é'".encode("latin-1"), "it is not UTF-8 text"),
        ("x = 1".encode("utf-16"), "it is UTF-16 text"),
        (b"#" * 2**21, "longer than 1 MB"),
        (None, "[MG915]"),
    ],
)
def test_a_file_that_is_no_text_says_why(course, content, why):
    path = Path(lesson(1).file)
    if content is None:
        path.unlink()
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    code, message = course("check", "1")
    assert code == 2 and "[MG915]" in message and why in message


def test_a_wrong_answer_names_another_lesson_that_exists(course):
    last = lessons()[-1]
    one = quiz.read(last)[0]
    wrong = next(
        text for text in [*one["choices"], "12.34"] if not quiz.answer(one, text)[0]
    )
    assert "--lesson 1." in course("answer", wrong, "--lesson", str(last.number))[1]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("21", f"[MG911] 21 is not a lesson: lessons are 1 to {COUNT}"),
        ("3", "[MG911] 3 is a lesson, not a folder"),
    ],
)
def test_start_asks_whether_a_number_is_a_folder(typed, number, message):
    code, text = typed("start", number)
    assert code == 2 and text.startswith(message) and f"write ./{number}" in text
    assert not Path(number).exists()
    assert typed("start", f"./{number}")[0] == 0 and Path(number).is_dir()
