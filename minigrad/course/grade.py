"""Grading: compare a file's raw answers with the solution's, and find the slip that answers alike.

Nothing of the learner's runs here. The right answers are those of the lesson's solution, asked the same questions; a
slip is recognised by giving the same wrong answers.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from .answers import Difference, decode, difference, encode
from .lesson import Lesson, Question, Slip
from .sandbox import NO_WALL, Run, ask
from .wall import Wall

LONGEST_PARSED = 100_000
"""Characters of a file in which lines are looked up. A parsed file can take a thousand times its size in memory."""

LONGEST_MESSAGE = 1000
"""Characters that are said about an answer, which may be quoted there."""

_JUDGING = threading.Lock()
"""Files run in parallel. Solutions run here, with one random generator and one stdout: by turns."""


@dataclass(frozen=True)
class Verdict:
    """What a check found."""

    lesson: Lesson
    right: int
    asked: int
    problem: Problem | None = None
    """The first thing that is wrong, None after a pass."""
    output: str = ""
    """What the file printed."""

    @property
    def passed(self) -> bool:
        return self.problem is None


@dataclass(frozen=True)
class Problem:
    """The first thing that is wrong with a file. Only what applies is there."""

    kind: str
    """'not written', 'missing', 'error' (an exception of the file's), 'stopped' (by a limit), or 'wrong'."""
    function: str = ""
    line: int | None = None
    question: Question | None = None
    message: str = ""
    text: str = ""
    """The source of that line, for an exception."""
    difference: Difference | None = None
    slip: Slip | None = None


def grade(lesson: Lesson, source: Path, text: str, wall: Wall = NO_WALL) -> Verdict:
    """Run a learner's file in its own process behind `wall`, ask it everything, and judge its answers.

    `source` is where it stands, for messages; `text` what stands there. Errors: OSError if the wall falls down.
    """
    run = ask(lesson, source, text, wall)
    with _JUDGING:
        return judge(lesson, text, run)


def judge(lesson: Lesson, text: str, run: Run) -> Verdict:
    """The verdict on a file's answers."""
    questions = lesson.questions
    found = [_judged(lesson, text, i, run.outcomes[i]) if i < len(run.outcomes) else _unanswered(run, i, questions)
             for i in range(len(questions))]  # fmt: skip
    problems = [problem for problem in found if problem is not None]
    if run.unloaded is not None or not problems:
        problem = None if run.unloaded is None else _raised("", run.unloaded)
    else:
        problem = problems[0]
    if problem is not None:
        wrong = [i for i, other in enumerate(found) if other and other.function == problem.function]
        answered = problem.question is not None and problem.kind not in ("not written", "missing")
        slip = _slip(lesson, run, problem.function, wrong) if answered else None  # some take seconds to compute
        line = problem.line or line_of(text, problem.function)
        problem = Problem(**{**vars(problem), "slip": slip, "line": line})
    right = 0 if run.unloaded is not None else len(questions) - len(problems)
    return Verdict(lesson, right, len(questions), problem, run.output)


def line_of(text: str, function: str) -> int | None:
    r"""The line where a file defines `function` last: 'backward', or 'Tanh.backward', or a plain variable.

    >>> line_of("class Tanh:\n    def backward(self): ...", "Tanh.backward")
    2
    """
    if len(text) > LONGEST_PARSED:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # of an escape in the text, which they would print as it is
            body: list[ast.stmt] = ast.parse(text).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # the last two: nested too deeply
        return None
    line = None
    for name in filter(None, function.split(".")):
        for node in body[::-1]:
            names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else [
                target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)
            ]  # fmt: skip
            if name in names:
                line, body = node.lineno, getattr(node, "body", [])
                break
    return line


def _judged(lesson: Lesson, text: str, index: int, outcome: dict[str, Any]) -> Problem | None:
    question = lesson.questions[index]
    if "raised" in outcome:
        return _raised(question.function, outcome["raised"], question)
    yours, right = outcome["answer"], right_answers(lesson)[index]
    if yours is None and re.search(rf"^{re.escape(question.function)}\s*=\s*None\b", text, re.M):
        return Problem("not written", question.function, question=question)
    if question.compare is not None and (yours is not None or right is None):
        try:
            message = question.compare(yours, right)
        except Exception:
            found = difference(yours, right, question.tolerance)
            return Problem("wrong", question.function, question=question, difference=found)
        if message is None:
            return None
        return Problem("wrong", question.function, question=question, message=message[:LONGEST_MESSAGE])
    found = difference(yours, right, question.tolerance)
    return None if found is None else Problem("wrong", question.function, question=question, difference=found)


