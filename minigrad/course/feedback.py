"""Describe a verdict to the learner, with more detail after each failed attempt.

After the first failed check, the text names the wrong function and its line, and shows the two
numbers that disagree. After the second, it also describes the kind of mistake. After the third, it
also shows the formula. From the fourth on, it also shows the command that prints the solution.
"""

from __future__ import annotations

import textwrap

from ..support.text import printable
from .answers import Difference
from .grade import Problem, Verdict
from .lesson import Lesson


def lines(verdict: Verdict, tries: int, width: int = 80) -> list[str]:
    """Return the lines to print. `tries` counts the checks in which this function was wrong,
    including this one. `width` is the terminal's.
    """
    width = max(40, min(width, 100))
    lesson, problem = verdict.lesson, verdict.problem
    title = f"Lesson {lesson.number}, {lesson.title}"
    if problem is None:
        told = [f"✓ {title}: passed. All {verdict.lesson.asked} checks are right."]
        return [*told, *_stretch(verdict, width)]
    at = f" ({lesson.file}, line {problem.line})" if problem.line else ""
    if problem.kind == "not written":
        return wrapped(f"○ {title}: {problem.function or 'it'} is not written yet{at}.", width)
    head = wrapped(f"✗ {title}: {verdict.right} of {verdict.lesson.asked} checks are right.", width)
    return [*head, *told_of(problem, lesson, at, tries, width)]


def told_of(problem: Problem, lesson: Lesson, at: str, tries: int, width: int) -> list[str]:
    """Return the lines about a problem: its location, the inputs, both values, and the cause if it
    is known.
    """
    told = _what(problem, lesson, at, width)
    if problem.kind == "missing" or problem.question is None:
        return told
    told += _again(problem, lesson, width)
    slip, formula = problem.slip, problem.question.formula
    if tries == 1 and problem.kind in ("wrong", "error", "changed"):
        told += ["", f"  minigrad course hint {lesson.number} gives a hint."]
    if tries >= 2 and slip is not None:
        told += [
            "",
            *wrapped(f"  Your answers match this mistake: {slip.name}. {slip.kind}", width),
        ]
    elif tries >= 2 and problem.kind == "wrong" and problem.inputs and not _is_specific(problem):
        told += [
            "",
            *wrapped(
                "  Work out the value by hand from these inputs, and find the step where your code differs.",
                width,
            ),
        ]
    elif tries >= 2 and problem.kind == "stopped":
        told += [
            "",
            *wrapped(
                "  Is there a loop that never ends, or work that is repeated again and again?",
                width,
            ),
        ]
    formula = (slip.formula if slip and slip.formula else "") or formula
    if tries >= 3 and formula and not problem.blames:
        told += ["", *wrapped(f"  The formula: {formula}", width)]
    if tries >= 4:
        told += ["", f"The solution, if you want it: minigrad course solution {lesson.number}"]
    return told


def _stretch(verdict: Verdict, width: int) -> list[str]:
    """Return the lines about the stretch tasks, if any were tried."""
    done, problem = verdict.stretch
    if problem is not None:
        at = f" ({verdict.lesson.file}, line {problem.line})" if problem.line else ""
        return [
            "",
            "  The stretch task is not right yet:",
            *told_of(problem, verdict.lesson, at, 2, width),
        ]
    asked = len(verdict.lesson.questions) - verdict.lesson.asked
    return [f"  Stretch tasks: {done} of {asked} checks are right."] if done else []


def _is_specific(problem: Problem) -> bool:
    """Return whether the message already names the mistake."""
    difference = problem.difference
    words = ("None", "shape", "a list of", "a dict", "names ", "nothing")
    told = f"{difference.yours} {difference.right}" if difference else problem.message
    return bool(problem.blames or problem.message or any(word in told for word in words))


