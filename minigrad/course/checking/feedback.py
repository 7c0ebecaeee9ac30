"""Describe a verdict to the learner, with more detail after each failed attempt.

After the first failed check, the text names the wrong function and its line, and shows the two
numbers that disagree. After the second, it also describes the kind of mistake or, if the kind is
unknown, shows another wrong answer. After the third, it also shows the formula. From the fourth on,
it also shows the command that prints the solution. A typical text fits a terminal with 24 lines.
"""

import shutil
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from ...support.text import for_terminal, printable
from ...tools.commands import to_type
from .answers import Difference
from .grade import Problem, Verdict
from .lesson import ENGINE, Lesson
from .registry import FOLDER
from .sandbox import late

LATE = (
    "On most computers, a right file needs a few seconds at most. A loop that never ends takes longer, and so does "
    "work that is repeated again and again, or a computer that is slow or busy."
)
DEEP = (
    "Your function calls itself, and each call waits for the next one. Python allows about 1,000 of such calls. If the "
    "calls would end, write a loop with a list of what is still to do."
)
TRAINING_LATE = (
    "The answers before the training were right, so your functions need not be wrong. The training takes a few "
    "seconds on most computers, and longer on a slow or busy computer, or if a function repeats work. Close other "
    "programs and check again."
)


def lines(
    verdict: Verdict, tries: int, width: int = 80, page: bool = False, without: str = ""
) -> list[str]:
    """Return the lines to print. `tries` counts the checks in which this function was wrong,
    including this one. `width` is the terminal's width. If `page` is True, the lines are shown on a
    page in a browser, which has buttons instead of commands, so they name no commands. `without`
    lists what a teacher has hidden.
    """
    width = max(24, min(width, 100))
    lesson, problem = verdict.lesson, verdict.problem
    title, asked = f"{lesson.kind} {lesson.number}, {lesson.title}", lesson.asked
    if problem is not None and problem.kind == "not written":
        name = problem.function or "it"
        return wrapped(f"○ {title}: {name} is not written yet{_at(problem, lesson)}.", width)
    if problem is not None:
        left = verdict.unanswered
        counted = (
            f"{verdict.right} of {asked} checks are right"
            + f"; {left} {'has' if left == 1 else 'have'} no answer" * (left > 0)
        )
        if left == asked:
            counted = f"none of the {asked} checks has an answer"
        head = wrapped(f"✗ {title}: {counted}.", width)
        return [*head, *explained(problem, lesson, tries, width, page, without)]
    told = [f"✓ {title}: passed. All {asked} checks are right."]
    told += wrapped(f"  {getattr(lesson.check, 'PASSED', '')}", width)
    done, beyond = verdict.stretch
    if beyond is not None:
        more = explained(beyond, lesson, 2, width, page)
        told += ["", "  The stretch task is not right yet:", *more]
    elif done:
        unwritten = verdict.unwritten
        tried = sum(q.stretch and q.function not in unwritten for q in lesson.questions)
        told += [f"  Stretch tasks: {done} of {tried} checks are right."]
        told += [f"  {name} is not written." for name in unwritten]
    return told


def reached(found: Mapping[str, Any]) -> list[str]:
    """Return the line about a milestone's training. `found` is the answer to its training question."""
    first, last, seconds = found["losses"][0], found["loss"], found["seconds"]
    return [f"  Loss {first:.3g} -> {last:.3g} in {seconds:.1f} s: {found['told']}."]


def about_engine(verdict: Verdict, width: int) -> list[str]:
    """Return the lines about the learner's engine if a milestone blames it: what lesson 7's check
    says about this engine.
    """
    file = verdict.lesson.file
    if verdict.passed:
        clean = f"Lesson 7's check finds no mistake in {ENGINE}, so compare it with {file}."
        return ["", *wrapped(clean, width)]
    said = lines(verdict, 2, width, page=True)
    return [
        "",
        f"What lesson 7's check says about {ENGINE}:",
        *(line.replace(file, ENGINE) for line in said),
    ]


