"""Compare a file's raw answers with the answer key, and explain the first wrong one.

The learner's code never runs in this process. The feedback names a cause only if the answers prove
it. It asks these questions, in this order:

1. Did the function change its inputs?
2. Does the function still fail when all other functions in the file are replaced with correct ones?
   If not, which replacement makes the difference?
3. Does a known mistake give exactly the same answers?
4. Which intermediate value is the first to differ?
"""

from __future__ import annotations

import ast
import contextlib
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import key
from .answers import Difference, described_input, difference
from .lesson import Lesson, Question, Slip, definition
from .sandbox import NO_WALL, Run, ask
from .wall import Wall

LONGEST_MESSAGE = 1000
"""The maximum length of a message about an answer, in characters. The message may quote the answer."""
MOST_VARIABLES = 8
"""The maximum number of the function's variables to show."""
_INPUTS = threading.Lock()
"""Learners' files run in parallel. Inputs are made one at a time, because they share stdout and a random
generator.
"""
Again = Callable[[str, Sequence[int]], Run]
"""Asks a modified version of the file some of the questions."""


@dataclass(frozen=True)
class Problem:
    """The first problem of a file. Fields that do not apply are empty."""

    kind: str
    """'not written', 'missing', 'error' (the file raised an exception), 'stopped' (by a limit),
    'changed' (an input), or 'wrong'.
    """
    function: str = ""
    line: int | None = None
    question: Question | None = None
    number: int = 0
    """The number of the question, from 1."""
    message: str = ""
    text: str = ""
    """The line of source code that raised the exception."""
    difference: Difference | None = None
    first: str = ""
    """The name of the first intermediate value that differs."""
    after: str = ""
    """The name of the last intermediate value that is still right."""
    slip: Slip | None = None
    variables: tuple[tuple[str, str], ...] = ()
    """The function's own variables when it returned: names and values."""
    blames: str = ""
    """The function whose correct version would make the question pass."""
    inputs: tuple[tuple[str, str], ...] = ()
    """The question's inputs: names and values."""


@dataclass(frozen=True)
class Verdict:
    """The result of a check."""

    lesson: Lesson
    right: int
    """The number of right answers to required questions. All must be right to pass."""
    problem: Problem | None = None
    """The first problem, or None if the check passed."""
    output: str = ""
    """The file's output."""
    stretch: tuple[int, Problem | None] = (0, None)
    """The number of right answers to stretch questions, and the first problem with one."""

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
    return judge(lesson, text, run, lambda text, only: ask(lesson, source, text, wall, only))


def judge(lesson: Lesson, text: str, run: Run, again: Again) -> Verdict:
    """Return the verdict on a file's answers. `again` is called only after a wrong answer."""
    questions = lesson.questions
    found = [_judged(lesson, text, run, index) for index in range(len(questions))]
    needed = [p for p, question in zip(found, questions, strict=True) if not question.stretch]
    extra = [p for p, question in zip(found, questions, strict=True) if question.stretch]
    if run.unloaded is not None:
        needed, extra = [_raised("", run.unloaded)] * len(needed), []
    problems = [problem for problem in needed if problem]
    done = len(extra) - sum(map(bool, extra))
    tried = [p for p in extra if p and p.kind not in ("missing", "not written")]
    problem, beyond = problems[0] if problems else None, tried[0] if tried else None
    if problem is not None:
        problem, beyond = _explained(lesson, text, run, problem, again), None
    elif beyond is not None:
        beyond = _explained(lesson, text, run, beyond, again)
    return Verdict(lesson, len(needed) - len(problems), problem, run.output, (done, beyond))


def _explained(lesson: Lesson, text: str, run: Run, problem: Problem, again: Again) -> Problem:
    """Add to a problem everything that helps find its cause."""
    question = problem.question
    if question is None or problem.kind in ("not written", "missing"):
        return replace(problem, line=problem.line or line_of(text, problem.function))
    with _INPUTS, contextlib.suppress(Exception):  # a lesson's own classes may not be printable
        given = question.given(lesson.solved).items()
        problem = replace(
            problem, inputs=tuple((name, described_input(value)) for name, value in given)
        )
    if problem.kind in ("wrong", "error"):
        problem = _diagnosed(lesson, text, run, problem, again)
    return replace(problem, line=problem.line or line_of(text, problem.blames or problem.function))


def _diagnosed(lesson: Lesson, text: str, run: Run, problem: Problem, again: Again) -> Problem:
    function, first = problem.function, problem.number - 1
    asked = [first, *(i for i in key.indices(lesson, function) if i != first)]
    outcomes = dict(enumerate(run.outcomes))
    others = replaceable(text, lesson, function)
    way = None
    second = again(with_right(text, lesson, others), asked)
    if len(second.outcomes) == len(asked):
        outcomes = dict(zip(asked, second.outcomes, strict=True))
        way = second.way
        if others and all(_right(lesson, i, outcomes.get(i)) for i in asked):
            return replace(problem, blames=_culprit(lesson, text, asked, others, again))
        if isinstance(second.variables, dict):
            shown = ((n, described_input(value)) for n, value in second.variables.items())
            shown = ((n, text) for n, text in shown if "Unusable(" not in text)
            problem = replace(problem, variables=tuple(shown)[:MOST_VARIABLES])
    if slip := key.find_slip(lesson, function, outcomes, text):
        problem = replace(problem, slip=slip)
    return _located(lesson, problem, run, way)


