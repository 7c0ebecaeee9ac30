"""Describe a verdict to the learner, with more detail after each failed attempt.

After the first failed check, the text names the wrong function and its line, and shows the two
numbers that disagree. After the second, it also describes the kind of mistake. After the third, it
also shows the formula. After that, it also shows the command that prints the solution.
"""

from __future__ import annotations

import textwrap

from ..support.text import printable
from .grade import Problem, Verdict


def lines(verdict: Verdict, tries: int) -> list[str]:
    """Return the lines to print. `tries` counts the checks in which this function was wrong,
    including this check.
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
        told += ["", "  For a hint, run minigrad course hint."]
    if problem.kind == "missing" or problem.question is None:
        return told
    kind = _kind(problem)
    if tries >= 2 and kind:
        told += ["", *kind]
    formula = (problem.slip or problem.question).formula
    if tries >= 3 and formula:
        told += ["", *wrapped(f"  The formula: {formula}")]
    if tries >= 4:
        told += ["", f"To see the solution, run minigrad course solution {lesson.number}"]
    return told


def _what(problem: Problem, file: str, at: str) -> list[str]:
    """Return lines that name the wrong function and its line, and show the numbers."""
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
            else "cannot be called with these arguments, or returned an unusable value"
        )
        # the check raised this error when it used the function's result
        if not where and "'NoneType'" in problem.message:
            message.append("    Does the function always return its result?")
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
        return wrapped(f"  The likely mistake: {problem.slip.name}. {problem.slip.kind}")
    if problem.kind == "stopped":
        return wrapped(
            "  Is there a loop that never ends, or work that is repeated again and again?"
        )
    if problem.kind == "error" or (problem.difference and "None" in problem.difference.yours):
        return []  # the message says what is wrong
    return wrapped("  This is not one of the common mistakes. Work out one number by hand, and "
                   "find the step where your code differs. minigrad course hint may help too.")  # fmt: skip


def wrapped(text: str, indent: str = "") -> list[str]:
    """Wrap text into lines of at most 92 characters, each with the first line's indentation."""
    indent = indent or " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text.strip(), 92, initial_indent=indent, subsequent_indent=indent)