def _what(problem: Problem, lesson: Lesson, at: str, width: int) -> list[str]:
    """Return the lines with the wrong function, its location, the inputs, and the numbers."""
    name, question, difference = problem.function, problem.question, problem.difference
    if problem.kind == "missing":
        return [f"  There is no {name} in {lesson.file}. Did you rename it?"]
    where = wrapped(f"    line {problem.line}: {problem.text}", width) if problem.text else []
    message = [
        part
        for line in problem.message.splitlines()
        for part in wrapped(printable(line), width, "    ")
    ]
    if question is None:
        return [*wrapped(f"  {lesson.file} cannot be run{at}.", width), *where, *message]
    asked = wrapped(f"  asked: {question.what or question.call}", width)
    for input_name, value in problem.inputs:
        asked += wrapped(f"    {input_name} = {printable(value)}", width, "    ", "        ")
    if problem.kind == "stopped":
        return [*wrapped(f"  {name}{at} did not answer: {problem.message}.", width), *asked]
    if problem.kind == "changed":
        lead = f"  {name}{at} changes its input {problem.message}. Work on a copy, or make a new array."
        pairs = _compared(difference, "after the call", "before it") if difference else []
        return [*wrapped(lead, width), *asked, *pairs]
    if problem.blames:
        lead = (f"  {name} is correct by itself. The mistake is in {problem.blames}{at}: with a "
                f"correct {problem.blames}, {name} gives the right answer.")  # fmt: skip
        return [*wrapped(lead, width), *asked, *_numbers(problem, message, width)]
    if problem.kind == "error":
        blame = (
            "raised an error"
            if where
            else "cannot be called with these arguments, or returned something that cannot be used"
        )
        if not where and "'NoneType'" in problem.message:  # raised where the answer was used
            message.append("    Does it always return its result?")
        return [*wrapped(f"  {name}{at} {blame}.", width), *asked, *where, *message]
    own = []
    if problem.variables and not problem.first:
        own = ["  your variables when it returned:"]
        for own_name, value in problem.variables:
            own += wrapped(f"    {own_name} = {printable(value)}", width, "    ", "        ")
    wrong = wrapped(f"  {name}{at} gives a wrong answer.", width)
    return [*wrong, *asked, *_numbers(problem, message, width), *own]


def _numbers(problem: Problem, message: list[str], width: int) -> list[str]:
    """Return the lines with the first value that differs."""
    if problem.difference is None:
        return message
    assert problem.question is not None
    lead = []
    if problem.after:
        lead = wrapped(
            f"  Everything up to {problem.after} is right. The first value that differs is {problem.first}:",
            width,
        )
    return [*lead, *_compared(problem.difference, "yours", problem.question.measured)]


def _compared(difference: Difference, yours: str, right: str) -> list[str]:
    at = " at" if difference.place.startswith("[") else ""
    pairs = ((yours, printable(difference.yours)), (right, difference.right))
    labels = [f"{label}{at} {difference.place}".rstrip() for label, _ in pairs]
    width = max(map(len, labels)) + 2
    return [f"    {label:<{width}}{value}" for label, (_, value) in zip(labels, pairs, strict=True)]


def _again(problem: Problem, lesson: Lesson, width: int) -> list[str]:
    """Return the lines that show the failure again in Python."""
    question = problem.question
    assert question is not None
    names = [name for name, _ in problem.inputs]
    imports, call = f"from {lesson.name} import *", f"print({question.call})"
    if problem.kind == "changed":
        call = f"{question.call}; print({problem.message})"
    if problem.first and not question.names:
        imports = "from minigrad.course import steps"
        call = f"print(steps({lesson.number}, {problem.number}))"
    elif names:
        imports = f"from minigrad.course import inputs; {imports}"
        call = f"{', '.join(names)} = inputs({lesson.number}, {problem.number}); {call}"
    pasted = [imports, call] if len(call) <= width - 4 else [imports, *call.split("; ", 1)]
    return [
        "",
        "  To see it again, start python in this folder and paste:",
        *(f"    {line}" for line in pasted),
    ]


def wrapped(text: str, width: int = 80, indent: str = "", following: str = "") -> list[str]:
    """Wrap text into lines of at most `width` characters. The other lines get the first line's
    indentation.
    """
    indent = indent or " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text.strip(), width, initial_indent=indent, subsequent_indent=following or indent,
                         break_on_hyphens=False)  # fmt: skip
