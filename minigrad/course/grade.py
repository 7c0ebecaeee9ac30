"""Grading: compare a file's raw answers with the solution's, and find the slip that answers alike.

Nothing of the learner's runs here. The right answers are those of the lesson's solution, asked the
same questions; a slip is recognised by giving the same wrong answers.
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
"""Characters that are said about an answer, which may be quoted there."""

_JUDGING = threading.Lock()
"""Files run in parallel. Solutions run here, with one random generator and one stdout: by turns."""


@dataclass(frozen=True)
class Problem:
    """The first thing that is wrong with a file. Only what applies is there."""

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
    """What a check found."""

    lesson: Lesson
    right: int
    """How many questions were answered right: all of them for a pass."""
    problem: Problem | None = None
    """The first thing that is wrong, None after a pass."""
    output: str = ""
    """What the file printed."""

    @property
    def passed(self) -> bool:
        return self.problem is None


def grade(lesson: Lesson, source: Path, text: str, wall: Wall = NO_WALL) -> Verdict:
    """Run a learner's file in its own process behind `wall`, ask it everything, and judge its
    answers.

    `source` is where it stands, for messages; `text` what stands there. Errors: OSError if the wall
    falls down.
    """
    run = ask(lesson, source, text, wall)
    with _JUDGING:
        return judge(lesson, text, run)


def judge(lesson: Lesson, text: str, run: Run) -> Verdict:
    """The verdict on a file's answers."""
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
    r"""The line where a file defines `function` last: 'backward', or 'Tanh.backward', or a plain
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
    """What is wrong with the answer to a question; None if it is right."""
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
    """Where an answer differs from the right one, or what the lesson says of it; None if it is
    right.
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
    """The right answers, the solution's; or those with a slip's code run after it. For an
    exception, its type.
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
    """The slip that gives the same answers to all questions of the function.

    Or else the only one that does so to the first wrong question, and to most of the wrong ones.
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
    """The function that the slip gets wrong first: its mistake, where later answers are only its
    consequences.
    """
    right, answers = answers_with(lesson), answers_with(lesson, slip.code)
    for question, expected, answer in zip(lesson.questions, right, answers, strict=True):
        if isinstance(answer, type) or _mistake(question, answer, expected) is not None:
            return question.function
    return ""


def _same(lesson: Lesson, run: Run, slip: Slip, index: int) -> bool:
    """Whether the file answered this question as the slip does."""
    answer = answers_with(lesson, slip.code)[index]
    outcome = run.outcomes[index] if index < len(run.outcomes) else {}
    if isinstance(answer, type):  # of an exception
        return bool(outcome.get("raised", {}).get("type") == answer.__name__)
    return "answer" in outcome and not difference(
        outcome["answer"], answer, lesson.questions[index].tolerance
    )
