"""The learner's commands, as they are typed."""

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
from minigrad.course.checking.grade import Problem, Verdict
from minigrad.course.checking.registry import lesson, lessons
from minigrad.course.commands import Training, count_try
from minigrad.course.lessons.lesson_19_gpt import solution, trained
from minigrad.course.workbook import Workbook

from .conftest import record, write

ONE = lesson(1)
COUNT = len(lessons())


def words(text):
    return " ".join(text.split())


# --- check


def test_check_of_the_current_lesson_leads_to_the_next(course):
    code, text = course()
    assert code == 1
    assert f"0 of {COUNT} lessons passed. Current lesson: 1, By hand." in text
    assert "dy_ds is not written yet" in text
    assert "A question" not in text
    write(1)
    code, text = course()
    assert code == 0
    assert "A question before you run it: A gate" in text
    assert "Next: lesson 2" in text
    assert f"1 of {COUNT} lessons passed" in course("list")[1]


def test_check_of_the_last_lesson(course):
    for number in range(1, COUNT):
        record(number, passed="2026-01-01 00:00")
    write(COUNT)
    all_passed = f"{COUNT} of {COUNT} lessons passed."
    ending = re.compile("where to go next: .*minigrad course ending")
    text = course("check")[1]
    assert f"That was the last lesson. {all_passed}" in text
    assert ending.search(text)
    code, text = course()
    assert code == 0
    assert f"{all_passed} To read one again:" in text
    assert ending.search(text)


def test_ending_looks_back_at_every_lesson(typed):
    code, text = typed("ending")
    assert code == 0
    assert "What you built" in text
    for one in lessons():
        assert f"lesson {one.number}" in " ".join(text.split())
    assert "<!--" not in text
    parameters = trained.GPT(solution, blocks=trained.BLOCKS).named_parameters()
    assert f"{sum(one.size for one in parameters.values()):,} numbers" in text


def test_count_try_does_not_count_an_unchanged_file():
    verdict = Verdict(ONE, 4, Problem("wrong", "dy_ds"))
    entry: dict[str, Any] = {}
    tries = [count_try(entry, verdict, text) for text in "aabbc"]
    assert tries == [1, 1, 2, 2, 3]


def test_check_that_is_long_says_that_it_is_still_running(course, monkeypatch):
    def start(_, tell):
        return SimpleNamespace(start=tell, cancel=str)

    monkeypatch.setattr("threading.Timer", start)
    assert "still running ..." in course("check", "1")[1]


def test_training_prints_its_share_every_two_seconds(capsys):
    report = Training()
    report(0.1)
    assert capsys.readouterr().err == ""
    report.printed -= 2
    report(0.4)
    report(0.5)
    assert capsys.readouterr().err == "training: 40% ...\n"


def test_check_does_not_need_stretch_tasks(course):
    one = next(one for one in lessons() if one.asked < len(one.questions))
    number, name = one.number, one.questions[-1].function
    count = len(one.questions) - one.asked
    for code, message in (
        ("", f"Stretch tasks: {count} of {count} checks are right."),
        (f"def {name}(*_): return 'wrong'", "The stretch task is not right yet"),
        (f"del {name}", f"{name} is not written"),
    ):
        write(number, code)
        code, text = course("check", str(number))
        assert code == 0
        assert message in text


@pytest.mark.parametrize(
    "code",
    [
        "dy_ds = type('\\x1b[2J', (), {})()",
        "raise type('\\x1b[2J', (Exception,), {})('\\x9b2J')",
        "x = '\\\x1b[2J'; print(x); raise ValueError  # \x1b[2J",
        "dy_ds = '\\x1b[2J'",
    ],
)
def test_check_prints_no_escapes(course, code):
    write(1, code)
    text = course("check", "1")[1]
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "x1b[2J" in text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs Linux or macOS")
def test_check_says_why_a_file_cannot_be_read(course):
    path = Path(ONE.file)
    path.write_bytes(b"\xff")
    code, text = course("check", "1")
    assert code == 2
    assert "[MG915]" in text and "it is not UTF-8 text" in text
    path.unlink()
    os.mkfifo(path)
    assert "[MG915]" in course("check", "1")[1]


def test_check_on_a_full_disk_prints_the_verdict(course, monkeypatch):
    def full(*_, **options):
        raise OSError(28, "No space left on device")

    write(1)
    monkeypatch.setattr("minigrad.support.files.write_whole", full)
    code, text = course("check", "1")
    assert code == 2
    assert "passed" in text and "[MG921]" in text
    monkeypatch.setattr("shutil.copy2", full)
    assert course("reset", "1")[0] == 2
    assert Path(ONE.file).read_text().startswith(ONE.solution)