def _right(lesson: Lesson, index: int, outcome: dict[str, Any] | None) -> bool:
    if outcome is None or "answer" not in outcome:
        return False
    return (
        _mistake(lesson.questions[index], outcome["answer"], key.load(lesson).right[index]) is None
    )


def _culprit(lesson: Lesson, text: str, asked: list[int], others: list[str], again: Again) -> str:
    """Return the function whose correct version alone makes all questions pass."""
    for name in others:
        run = again(with_right(text, lesson, [name]), asked)
        if (
            all(_right(lesson, i, o) for i, o in zip(asked, run.outcomes, strict=False))
            and run.outcomes
        ):
            return name
    return others[0] if len(others) == 1 else " and ".join(others)


def _located(lesson: Lesson, problem: Problem, run: Run, way: Any) -> Problem:
    """Add the first named intermediate value that differs."""
    question, index = problem.question, problem.number - 1
    assert question is not None
    answers = key.load(lesson)
    pairs: list[tuple[str, Any, Any]] = []
    if question.names and problem.kind == "wrong":
        with contextlib.suppress(Exception):  # the answer has a different form
            yours = question.names(run.outcomes[index]["answer"])
            right = question.names(answers.right[index])
            pairs = [(name, a, b) for (name, a), (_, b) in zip(yours, right, strict=True)]
    elif isinstance(way, dict) and problem.kind == "wrong":
        pairs = [
            (name, way[name], value) for name, value in answers.ways[index].items() if name in way
        ]
    after = ""
    for name, a, b in pairs:
        if found := difference(a, b, question.tolerance, name):
            return replace(problem, difference=found, first=name, after=after, message="")
        after = name
    return problem


def replaceable(text: str, lesson: Lesson, function: str) -> list[str]:
    """Return the names of the file's other functions whose code differs from both the solution's
    and the exercise's.

    Methods of the same class have names like 'Tanh.forward'.
    """
    trees = [
        ast.parse(text),
        ast.parse(lesson.read("solution.py")),
        ast.parse(lesson.read("exercise.py")),
    ]
    mine, right, given = map(_definitions, trees)
    return [
        name for name, node in mine.items()
        if name != function and name in right
        and _code(node) not in (_code(right[name]), _code(given.get(name)))
        and not (isinstance(node, ast.ClassDef) and function.startswith(name + "."))
        and not (isinstance(node, ast.ClassDef) and any(n.startswith(name + ".") for n in mine))
    ]  # fmt: skip


def _definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
            if isinstance(node, ast.ClassDef):
                found.update(
                    {
                        f"{node.name}.{m.name}": m
                        for m in node.body
                        if isinstance(m, ast.FunctionDef)
                    }
                )
    return found


def _code(node: ast.AST | None) -> str:
    """Return the code of a definition without its docstring."""
    if node is None:
        return ""
    body = getattr(node, "body", [])
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    arguments = ast.unparse(node.args) if isinstance(node, ast.FunctionDef) else ""
    return arguments + "\n".join(map(ast.unparse, body))


def with_right(text: str, lesson: Lesson, names: Sequence[str]) -> str:
    """Return the file with the solution's versions of these functions and methods."""
    if not names:
        return text
    mine, solution = ast.parse(text), ast.parse(lesson.read("solution.py"))
    right = _definitions(solution)
    imports: list[ast.stmt] = [
        n for n in solution.body if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    present = {getattr(node, "name", "") for node in mine.body}
    helpers = [n for n in solution.body if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Assign)
               and getattr(n, "name", "") not in present]  # fmt: skip
    for name in names:
        owner, _, method = name.partition(".")
        if method:
            body = definition(mine, owner).body
            body[:] = [n for n in body if getattr(n, "name", "") != method] + [right[name]]
        else:
            mine.body.append(right[name])
    future = [n for n in mine.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    mine.body = [*future, *imports, *helpers, *(n for n in mine.body if n not in future)]
    return ast.unparse(ast.fix_missing_locations(mine))


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
        kind = "missing" if question.stretch else "stopped"
        return Problem(kind, question.function, None, question, index + 1, run.ended)
    outcome = run.outcomes[index]
    if "missing" in outcome:
        return Problem("missing", question.function.partition(".")[0], None, question, index + 1)
    if "raised" in outcome:
        return _raised(question.function, outcome["raised"], question, index + 1)
    for name, (before, now) in outcome.get("changed", {}).items():
        moved = difference(now, before, 0.0, name)
        if moved is not None:
            return Problem(
                "changed", question.function, None, question, index + 1, name, difference=moved
            )
    yours = outcome["answer"]
    if yours is None and re.search(rf"^{re.escape(question.function)}\s*=\s*None\b", text, re.M):
        return Problem("not written", question.function, None, question, index + 1)
    found = _mistake(question, yours, key.load(lesson).right[index])
    if found is None:
        return None
    problem = Problem("wrong", question.function, None, question, index + 1)
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


def _raised(
    function: str, failure: dict[str, Any], question: Question | None = None, number: int = 0
) -> Problem:
    kind = "not written" if failure["not_written"] else "error"
    said = ": ".join(filter(None, [failure["type"], failure["message"]]))
    return Problem(kind, function, failure["line"], question, number, said, failure["text"])