def explained(
    problem: Problem,
    lesson: Lesson,
    tries: int,
    width: int,
    page: bool = False,
    without: str = "",
) -> list[str]:
    """Return the lines about a problem: the function, the question with its inputs, the values, the
    cause if it is known, and lines that reproduce the failure.
    """
    question, slip = problem.question, problem.slip
    if problem.kind == "missing":
        return [f"  There is no {problem.function} in {lesson.file}. Did you rename it?"]
    told = wrapped(f"  {_lead(problem, lesson)}", width)
    told += _asked(problem, width) + _values(problem, width)
    if question is None:
        return told
    if problem.earlier:
        before = lesson.questions[problem.earlier - 1]
        told += wrapped(
            "  If Python has just started, your answer is right. It is wrong after this earlier question: "
            + (before.what or before.call),
            width,
        )
    unnamed = slip is None and not problem.blames
    if tries >= 2 and unnamed and problem.difference and problem.difference.relation:
        told += wrapped(f"  {problem.difference.relation}", width)
    if tries >= 2 and unnamed and problem.other:
        told += ["  Another wrong answer:", *_asked(problem.other, width)]
        told += _values(problem.other, width)
    words = []
    if tries >= 2 and slip is not None:
        matches = "Your answers match this mistake: " * (problem.kind != "changed")
        words.append(f"{matches}{slip}")
    elif tries >= 2 and "RecursionError" in problem.message:
        words.append(DEEP)
    elif problem.message == late(question.training) and (question.training or tries >= 2):
        words.append(TRAINING_LATE if question.training else LATE)
    formula = (slip and slip.formula) or question.formula
    if tries >= 3 and formula and not problem.blames:
        words.append(f"The formula: {formula}")
    for text in words:
        told += wrapped(f"  {text}", width)
    if page:
        return told
    told += ["", "  To see it again, start python in this folder and paste:"]
    told += packed(to_paste(problem, lesson), "; ", max(width, 80))
    if problem.blames == ENGINE:  # the milestone's hints are not about the engine
        return told
    if (tries == 1 or (tries < 4 and unnamed)) and "hints" not in without:
        told += [f"  minigrad course hint {lesson.word} gives a hint."]
    elif tries >= 4 and "solutions" not in without:
        told += [f"  The solution, if you want it: minigrad course solution {lesson.word}"]
    return told


def _asked(problem: Problem, width: int) -> list[str]:
    """Return the lines with the question and its inputs."""
    if problem.question is None:
        return []
    what = problem.question.what or problem.question.call
    inputs = (
        f"{n} = {printable(v)}"
        for n, v in problem.inputs.items()
        if not v.startswith("<") and f"{n} = {v}" not in what
    )
    return [*wrapped(f"  asked: {what}", width), *packed(inputs, "   ", width)]


def _at(problem: Problem, lesson: Lesson) -> str:
    return f" ({lesson.file}, line {problem.line})" if problem.line else ""


def _lead(problem: Problem, lesson: Lesson) -> str:
    """Return the sentence that names the wrong function and its line."""
    at, name, other = _at(problem, lesson), problem.function, problem.blames
    if problem.question is None and problem.kind == "stopped":
        return f"{lesson.file} did not run to its end: {problem.message}."
    if problem.question is None:
        return f"{lesson.file} cannot be run{at}."
    if problem.kind == "stopped":
        return f"{name}{at} did not answer: {problem.message}."
    if problem.kind == "changed":
        return (
            f"{name}{at} changes its input {problem.message}. Work on a copy, or make a new array."
        )
    if other:
        return (
            f"{name} is correct by itself. The mistake is in {other}{at}: with a correct {other}, "
            f"{name} gives the right answer."
        )
    if problem.kind == "wrong":
        return f"{name}{at} gives a wrong answer."
    if problem.text:
        return f"{name}{at} raised an error."
    return f"{name}{at} cannot be called with these arguments, or returned something that cannot be used."