# --- watch


def test_watch_checks_whenever_the_file_is_saved(course, monkeypatch):
    path = Path(ONE.file)

    def elsewhere():  # in another terminal
        record(1, answers={"0": "1.2"})
        write(1)

    saved: list[Any] = [lambda: path.write_bytes(b"\xff"), path.unlink, elsewhere]

    def sleep(seconds):
        if not saved:
            raise KeyboardInterrupt
        saved.pop(0)()

    waiting = SimpleNamespace(**{**vars(time), "sleep": sleep})
    monkeypatch.setattr("minigrad.course.commands.time", waiting)
    code, text = course("watch")
    assert code == 130
    for message in ("[MG915]", "passed", "Stopped by Ctrl-C"):
        assert message in text
    files = re.findall(r"^--- \d\d:\d\d:\d\d (.*)$", text, re.M)
    # lesson 2 once lesson 1 is passed
    assert files == [ONE.file] * 3 + [lesson(2).file]
    book = Workbook(Path("."))
    assert book.passed(ONE)
    assert book.answers(ONE) == {"0": "1.2"}


# --- hint, solution


def test_hint_shows_one_after_the_other(course):
    hints = [*lesson(3).hints, lesson(3).hints[-1]]
    for hint in hints:
        assert words(hint) in words(course("hint", "3")[1])


def test_solution_asks_first(course):
    solution = f"{ONE.solution.rstrip()}\n"
    code, text = course("solution", "1")
    assert code == 1
    assert solution not in text
    assert "minigrad course solution 1 --yes" in text
    assert course("solution", "1", "--yes") == (0, solution)
    record(1, passed="2026-01-01 00:00")
    assert course("solution", "1") == (0, solution)


# --- answer


def test_answer_leads_to_the_next_question(course):
    def answer(*texts):
        return course("answer", *texts, "--lesson", "1")

    assert answer()[1].startswith("Lesson 1: A gate computes m = a * b")
    code, text = answer("zebra")
    assert code == 2
    assert "MG916" in text
    code, text = answer("1.2")  # dy/dm = 0.6 times b = 2
    assert code == 0
    assert "✓" in text and "And: In y = tanh(a*b + c)" in text
    write(1)
    # the current lesson is the second, after a second check
    assert "A question" in course("check", "1")[1]
    assert "minigrad course answer --lesson 1" in course("check", "1")[1]
    code, text = answer("c")
    assert code == 0
    assert "✗" in text and "And:" not in text
    assert Workbook(Path(".")).answers(ONE) == {"0": "1.2", "1": "c"}
    assert "A question" not in course("check", "1")[1]


def test_answer_that_was_wrong_comes_back_two_lessons_later(course):
    course("answer", "3", "--lesson", "1")  # wrong
    for number in (1, 2):
        record(number, passed="2026-01-01 00:00")
    assert "You missed this question in lesson 1:" in course()[1]
    record(1, answers={"0": "1.2"})
    assert "You missed" not in course()[1]


def test_answer_that_is_wrong_names_another_lesson(course):
    last = lessons()[-1]
    question = quiz.read(last)[0]
    tried = [*question["choices"], "12.34"]
    wrong = next(text for text in tried if not quiz.answer(question, text)[0])
    text = course("answer", wrong, "--lesson", str(last.number))[1]
    assert "--lesson 1." in text


# --- list, show


def test_list_escapes_signs_that_the_terminal_lacks(course, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    course("list")
    terminal.flush()
    assert terminal.buffer.getvalue().startswith(rb"\u2192  1  By hand")


def test_show_text_fits_the_terminal(course):
    text = course("show", "1", "--text")[1]
    assert max(map(len, text.splitlines())) <= 80
    assert "#" not in text.partition("Lesson 1: By hand")[0]
    end = "".join(ONE.text.replace("`", "").split()[-20:])
    assert end in "".join(text.split())


def test_show_opens_the_page_or_says_where_it_is(course, monkeypatch):
    page = Path("pages", f"{ONE.name}.html").resolve()
    monkeypatch.setattr(webbrowser, "open", lambda address: address == page.as_uri())
    assert course("show", "1") == (0, f"{page}\n")
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert "minigrad course show 1 --text" in course("show", "1")[1]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("21", f"[MG911] 21 is not a lesson: lessons are 1 to {COUNT}"),
        ("3", "[MG911] 3 is a lesson, not a folder"),
    ],
)
def test_start_asks_whether_a_number_is_a_folder(typed, number, message):
    code, text = typed("start", number)
    assert code == 2
    assert text.startswith(message)
    assert f"write ./{number}" in text
    assert not Path(number).exists()
    assert typed("start", f"./{number}")[0] == 0
