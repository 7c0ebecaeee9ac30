"""Put a verdict into words, with more detail after each failed attempt.

The first time: which function is wrong, where, and the two numbers that disagree. The second time:
the kind of mistake. The third time: the formula. After that: the command that prints the solution.
"""

from __future__ import annotations

import textwrap

from ..support.text import printable
from .grade import Problem, Verdict


def lines(verdict: Verdict, tries: int) -> list[str]:
    """Return the lines to print. `tries` is the number of checks, including this one, in which this
    function was wrong.
    """
    lesson, problem = verdict.lesson, verdict.problem
    title, asked = f"Lesson {lesson.number}, {lesson.title}", len(lesson.questions)
    if problem is None:
        return [f"✓ {title}: passed. {asked} of {asked} questions right."]
    at = f" ({lesson.file}, line {problem.line})" if problem.line else ""
    if problem.kind == "not written":
        return [f"○ {title}: {problem.function or 'it'} is not written yet{at}."]
    told = [
        f"✗ {title}: {verdict.right} of {asked} questions right.",
        *_what(problem, lesson.file, at),
    ]
    if tries == 1 and problem.kind == "wrong":
        told += ["", "  minigrad course hint gives a hint."]
    if problem.kind == "missing" or problem.question is None:
        return told
    kind = _kind(problem)
    if tries >= 2 and kind:
        told += ["", *kind]
    formula = (problem.slip or problem.question).formula
    if tries >= 3 and formula:
        told += ["", *wrapped(f"  The formula: {formula}")]
    if tries >= 4:
        told += ["", f"The solution, if you want it: minigrad course solution {lesson.number}"]
    return told


def _what(problem: Problem, file: str, at: str) -> list[str]:
    """Return which function is wrong, where, and the numbers."""
    name, question, difference = problem.function, problem.question, problem.difference
    if problem.kind == "missing":
        return [f"  There is no {name} in {file}. Did you rename it?"]
    where = [f"    line {problem.line}: {problem.text}"] if problem.text else []
    message = [f"    {printable(line)}" for line in problem.message.splitlines()]
    if question is None:
        return [f"  {file} cannot be run{at}.", *where, *message]
    asked = f"  asked: {question.what}"
    if problem.kind == "stopped":
        return [f"  {name}{at} did not answer: {problem.message}.", asked]
    if problem.kind == "error":
        blame = (
            "raised an error"
            if where
            else "cannot be called with these arguments, or returned something that cannot be used"
        )
        if not where and "'NoneType'" in problem.message:  # raised where the answer was used
            message.append("    Does it always return its result?")
        return [f"  {name}{at} {blame}.", asked, *where, *message]
    if difference is None:
        numbers = [part for line in problem.message.splitlines() for part in wrapped(line, "    ")]
    else:
        place = f" at {difference.place}" if difference.place else ""
        yours, right = f"yours{place}", f"{question.measured}{place}"
        width = max(len(yours), len(right)) + 2
        numbers = [
            f"    {yours:<{width}}{printable(difference.yours)}",
            f"    {right:<{width}}{difference.right}",
        ]
    return [f"  {name}{at} gives a wrong answer.", asked, *numbers]


def _kind(problem: Problem) -> list[str]:
    if problem.slip is not None:
        return wrapped(f"  It looks like this: {problem.slip.name}. {problem.slip.kind}")
    if problem.kind == "stopped":
        return wrapped(
            "  Is there a loop that never ends, or work that is repeated again and again?"
        )
    if problem.kind == "error" or (problem.difference and "None" in problem.difference.yours):
        return []  # the message says what is wrong
    return wrapped("  This is not one of the common mistakes. Work out one number by hand, and "
                   "find the step where your code differs. minigrad course hint may help too.")  # fmt: skip


def wrapped(text: str, indent: str = "") -> list[str]:
    """Wrap text into lines of at most 92 characters. All lines get the indentation of the first."""
    indent = indent or " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text.strip(), 92, initial_indent=indent, subsequent_indent=indent)
