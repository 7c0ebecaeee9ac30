"""Compare a file's raw answers with the answer key, and explain the first wrong one.

The learner's code never runs in this process. The feedback names a cause only if the answers prove
it. To find the cause, this module asks these questions, in this order:

1. Did the function change its inputs?
2. Is the answer right if no other question is asked before it? If so, which earlier question makes the
   difference?
3. If the file imports the learner's engine, does the function still fail with a correct engine? Does
   it still fail when all other functions in the file are replaced with correct ones? If not, which
   replacement makes the difference?
4. Does a known mistake give exactly the same answers?
5. Which intermediate value is the first to differ? Does it equal an earlier one, or do all numbers
   differ by the same factor, order or axis?
"""

import ast
import contextlib
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import key
from .answers import Difference, described_input, difference
from .lesson import (
    ENGINE,
    TOO_MUCH_MEMORY,
    TOO_MUCH_OUTPUT,
    Lesson,
    Question,
    Slip,
)
from .sandbox import NO_WALL, Run, ask
from .source import definitions, parse
from .wall import Wall

LONGEST_MESSAGE = 1000
"""The maximum length of a message about an answer, in characters. The message may quote the answer."""
MOST_VARIABLES = 8
"""The maximum number of the function's variables to show."""
MOST_EARLIER = 8
"""The maximum number of earlier questions to ask again, each in a new process."""
KEPT = Slip(
    "something kept between calls",
    "",
    "Your file keeps something from one call to the next. A global variable does, and so does a default "
    "argument such as `[]`: Python makes this list only once, when it reads the `def`.",
)
INPUTS = threading.Lock()
"""Learners' files run in parallel. Inputs are made one at a time, because they share stdout and a random
generator.
"""
Again = Callable[..., Run]
"""Asks a modified version of the file some of the questions. A third argument maps the names of
modules that it imports to the texts that replace them.
"""


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
    variables: dict[str, str] = field(default_factory=dict)
    """The function's own variables when it returned: names and values."""
    blames: str = ""
    """The function whose correct version would make the question pass."""
    inputs: dict[str, str] = field(default_factory=dict)
    """The question's inputs: names and values."""
    other: "Problem | None" = None
    """The next wrong answer to the same question with other inputs."""
    earlier: int = 0
    """The number of the earlier question without which the answer is right, or 0."""


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
    unanswered: int = 0
    """The number of required questions without an answer, because the file was stopped."""
    stretch: tuple[int, Problem | None] = (0, None)
    """The number of right answers to stretch questions, and the first problem with one."""
    unwritten: tuple[str, ...] = ()
    """The functions of stretch tasks that the file does not define."""
    trained: tuple[Any, ...] = ()
    """The answers to the questions that train, if the check passed."""

    @property
    def passed(self) -> bool:
        return self.problem is None


def grade(
    lesson: Lesson,
    source: Path,
    text: str,
    wall: Wall = NO_WALL,
    modules: Mapping[str, str] = {},
) -> Verdict:
    """Run a learner's file in its own process behind `wall`, ask it all questions, and judge the
    answers.

    `text` is the file's contents. `source` is the file's path and appears only in messages.
    `modules` contains the learner's other files that it may import. See `imported`.
    Errors: OSError if Python cannot start behind the wall.
    """

    def run(
        text: str,
        only: Sequence[int] | None = None,
        instead: Mapping[str, str] = {},
    ) -> Run:
        return ask(
            lesson,
            source,
            text,
            wall,
            only,
            {**modules, **instead},
        )

    return judge(lesson, text, run(text), run)


