"""A question that trains has its own time limit, and a slow computer is not called a mistake."""

import contextvars
from pathlib import Path

import pytest

from minigrad.course.checking import feedback, key, sandbox
from minigrad.course.checking.answers import encode
from minigrad.course.checking.grade import judge
from minigrad.course.checking.lesson import Lesson, report_to
from minigrad.course.checking.registry import lesson
from minigrad.course.commands import Training

TRAINING = Lesson(Path(__file__).parent / "lessons" / "lesson_22_training")
LOOP = "\n    while True:\n        pass"


def asked(monkeypatch, seconds=0.0, before="return 1", after="return 1"):
    """Ask a file whose questions may take half a second, and 2 seconds for Python's start. Return the
    run, and the shares of the training that were reported.
    """
    monkeypatch.setattr(sandbox, "SECONDS", 0.5)
    monkeypatch.setattr(sandbox, "START", 2.0)
    text = f"SECONDS = {seconds}\ndef before(): {before}\ndef after(): {after}\n"
    shares: list[float] = []

    def ask():
        report_to(shares.append)
        return sandbox.ask(TRAINING, Path(TRAINING.file), text)

    return contextvars.copy_context().run(ask), shares


def test_a_training_may_take_longer_than_other_questions_and_reports_its_progress(
    monkeypatch,
):
    run, shares = asked(monkeypatch, seconds=3.0)
    assert run.ended == "" and [one["answer"] for one in run.outcomes] == [1, 3.0, 1]
    assert shares == sorted(shares) and 0 < shares[0] < shares[-1] <= 1


@pytest.mark.parametrize(
    ("options", "ended", "answers"),
    [
        ({"before": LOOP}, "it took longer than 0.5 s", 0),
        ({"seconds": 99}, "its training took longer than 4 s", 1),
        ({"after": LOOP}, "it took longer than 0.5 s", 2),
    ],
)
def test_a_file_that_takes_too_long_is_ended_by_the_limit_of_its_question(
    monkeypatch, options, ended, answers
):
    run, _ = asked(monkeypatch, **options)
    assert (run.ended, len(run.outcomes)) == (ended, answers)


def verdict_of(one, count, ended):
    """The verdict on the solution, if it was stopped after `count` right answers."""
    right = [{"answer": encode(answer)} for answer in key.load(one).right[:count]]
    run = sandbox.collected(
        [{"loaded": True}, *right, *[{"done": True}] * (not ended)], ended
    )
    return judge(one, one.solution, run, lambda *_: run)


def told(verdict, tries, page):
    return " ".join(" ".join(feedback.lines(verdict, tries, page=page)).split())


@pytest.mark.parametrize("page", [False, True])
@pytest.mark.parametrize("tries", [1, 2, 3, 4])
def test_a_training_that_takes_too_long_is_not_called_an_endless_loop(tries, page):
    one = lesson(19)
    (number,) = (i for i, question in enumerate(one.questions) if question.training)
    text = told(verdict_of(one, number, sandbox.late(one.training)), tries, page)
    assert f"{number} of {number} checks are right; 1 has no answer." in text
    assert (
        "write_cached" in text
        and "did not answer: its training took longer than 120 s." in text
    )
    assert "your functions need not be wrong" in text and "loop" not in text


@pytest.mark.parametrize("page", [False, True])
def test_an_answer_that_takes_too_long_may_be_that_of_a_slow_computer(page):
    one = lesson(5)
    text = told(verdict_of(one, 3, sandbox.late()), 2, page)
    assert (
        "it took longer than 10 s" in text and "a computer that is slow or busy" in text
    )
    assert "computer" not in told(verdict_of(one, 3, sandbox.late()), 1, page)
    assert "loop" not in told(verdict_of(one, 3, sandbox.ENDED), 2, page)


def test_a_verdict_holds_what_the_page_shows_of_the_training():
    one = lesson(19)
    passed = verdict_of(one, len(one.questions), "")
    (answer,) = passed.trained
    assert passed.passed and {"loss", "names", "maps"} < set(answer)
    assert verdict_of(one, one.asked - 2, "it ended").trained == ()
    assert len(verdict_of(lesson(18), len(lesson(18).questions), "").trained) == 3
    assert verdict_of(lesson(1), len(lesson(1).questions), "").trained == ()


def test_the_command_prints_the_share_of_a_long_training(capsys):
    report = Training()
    report(0.1)
    assert capsys.readouterr().err == ""
    report.printed -= 2
    report(0.4)
    report(0.5)
    assert capsys.readouterr().err == "training: 40% ...\n"
