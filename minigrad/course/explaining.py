"""Ask a learner about their own code, after a lesson passes: `minigrad course explain`."""

import argparse
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..errors import OptionError
from .checking import quiz
from .checking.explain import is_record, make
from .checking.feedback import say
from .checking.kinds import OwnQuestion
from .checking.registry import lesson
from .checking.sandbox import NO_WALL, Run, ask
from .checking.source import digest
from .workbook import Workbook


def add_explaining(add: Callable[..., Any]) -> None:
    """Add the command. `add(name, run, about)` adds one and returns its parser."""
    about = "answer questions about your own code, after you pass a lesson"
    parser = add("explain", _explain, about)
    parser.description = (
        "After you pass a lesson, answer up to four questions about your own code: the value or the "
        "shape of a variable when a line has run, the gradient that reaches it, how often a line runs, "
        "what the check would report if you changed a line. The answers come from running your file. "
        "progress.json records which questions you answered at the first try. Your marks stay the "
        "same. To stop, press Ctrl-C; the next run asks the questions that are still open. The exit "
        "code is 0 if you have answered all questions, 1 if some are still open or the file does not "
        "pass, and 130 after Ctrl-C."
    )
    about = "the lesson's number (default: the lesson that you passed last)"
    parser.add_argument("lesson", nargs="?", metavar="LESSON", help=about)
    about = "ask all questions again; the record of your first answers stays the same"
    parser.add_argument("--again", action="store_true", help=about)


def _explain(options: argparse.Namespace) -> int:
    workbook = Workbook.find()
    entries = workbook.lessons
    passed = filter(workbook.passed, workbook.here())
    last = max(passed, key=lambda one: entries[one.name]["passed"], default=None)
    one = lesson(options.lesson) if options.lesson else last
    if one is None:
        say("You have not passed a lesson yet. To check the current one: minigrad course")
        return 1
    text = workbook.text(one)
    entry = entries.get(one.name, {})
    if not entry.get("right") or entry["checked"] != digest(text):
        say(f"{one.file} has not passed as it is now. First: minigrad course check {one.number}")
        return 1
    with workbook.changed(one) as entry:
        record: Any = entry.get("explained")
        if not is_record(record) or record["file"] != digest(text):
            record = {"seed": secrets.token_hex(4), "file": digest(text), "first": {}}
            entry["explained"] = record

    def run(text: str, only: Sequence[int], traced: bool) -> Run:
        modules = workbook.modules()
        return ask(one, workbook.path(one), text, NO_WALL, only, modules, traced)

    questions = make(one, text, record["seed"], run)
    if not questions:
        say(
            f"No line of {one.file} can carry a question. The questions are about lines that contain "
            "one statement each, which computes something when the check runs your functions."
        )
        return 0
    first: dict[str, bool] = record["first"]
    command = f"minigrad course explain {one.number}"
    for index, question in enumerate(questions):
        if str(index) in first and not options.again:
            continue
        say("", f"Question {index + 1} of {len(questions)} about {one.file}:", "")
        try:
            for right in _answers(question):
                with workbook.changed(one) as entry:
                    first = entry["explained"]["first"]
                    first.setdefault(str(index), right)
        except (EOFError, KeyboardInterrupt) as stop:
            if len(first) < len(questions):
                say("", f"To answer the other questions: {command}")
            if isinstance(stop, KeyboardInterrupt):
                raise
            return int(len(first) < len(questions))
    right_first = [one is True for one in first.values()]
    say("", f"{sum(right_first)} of {len(questions)} answered at the first try.")
    say(f"To answer them again: {command} --again")
    return 0


def _answers(question: OwnQuestion) -> Iterator[bool]:
    """Print a question, and yield whether each of the learner's answers is right. After two wrong
    answers, show the right one. Errors: EOFError at the end of the input.
    """
    say(*question.text.split("\n"))
    for letter, choice in question.letters.items():
        say(f"  {letter}) {choice}")
    sealed, tries = question.sealed(), 0
    while tries < 2:
        given = input("> ").strip()
        if tries and not given:
            break
        try:
            quiz.require_fit(sealed, given)
        except OptionError:
            kind = (
                f"one of the letters {', '.join(question.letters)}"
                if question.letters
                else "a number"
            )
            say(f"Answer with {kind}.")
            continue
        tries += 1
        right, _ = quiz.answer(sealed, given)
        yield right
        if right:
            say("✓ Right.")
            return
        if tries == 1:
            say("✗ No. Try once more, or press Enter to see the answer.")
    say(f"✗ The answer is {question.right}.")