def judge(lesson: Lesson, text: str, run: Run, again: Again) -> Verdict:
    """Return the verdict on a file's answers.

    This function starts no process. `run` contains the answers to all questions. `again(text, only)`
    runs another version of the file and asks it the questions with these indices. It is called only
    after a wrong answer, and for a training at the end if all answers before it are right.
    """
    if run.unloaded is not None:
        problem = _raised(Problem("error"), run.unloaded)
        if limit := _limit(run.unloaded):
            problem = Problem("stopped", message=limit)
        return Verdict(lesson, 0, problem, run.output, lesson.asked * bool(limit))
    if not run.loaded:
        problem = Problem("stopped", message=run.ended)
        return Verdict(lesson, 0, problem, run.output, lesson.asked)
    questions = lesson.questions
    last = len(questions) - 1
    if questions[last].training and len(run.outcomes) == last:
        answered = enumerate(run.outcomes)
        wrong = (_judged(lesson, text, index, one) for index, one in answered)
        if not any(wrong):
            end = again(text, [last])
            outcomes = run.outcomes + end.outcomes
            run = replace(run, outcomes=outcomes, ended=end.ended)
    missing = [{"ended": run.ended}] * len(questions)
    outcomes = [*run.outcomes, *missing][: len(questions)]
    problems = [_judged(lesson, text, index, outcome) for index, outcome in enumerate(outcomes)]
    needed = problems[: lesson.asked]
    extra = problems[lesson.asked :]
    unwritten = dict[str, None]()
    beyond: Problem | None = None
    for one in filter(None, extra):
        if one.kind in ("missing", "not written"):
            unwritten[questions[one.number - 1].function] = None
        elif one.kind != "stopped":
            beyond = beyond or one
    first = next(filter(None, needed), None)
    trained = []
    if first:
        first = replace(first, other=_other(lesson, problems, first))
        first, beyond = _explained(lesson, text, run, first, again), None
    else:
        beyond = beyond and _explained(lesson, text, run, beyond, again)
        for question, outcome in zip(questions, outcomes, strict=True):
            if question.training:
                trained.append(outcome["answer"])
    return Verdict(
        lesson,
        right=needed.count(None),
        problem=first,
        output=run.output,
        unanswered=max(len(needed) - len(run.outcomes), 0),
        stretch=(extra.count(None), beyond),
        unwritten=tuple(unwritten),
        trained=tuple(trained),
    )


def _other(lesson: Lesson, problems: Sequence[Problem | None], first: Problem) -> Problem | None:
    """Return the next problem with the same question as the first problem, but other inputs."""
    call = lesson.questions[first.number - 1].call
    for one in filter(None, problems[first.number :]):
        if one.kind not in ("wrong", "error"):
            continue
        if lesson.questions[one.number - 1].call == call:
            return _with_inputs(lesson, one)
    return None


def _with_inputs(lesson: Lesson, problem: Problem) -> Problem:
    """Add a question's inputs to a problem."""
    assert problem.question is not None
    # a lesson's own classes may not be printable
    with INPUTS, contextlib.suppress(Exception):
        given = problem.question.given(lesson.solved)
        inputs = {name: described_input(value) for name, value in given.items()}
        return replace(problem, inputs=inputs)
    return problem


def _explained(lesson: Lesson, text: str, run: Run, problem: Problem, again: Again) -> Problem:
    """Add to a problem everything that helps find its cause."""
    if problem.kind in ("wrong", "error"):
        problem = _diagnosed(lesson, text, run, problem, again)
    elif problem.kind == "changed":
        # a learner's process does not contain this module
        from ..lessons.mistakes import changed

        code = key.node_of(text, problem.function)
        problem = replace(problem, slip=changed(code, problem.message))
    line = problem.line or line_of(text, problem.blames or problem.function)
    return _with_inputs(lesson, replace(problem, line=line))


def first_problem(lesson: Lesson, text: str, run: Run, asked: Sequence[int]) -> Problem | None:
    """Return the first problem in a file's answers. `asked` contains the indices of the questions
    that were asked.
    """
    if run.unloaded is not None:
        return _raised(Problem("error"), run.unloaded)
    ended = [{"ended": run.ended}] * len(asked)
    outcomes = zip(asked, [*run.outcomes, *ended], strict=False)
    found = (_judged(lesson, text, index, outcome) for index, outcome in outcomes)
    return next(filter(None, found), None)