def _values(problem: Problem, width: int) -> list[str]:
    """Return the lines with the first value that differs, or with the message."""
    told = []
    if problem.text:
        told += wrapped(f"    line {problem.line}: {problem.text}", width)
    if problem.difference is not None:
        if problem.after:
            told += wrapped(
                f"  Everything up to {problem.after} is right. "
                f"The first value that differs is {problem.first}:",
                width,
            )
        if problem.kind == "changed":
            return told + _compared(problem.difference, "after the call", "before it", width)
        measured = problem.question.measured if problem.question else ""
        told += _compared(problem.difference, "yours", measured, width)
    elif problem.kind != "stopped":
        for line in problem.message.splitlines():
            told += wrapped(f"    {printable(line).strip()}", width)
    if problem.kind == "error" and not problem.text and "'NoneType'" in problem.message:
        told += ["    Does it always return its result?"]  # raised where the answer was used
    number = (
        problem.difference is None or " " not in problem.difference.yours
    )  # not a shape or type
    shown = problem.kind == "wrong" and number and not problem.first and not problem.blames
    if shown and problem.variables:
        told += ["  your variables when it returned:"]
        told += packed(
            (f"{n} = {printable(v)}" for n, v in problem.variables.items()),
            "   ",
            width,
        )
    return told


def _compared(difference: Difference, yours: str, right: str, width: int) -> list[str]:
    place = f"{' at' * difference.place.startswith('[')} {difference.place}".rstrip()
    yours, right = f"{yours}{place}", f"{right}{place}"
    column = max(len(yours), len(right)) + 2
    return [
        *wrapped(f"    {yours:<{column}}{printable(difference.yours)}", width),
        *wrapped(f"    {right:<{column}}{difference.right}", width),
    ]


def to_paste(problem: Problem, lesson: Lesson) -> list[str]:
    """Return the Python statements that reproduce the failure."""
    which = lesson.number if lesson.folder.parent == FOLDER else repr(lesson.name)
    question, place = problem.question, f"{which}, {problem.number}"
    assert question is not None
    if problem.first and not question.names:
        return ["from minigrad.course import steps", f"print(steps({place}))"]
    names = ", ".join(problem.inputs)
    asked = [f"{names} = inputs({place})"] if names else []
    if problem.earlier:
        before = lesson.questions[problem.earlier - 1]
        if known := ", ".join(before.given(lesson.solved)):
            asked.insert(0, f"{known} = inputs({which}, {problem.earlier})")
        asked.insert(-1 if names else 1, before.call)
    told = [f"from {lesson.name} import *", *asked]
    if any("inputs(" in one for one in asked):
        told.insert(0, "from minigrad.course import inputs")
    if problem.kind == "changed":
        return [*told, question.call, f"print({problem.message})"]
    return [*told, f"print({question.call})"]


def packed(parts: Iterable[str], between: str, width: int) -> list[str]:
    """Return indented lines with as many parts in each as fit. A part that is longer than a line is
    wrapped.
    """
    rows: list[str] = []
    for part in parts:
        if rows and len(rows[-1]) + len(between) + len(part) <= width:
            rows[-1] += between + part
        else:
            rows += wrapped(f"    {part}", width, "        ")
    return rows


def wrapped(text: str, width: int = 80, following: str = "") -> list[str]:
    """Wrap text into lines of at most `width` characters. The lines after the first start with
    `following`, by default the first line's indentation.
    """
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(
        text.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=following or indent,
        break_on_hyphens=False,
    )


def say(*texts: str, width: int = 0) -> None:
    """Print texts that may contain learners' text. Wrap them, and escape control characters."""
    for text in texts:
        for line in wrapped(text, width or terminal_width()) or [""]:
            print(for_terminal(to_type(printable(line))))


def terminal_width() -> int:
    """Return the number of columns of the terminal, at least 40."""
    return max(shutil.get_terminal_size().columns, 40)