def _unanswered(run: Run, index: int, questions: Sequence[Question]) -> Problem:
    """What to say of a question that was never answered, because the process ended before."""
    question = questions[index]
    return Problem("stopped", question.function, question=question, message=run.ended)


def _raised(function: str, given: dict[str, Any], question: Question | None = None) -> Problem:
    if given["not_written"]:
        return Problem("not written", function, given["line"], question)
    if given["type"] == "LookupError" and given["message"].startswith("there is no "):
        return Problem("missing", function.partition(".")[0], question=question)
    message = f"{given['type']}: {given['message']}" if given["message"] else given["type"]
    return Problem("error", function, given["line"], question, message, given["text"])


@lru_cache(maxsize=64)
def right_answers(lesson: Lesson) -> tuple[Any, ...]:
    """The solution's answer to each question."""
    solution = _module(lesson, "")
    return tuple(
        question.expect() if question.expect is not None else decode(encode(question.ask(solution)))
        for question in lesson.questions
    )


@lru_cache(maxsize=256)
def answers_with(lesson: Lesson, code: str) -> tuple[Any, ...]:
    """The answers of the solution with `code` run after it; for an exception, its type."""
    file = _module(lesson, code)
    answers: list[Any] = []
    with warnings.catch_warnings(action="ignore"):  # of numbers that overflow: it is the slip that is wrong
        for question in lesson.questions:
            try:
                answers.append(decode(encode(question.ask(file))))
            except Exception as error:
                answers.append(type(error))
    return tuple(answers)


def _module(lesson: Lesson, code: str) -> ModuleType:
    module = ModuleType(lesson.name)
    source = f"{lesson.read('solution.py')}\n{code}"
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, f"<{lesson.name}>", "exec", dont_inherit=True), module.__dict__)
    return module


def _slip(lesson: Lesson, run: Run, function: str, wrong: Sequence[int]) -> Slip | None:
    """The slip that gives the same answers to all questions of the function.

    Or else the only one that does so to the first wrong question, and to most of the wrong ones.
    """
    of_function = [i for i, question in enumerate(lesson.questions) if question.function == function]
    answers = {slip: answers_with(lesson, slip.code) for slip in lesson.slips}
    own = [slip for slip in answers if _function_of(lesson, slip) == function]
    alike = [slip for slip in dict.fromkeys([*own, *answers]) if _same(lesson, run, answers[slip], of_function)]
    if alike:
        return alike[0]
    like = [slip for slip in own if _same(lesson, run, answers[slip], wrong[:1])
            and sum(_same(lesson, run, answers[slip], [i]) for i in wrong) > len(wrong) / 2]  # fmt: skip
    return like[0] if len(like) == 1 else None


def _function_of(lesson: Lesson, slip: Slip) -> str:
    """The function that the slip gets wrong first: its mistake, where later answers are only its consequences."""
    right, answers = right_answers(lesson), answers_with(lesson, slip.code)
    for question, expected, answer in zip(lesson.questions, right, answers, strict=True):
        wrong = isinstance(answer, type) or (
            question.compare(answer, expected) if question.compare else difference(answer, expected, question.tolerance)
        )
        if wrong:
            return question.function
    return ""


def _same(lesson: Lesson, run: Run, answers: Sequence[Any], which: Sequence[int]) -> bool:
    """Whether the file answered these questions as the slip does, and the slip is wrong in the first wrong one."""
    for i in which:
        outcome = run.outcomes[i] if i < len(run.outcomes) else {}
        if isinstance(answers[i], type):
            if outcome.get("raised", {}).get("type") != answers[i].__name__:
                return False
        elif "answer" not in outcome or difference(outcome["answer"], answers[i], lesson.questions[i].tolerance):
            return False
    return True