def _diagnosed(lesson: Lesson, text: str, run: Run, problem: Problem, again: Again) -> Problem:
    function = problem.function
    first = problem.number - 1
    asked = [first]
    for index in key.indices(lesson, function):
        if index != first and not lesson.questions[index].training:
            asked.append(index)
    others = replaceable(text, lesson, function)

    def passes(run: Run) -> bool:
        if len(run.outcomes) < len(asked):
            return False
        answers = zip(asked, run.outcomes, strict=False)
        return not any(_judged(lesson, text, index, outcome) for index, outcome in answers)

    engine = [lesson.engine] if lesson.engine else []
    second = again(with_right(text, lesson, others), asked, *engine)
    if _is_right(lesson, text, first, second):
        alone = again(text, [first]) if others or engine else second
        if _is_right(lesson, text, first, alone):
            number = _earlier(lesson, text, problem, again)
            slip = KEPT if number else None
            return replace(problem, earlier=number, slip=slip)
    if engine and passes(again(text, asked, *engine)):
        return replace(problem, blames=ENGINE)
    if others and passes(second):
        for name in others:
            if passes(again(with_right(text, lesson, [name]), asked, *engine)):
                return replace(problem, blames=name)
        return replace(problem, blames=" and ".join(others))
    outcomes = dict(enumerate(run.outcomes))
    outcomes |= zip(asked, second.outcomes, strict=False)
    slip = key.find_slip(lesson, function, outcomes, text)
    problem = replace(problem, variables=_shown(second.variables), slip=slip)
    return problem if problem.kind == "error" else _located(lesson, problem, run, second.way)


def _is_right(
    lesson: Lesson,
    text: str,
    index: int,
    run: Run,
    place: int = 0,
) -> bool:
    """Return whether the answer at position `place` of a run, which is the answer to question
    `index`, is right.
    """
    outcomes = run.outcomes[place : place + 1]
    return bool(outcomes) and _judged(lesson, text, index, outcomes[0]) is None


def _earlier(lesson: Lesson, text: str, problem: Problem, again: Again) -> int:
    """Return the number of the last earlier question that makes the answer wrong when it is asked
    first, or 0 if there is none. Questions about the same function come first.
    """
    first = problem.number - 1
    same = key.indices(lesson, problem.function)
    found = [i for i in range(first) if not lesson.questions[i].training]
    found.sort(key=lambda i: (i in same, i), reverse=True)
    for index in found[:MOST_EARLIER]:
        run = again(text, [index, first])
        answered = len(run.outcomes) == 2
        if answered and not _is_right(lesson, text, first, run, 1):
            return index + 1
    return 0


def _shown(variables: Any) -> dict[str, str]:
    """Return the first variables that can be shown, as text."""
    shown = dict[str, str]()
    if isinstance(variables, dict):
        for name, value in variables.items():
            text = described_input(value)
            if len(shown) < MOST_VARIABLES and "Unusable(" not in text:
                shown[name] = text
    return shown


def _located(lesson: Lesson, problem: Problem, run: Run, way: Any) -> Problem:
    """Add the first named intermediate value that differs, and how it or the answer differs."""
    question = problem.question
    index = problem.number - 1
    assert question is not None
    answers = key.load(lesson)
    after = ""
    with contextlib.suppress(Exception):  # the answer has a different form
        answer = run.outcomes[index]["answer"], answers.right[index]
        whole = difference(*answer, question.tolerance)
        related = whole.relation if whole else ""
        right_before = dict[str, Any]()
        if question.names:
            yours, right = map(question.names, answer)
        else:
            right = [(name, value) for name, value in answers.ways[index].items() if name in way]
            yours = [(name, way[name]) for name, _ in right]
        # strict: an error if the learner's answer has a different number of values
        pairs = list(zip(yours, right, strict=True))
        for (name, mine), (_, value) in pairs:
            if found := difference(mine, value, question.tolerance, name):
                for other, same in right_before.items():
                    if np.any(same) and not difference(mine, same, question.tolerance):
                        related = f"This is the right value of {other}."
                found = replace(found, relation=found.relation or related)
                return replace(problem, difference=found, first=name, after=after, message="")
            after = name
            right_before[name] = value
    return problem


