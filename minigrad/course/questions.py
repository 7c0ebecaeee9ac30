"""Ask the questions that come before each exercise, and check the answers: `minigrad course answer`."""

import argparse
from collections.abc import Iterator

from .checking import quiz
from .checking.feedback import say
from .checking.lesson import Lesson
from .checking.registry import lessons
from .workbook import Workbook

Open = tuple[int, quiz.Quiz, str | None]
"""A question without a right answer: its index, the question, and the wrong answer, or None."""


def open_questions(workbook: Workbook, one: Lesson) -> Iterator[Open]:
    """Yield the lesson's questions without a right answer."""
    answers = workbook.answers(one)
    for place, question in enumerate(quiz.read(one)):
        text = answers.get(str(place))
        if text is None or not quiz.answer(question, text)[0]:
            yield place, question, text


def _first_open(workbook: Workbook, one: Lesson) -> Open | None:
    return next(open_questions(workbook, one), None)


def _to_answer(workbook: Workbook, one: Lesson) -> str:
    """Return the command that answers a question of this lesson."""
    command = "minigrad course answer"
    if one is workbook.current():
        return command
    return f"{command} --lesson {one.number}"


def _pose(question: quiz.Quiz, before: str) -> None:
    """Print a question."""
    say(before + question["question"])
    for name, text in question["choices"].items():
        say(f"  {name}) {text}")


def remind(workbook: Workbook, one: Lesson, first: bool) -> None:
    """Print the lesson's open question at the first check, or a reminder at the others."""
    command = _to_answer(workbook, one)
    match _first_open(workbook, one):
        case _, question, None if first:
            _pose(question, "A question before you run it: ")
            say(f"  {command} ...", "")
        case _, _, None:
            say(f"  A question is still open: {command}")


def ask_missed(workbook: Workbook, current: Lesson) -> None:
    """Print the first missed question of a lesson that is at least two lessons back."""
    for one in lessons()[: max(current.number - 2, 0)]:
        match _first_open(workbook, one):
            case _, question, str():
                _pose(question, f"You missed this question in lesson {one.number}: ")
                say(f"  {_to_answer(workbook, one)} ...", "")
                return


def answer_question(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    """Check an answer, or show the question: `minigrad course answer`."""
    questions = quiz.read(one)
    text = options.answer
    if not questions:
        say("This lesson has no question.")
        return 0
    place, question, _ = _first_open(workbook, one) or (0, questions[0], None)
    _pose(question, f"Lesson {one.number}: ")
    if text is None:
        return 0
    command = _to_answer(workbook, one)
    quiz.require_fit(question, text, command)
    right, sentence = quiz.answer(question, text)
    if right:
        say(f"✓ {sentence or 'Right.'}")
    else:
        say(f"✗ {sentence or 'Wrong.'}")
    with workbook.changed(one) as entry:
        entry.setdefault("answers", {})[str(place)] = text
    if not right:
        say(f"  To answer it again: {command} ...")
        other = one.number % len(lessons()) + 1
        say(f"  For another lesson's question, add its number, for example --lesson {other}.")
    elif following := _first_open(workbook, one):
        say("")
        _pose(following[1], "And: ")
    return 0
