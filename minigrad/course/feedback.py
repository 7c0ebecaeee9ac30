"""What a verdict says: on a ladder, the oftener a function is tried the more.

First which function is wrong, where, and the two numbers that disagree; the second time the kind of mistake; the third
time the formula; then the solution is offered.
"""

from __future__ import annotations

import textwrap

from ..support.text import printable
from .grade import Problem, Verdict


def lines(verdict: Verdict, tries: int) -> list[str]:
    """The lines to print. `tries` counts how often this function has been found wrong, this time included."""
    lesson = verdict.lesson
    if verdict.passed:
        return [
            f"✓ Lesson {lesson.number}, {lesson.title}: passed. {verdict.asked} of {verdict.asked} questions right."
        ]
    problem = verdict.problem
    assert problem is not None
    score = f"✗ Lesson {lesson.number}, {lesson.title}: {verdict.right} of {verdict.asked} questions right."
    if problem.kind == "not written":
        return [
            f"○ Lesson {lesson.number}, {lesson.title}: {problem.function or 'it'} is not written yet{_at(verdict)}."
        ]
    told = [score, *_what(verdict, problem)]
    if tries == 1 and problem.kind == "wrong":
        told += ["", "  minigrad course hint gives a hint."]
    if problem.kind == "missing" or (problem.kind == "error" and problem.question is None):
        return told
    if tries >= 2 and (kind := _kind(problem)):
        told += ["", *kind]
    formula = problem.slip.formula if problem.slip else problem.question.formula if problem.question else ""
    if tries >= 3 and formula:
        told += ["", *wrapped(f"  The formula: {formula}")]
    if tries >= 4:
        told += ["", f"The solution, if you want it: minigrad course solution {lesson.number}"]
    return told


def _what(verdict: Verdict, problem: Problem) -> list[str]:
    """Which function, where, and the numbers."""
    at, name = _at(verdict), problem.function
    asked = f"  asked: {problem.question.what}" if problem.question else ""
    if problem.kind == "missing":
        return [f"  There is no {name} in {verdict.lesson.file}: has it been renamed?"]
    if problem.kind == "stopped":
        return [f"  {name}{at} did not answer: {problem.message}.", asked]
    if problem.kind == "error":
        where = [f"    line {problem.line}: {problem.text}"] if problem.text else []
        message = [f"    {printable(line)}" for line in problem.message.splitlines()]
        if not name:
            return [f"  {verdict.lesson.file} cannot be run{at}.", *where, *message]
        blame = "raised an error" if problem.text else "cannot be called as asked, or gave what cannot be used"
        if not problem.text and "'NoneType'" in problem.message:  # raised where the answer was used
            message.append("    Does it always return its result?")
        return [f"  {name}{at} {blame}.", *filter(None, [asked]), *where, *message]
    said = [f"  {name}{at} gives a wrong answer.", asked]
    if problem.message:
        return [*said, *(part for line in problem.message.splitlines() for part in wrapped(line, "    "))]
    if problem.difference is not None and problem.question is not None:
        place = f" at {problem.difference.place}" if problem.difference.place else ""
        yours, right = f"yours{place}", f"{problem.question.measured}{place}"
        width = max(len(yours), len(right)) + 2
        said += [f"    {yours:<{width}}{printable(problem.difference.yours)}",
                 f"    {right:<{width}}{problem.difference.right}"]  # fmt: skip
    return said


def _kind(problem: Problem) -> list[str]:
    if problem.slip is not None:
        return wrapped(f"  It looks like this: {problem.slip.name}. {problem.slip.kind}")
    if problem.kind == "stopped":
        return wrapped("  Is there a loop that never ends, or work that is done again and again?")
    if problem.kind == "error" or (problem.difference and "None" in problem.difference.yours):
        return []  # the message says what is wrong
    return wrapped("  It is none of the mistakes that this lesson knows. Work out one number by hand, and see where "
                    "your code leaves that path. minigrad course hint may help too.")  # fmt: skip


def _at(verdict: Verdict) -> str:
    problem = verdict.problem
    return f" ({verdict.lesson.file}, line {problem.line})" if problem is not None and problem.line else ""


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines of at most 92 characters. Where the text begins with spaces, the other lines do too."""
    indent = indent or " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text.strip(), 92, initial_indent=indent, subsequent_indent=indent)