def replaceable(text: str, lesson: Lesson, function: str) -> list[str]:
    """Return the names of the file's other functions and methods whose code differs from both the
    solution's and the exercise's.
    """
    found = []
    for name, node in definitions(parse(text)).items():
        if isinstance(node, ast.FunctionDef) and name != function:
            mine, right, given = (
                key.code_of(code, name) for code in (text, lesson.solution, lesson.exercise)
            )
            if right and mine not in (right, given):
                found.append(name)
    return found


def with_right(text: str, lesson: Lesson, names: Sequence[str]) -> str:
    """Return the file with the solution's versions of these functions and methods, and with
    everything from the solution that the file does not define.
    """
    solution = lesson.solution
    mine = parse(text)
    right = definitions(parse(solution))
    for name in names:
        owner = definitions(mine).get(name.rpartition(".")[0], mine)
        owner.body.append(right[name])  # the last definition counts
    return f"{solution}\n{ast.unparse(mine)}"


def line_of(text: str, function: str) -> int | None:
    r"""Return the line number of the last definition of `function`, which names a function
    ('backward'), a method ('Tanh.backward') or a variable.

    >>> line_of("class Tanh:\n    def backward(self): ...", "Tanh.backward")
    2
    """
    with contextlib.suppress(Exception):  # the file may have too many brackets to parse
        found = definitions(parse(text))
        return getattr(found.get(function, found.get(function.partition(".")[0])), "lineno", None)
    return None


def _judged(lesson: Lesson, text: str, index: int, outcome: dict[str, Any]) -> Problem | None:
    """Return the problem with the outcome of a question, or None if the answer is right."""
    question = lesson.questions[index]
    problem = Problem("wrong", question.function, None, question, index + 1)
    match outcome:
        case {"ended": why}:
            return replace(problem, kind="stopped", message=why)
        case {"missing": _}:
            name = question.function.partition(".")[0]
            return replace(problem, kind="missing", function=name)
        case {"raised": failure}:
            return _raised(problem, failure)
    for name, before, now in outcome["changed"] or ():
        if moved := difference(now, before, 0.0, name):
            return replace(problem, kind="changed", message=name, difference=moved)
    yours, right = outcome["answer"], key.load(lesson).right[index]
    unwritten = rf"^{re.escape(question.function)}\s*=\s*None\b"
    if yours is None and re.search(unwritten, text, re.M):
        return replace(problem, kind="not written")
    if question.compare is not None and (yours is not None or right is None):
        with contextlib.suppress(Exception):  # the answer may have an unexpected type
            message = question.compare(yours, right)
            if not message:
                return None
            return replace(problem, message=message[:LONGEST_MESSAGE])
    found = difference(yours, right, question.tolerance)
    return replace(problem, difference=found) if found else None


def _limit(failure: dict[str, Any]) -> str:
    """Return the limit that ended a file, or ''."""
    if failure["type"] == "MemoryError":
        return TOO_MUCH_MEMORY
    message: str = failure["message"]
    return message if message == TOO_MUCH_OUTPUT else ""


def _raised(problem: Problem, failure: dict[str, Any]) -> Problem:
    kind = "not written" if failure["not_written"] else "error"
    parts = failure["type"], failure["message"]
    message = ": ".join(filter(None, parts))
    return replace(
        problem,
        kind=kind,
        line=failure["line"],
        message=message,
        text=failure["text"],
    )
