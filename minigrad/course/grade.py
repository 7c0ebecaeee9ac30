"""Compare a file's raw answers with the solution's, and find a slip with the same answers.

The learner's code never runs in this module. The lesson's solution answers the same questions, and
the solution's answers are the right answers. A slip is a known wrong solution. It is recognised if
it gives the same wrong answers as the learner's file.
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
"""The maximum length of a message about an answer, in characters. A message may quote a long
answer.
"""

_JUDGING = threading.Lock()
"""The lock for running solutions. Learners' files run in parallel, but solutions run in this
process and share its random generator and stdout, so only one solution may run at a time.
"""


@dataclass(frozen=True)
class Problem:
    """The first problem found in a learner's file. Fields that do not apply are empty."""

    kind: str
    """'not written', 'missing', 'error' (the file raised an exception), 'stopped' (by a limit), or
    'wrong'.
    """
    function: str = ""
    line: int | None = None
    question: Question | None = None
    message: str = ""
    text: str = ""
    """The source code of `line` if the file raised an exception."""
    difference: Difference | None = None
    slip: Slip | None = None


@dataclass(frozen=True)
class Verdict:
    """The result of a check."""

    lesson: Lesson
    right: int
    """The number of right answers. The check passes only if all answers are right."""
    problem: Problem | None = None
    """The first problem, or None if the check passed."""
    output: str = ""
    """The file's output."""

    @property
    def passed(self) -> bool:
        return self.problem is None


def grade(lesson: Lesson, source: Path, text: str, wall: Wall = NO_WALL) -> Verdict:
    """Run a learner's file in its own process behind `wall`, ask it all questions, and judge the
    answers.

    `text` is the file's contents. `source` is the file's path and appears only in messages.
    Errors: OSError if Python cannot start behind the wall.
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
    # search for a slip only if needed, because running the slips can take seconds
    if problem.question is not None and problem.kind not in ("not written", "missing"):
        wrong = {i for i, other in enumerate(found) if other and other.function == problem.function}
        slip = _slip(lesson, run, problem.function, wrong)
    problem = replace(problem, slip=slip, line=problem.line or line_of(text, problem.function))
    return Verdict(lesson, right, problem, run.output)


def line_of(text: str, function: str) -> int | None:
    r"""Return the line number of the last definition of `function`, which names a function
    ('backward'), a method ('Tanh.backward') or a variable.

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
    """Return the problem with the answer to a question, or None if the answer is right."""
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
    """Compare an answer with the right answer. Return None if they agree. Otherwise, return their
    difference, or the lesson's message about it.
    """
    if question.compare is not None and (yours is not None or right is None):
        with contextlib.suppress(Exception):  # the answer may have an unexpected type
            return question.compare(yours, right)
    return difference(yours, right, question.tolerance)


def _raised(function: str, failure: dict[str, Any], question: Question | None = None) -> Problem:
    kind = "not written" if failure["not_written"] else "error"
    said = ": ".join(filter(None, [failure["type"], failure["message"]]))
    return Problem(kind, function, failure["line"], question, said, failure["text"])


@lru_cache(maxsize=256)
def answers_with(lesson: Lesson, slip: str = "") -> tuple[Any, ...]:
    """Return the solution's answers. If `slip` is given, its code runs after the solution's code
    and changes the answers. An exception is represented by its type.
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
    """Return the slip that gives the same answers as the file to all questions about the function.

    If there is no such slip, consider the slips of this function that match the file's first wrong
    answer and more than half of its wrong answers. Return that slip if there is exactly one.
    Otherwise, return None.
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
    """Return the first function for which the slip gives a wrong answer. Later wrong answers are
    consequences of the same mistake.
    """
    right, answers = answers_with(lesson), answers_with(lesson, slip.code)
    for question, expected, answer in zip(lesson.questions, right, answers, strict=True):
        if isinstance(answer, type) or _mistake(question, answer, expected) is not None:
            return question.function
    return ""


def _same(lesson: Lesson, run: Run, slip: Slip, index: int) -> bool:
    """Return whether the file and the slip gave the same answer to this question."""
    answer = answers_with(lesson, slip.code)[index]
    outcome = run.outcomes[index] if index < len(run.outcomes) else {}
    if isinstance(answer, type):  # the slip raised this exception
        return bool(outcome.get("raised", {}).get("type") == answer.__name__)
    return "answer" in outcome and not difference(
        outcome["answer"], answer, lesson.questions[index].tolerance
    )
