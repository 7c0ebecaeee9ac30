"""Compare a file's raw answers with the solution's, and find a slip with the same answers.

The learner's code never runs here. The lesson's solution answers the same questions, and its
answers are the right ones. A slip is recognised if it gives the same wrong answers as the file.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from .answers import Difference, decode, difference, encode
from .lesson import Lesson, Question, Slip
from .sandbox import NO_WALL, Run, ask
from .wall import Wall

LONGEST_MESSAGE = 1000
"""The longest message about an answer, in characters. The message may quote the answer."""

_JUDGING = threading.Lock()
"""Learners' files run in parallel. Solutions run in this process one at a time, because they share
a random generator and stdout.
"""


@dataclass(frozen=True)
class Problem:
    """The first problem of a file. Fields that do not apply are empty."""

    kind: str
    """'not written', 'missing', 'error' (an exception of the file's), 'stopped' (by a limit), or
    'wrong'."""
    function: str = ""
    line: int | None = None
    question: Question | None = None
    message: str = ""
    text: str = ""
    """The source of that line, for an exception."""
    difference: Difference | None = None
    slip: Slip | None = None


@dataclass(frozen=True)
class Verdict:
    """The result of a check."""

    lesson: Lesson
    right: int
    """The number of right answers. All must be right to pass."""
    problem: Problem | None = None
    """The first problem, None after a pass."""
    output: str = ""
    """The file's output."""

    @property
    def passed(self) -> bool:
        return self.problem is None


def grade(lesson: Lesson, source: Path, text: str, wall: Wall = NO_WALL) -> Verdict:
    """Run a learner's file in its own process behind `wall`, ask all questions, and judge the
    answers.

    `source` is the file's path, for messages, and `text` its contents. Errors: OSError if the wall
    fails.
    """
    run = ask(lesson, source, text, wall)
    with _JUDGING:
        return judge(lesson, text, run)


def judge(lesson: Lesson, text: str, run: Run) -> Verdict:
    """Return the verdict on a file's answers."""
    found = [_judged(lesson, text, run, index) for index in range(len(lesson.questions))]
    problems = [problem for problem in found if problem is not None]
    right = len(found) - len(problems)
    if run.unloaded is not None:
        right, problems = 0, [_raised("", run.unloaded)]
    if not problems:
        return Verdict(lesson, right, output=run.output)
    problem = problems[0]
    slip = None
    # slips can take seconds
    if problem.question is not None and problem.kind not in ("not written", "missing"):
        wrong = {i for i, other in enumerate(found) if other and other.function == problem.function}
        slip = _slip(lesson, run, problem.function, wrong)
    problem = replace(problem, slip=slip, line=problem.line or line_of(text, problem.function))
    return Verdict(lesson, right, problem, run.output)


def line_of(text: str, function: str) -> int | None:
    r"""Return the line of the last definition of `function`: 'backward', 'Tanh.backward', or a
    variable.

    >>> line_of("class Tanh:\n    def backward(self): ...", "Tanh.backward")
    2
    """
    line, start, end = None, 0, len(text)
    for name in filter(None, function.split(".")):
        indent = "" if line is None else r"[ \t]+"
        definition = re.compile(rf"^{indent}(?:(?:def|class) {name}\b|{name}\s*[:=])", re.M)
        for found in definition.finditer(text, start, end):
            line, start = text.count("\n", 0, found.start()) + 1, found.start()
        after = re.compile(r"^\S", re.M).search(text, start + 1)  # the end of a class
        end = after.start() if after else end
    return line


def _judged(lesson: Lesson, text: str, run: Run, index: int) -> Problem | None:
    """Return the problem of the answer to a question, or None if it is right."""
    question = lesson.questions[index]
    if index >= len(run.outcomes):
        return Problem("stopped", question.function, question=question, message=run.ended)
    outcome = run.outcomes[index]
    if "missing" in outcome:
        return Problem("missing", question.function.partition(".")[0], question=question)
    if "raised" in outcome:
        return _raised(question.function, outcome["raised"], question)
    yours = outcome["answer"]
    if yours is None and re.search(rf"^{re.escape(question.function)}\s*=\s*None\b", text, re.M):
        return Problem("not written", question.function, question=question)
    found = _mistake(question, yours, answers_with(lesson)[index])
    if found is None:
        return None
    problem = Problem("wrong", question.function, question=question)
    if isinstance(found, str):
        return replace(problem, message=found[:LONGEST_MESSAGE])
    return replace(problem, difference=found)


def _mistake(question: Question, yours: Any, right: Any) -> Difference | str | None:
    """Return where an answer differs from the right one, or the lesson's message about it, or None
    if it is right.
    """
    if question.compare is not None and (yours is not None or right is None):
        with contextlib.suppress(Exception):  # an answer of another form
            return question.compare(yours, right)
    return difference(yours, right, question.tolerance)


def _raised(function: str, failure: dict[str, Any], question: Question | None = None) -> Problem:
    kind = "not written" if failure["not_written"] else "error"
    said = ": ".join(filter(None, [failure["type"], failure["message"]]))
    return Problem(kind, function, failure["line"], question, said, failure["text"])


@lru_cache(maxsize=256)
def answers_with(lesson: Lesson, slip: str = "") -> tuple[Any, ...]:
    """Return the solution's answers, or the answers after a slip's code has run too. An exception
    is represented by its type.
    """
    file = ModuleType(lesson.name)
    source = f"{lesson.read('solution.py')}\n{slip}"
    answers: list[Any] = []
    with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, f"<{lesson.name}>", "exec", dont_inherit=True), file.__dict__)
        for question in lesson.questions:
            try:
                if question.expect is not None and not slip:
                    answers.append(question.expect())
                else:
                    answers.append(decode(encode(question.ask(file))))
            except Exception as error:
                answers.append(type(error))
    return tuple(answers)


def _slip(lesson: Lesson, run: Run, function: str, wrong: set[int]) -> Slip | None:
    """Return the slip that gives the same answers to all questions about the function.

    Otherwise, return the only slip that gives the same answers to the first wrong question and to
    most of the wrong ones.
    """
    asked = {i for i, question in enumerate(lesson.questions) if question.function == function}
    alike = {slip: {i for i in asked if _same(lesson, run, slip, i)} for slip in lesson.slips}
    own = [slip for slip in alike if _function_of(lesson, slip) == function]
    for slip in (*own, *alike):
        if alike[slip] == asked:
            return slip
    like = [
        slip
        for slip in own
        if min(wrong) in alike[slip] and len(alike[slip] & wrong) > len(wrong) / 2
    ]
    return like[0] if len(like) == 1 else None


def _function_of(lesson: Lesson, slip: Slip) -> str:
    """Return the first function that the slip gets wrong. Later wrong answers are consequences of
    this mistake.
    """
    right, answers = answers_with(lesson), answers_with(lesson, slip.code)
    for question, expected, answer in zip(lesson.questions, right, answers, strict=True):
        if isinstance(answer, type) or _mistake(question, answer, expected) is not None:
            return question.function
    return ""


def _same(lesson: Lesson, run: Run, slip: Slip, index: int) -> bool:
    """Return whether the file gave the same answer to this question as the slip."""
    answer = answers_with(lesson, slip.code)[index]
    outcome = run.outcomes[index] if index < len(run.outcomes) else {}
    if isinstance(answer, type):  # of an exception
        return bool(outcome.get("raised", {}).get("type") == answer.__name__)
    return "answer" in outcome and not difference(
        outcome["answer"], answer, lesson.questions[index].tolerance
    )
