"""Ask the questions that come before each exercise, and check the answers: `minigrad course answer`."""

import argparse
from collections.abc import Iterator

from .checking import quiz
from .checking.feedback import say
from .checking.lesson import Lesson
from .checking.registry import lessons
from .workbook import Workbook


def open_questions(workbook: Workbook, one: Lesson) -> Iterator[tuple[int, quiz.Quiz, str | None]]:
    """Yield the lesson's questions without a right answer: the index, the question, and the wrong
    answer, or None.
    """
    answers = workbook.answers(one)
    for place, question in enumerate(quiz.read(one)):
        text = answers.get(str(place))
        if text is None or not quiz.answer(question, text)[0]:
            yield place, question, text


def _to_answer(workbook: Workbook, one: Lesson) -> str:
    """Return the command that answers a question of this lesson."""
    return "minigrad course answer" + f" --lesson {one.number}" * (one is not workbook.current())


def _pose(question: quiz.Quiz, before: str, *after: str) -> None:
    """Print a question."""
    choices = question["choices"].items()
    say(before + question["question"], *(f"  {name}) {text}" for name, text in choices), *after)


def remind(workbook: Workbook, one: Lesson, first: bool) -> None:
    """Print the lesson's open question at the first check, or a reminder at the others."""
    command = _to_answer(workbook, one)
    match next(open_questions(workbook, one), None):
        case _, question, None if first:
            _pose(question, "A question before you run it: ", f"  {command} ...", "")
        case _, _, None:
            say(f"  A question is still open: {command}")


def ask_missed(workbook: Workbook, current: Lesson) -> None:
    """Print the first missed question of a lesson that is at least two lessons back."""
    for one in lessons()[: max(current.number - 2, 0)]:
        match next(open_questions(workbook, one), None):
            case _, question, str():
                missed = f"You missed this question in lesson {one.number}: "
                _pose(question, missed, f"  {_to_answer(workbook, one)} ...", "")
                return


def answer_question(workbook: Workbook, one: Lesson, options: argparse.Namespace) -> int:
    """Check an answer, or show the question: `minigrad course answer`."""
    questions, text = quiz.read(one), options.answer
    if not questions:
        say("This lesson has no question.")
        return 0
    place, question, _ = next(open_questions(workbook, one), (0, questions[0], None))
    _pose(question, f"Lesson {one.number}: ")
    if text is None:
        return 0
    command = _to_answer(workbook, one)
    quiz.require_fit(question, text, command)
    right, sentence = quiz.answer(question, text)
    say(f"✓ {sentence or 'Right.'}" if right else f"✗ {sentence or 'Wrong.'}")
    with workbook.changed(one) as entry:
        entry.setdefault("answers", {})[str(place)] = text
    if not right:
        say(f"  To answer it again: {command} ...")
        other = one.number % len(lessons()) + 1
        say(f"  For another lesson's question, add its number, for example --lesson {other}.")
    elif following := next(open_questions(workbook, one), None):
        say("")
        _pose(following[1], "And: ")
    return 0
