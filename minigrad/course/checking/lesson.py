"""Define the parts of a lesson: its files, the questions that its check asks, and its slips."""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib
import inspect
import io
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ...errors import OptionError, reason
from .. import lessons as package
from .answers import described_input

FOLDER = Path(__file__).parents[1] / "lessons"
VARIABLE = "MINIGRAD_LESSONS"
"""The environment variable for a folder with other lessons. `--lessons FOLDER` sets it."""


def values(**inputs: Any) -> Callable[[Any], dict[str, Any]]:
    """Return a function for `Question.given` that returns fixed inputs, by default none. Lists become
    arrays of floats, and all values are copied.

    >>> values(dh=[[1, 2]], k=3)(None)
    {'dh': array([[1., 2.]]), 'k': 3}
    """
    fixed = {
        name: np.array(value, float) if isinstance(value, list) else value
        for name, value in inputs.items()
    }
    return lambda file: copy.deepcopy(fixed)


@dataclass(frozen=True)
class Question:
    """One question that a check asks about a learner's file.

    The learner's process evaluates `call` and does not judge the answer. An answer is a number, an
    array, a string, a bool, None, or a list or dict of these. The right answer is the value of
    `call` for the solution. key.py stores it.
    """

    function: str
    """The name of a function or variable in the learner's file, for example 'backward' or
    'Tanh.backward'.
    """
    call: str
    """A Python expression with names from the learner's file and from `given`, for example
    'tanh_backward(dh, h)'.
    """
    given: Callable[[Any], Mapping[str, Any]] = values()
    """Returns the inputs by name. It receives the learner's file as a module, and must create new
    objects at each call.
    """
    what: str = ""
    """The question in words, if `call` alone is not clear enough. It may describe inputs such as
    functions.
    """
    measured: str = "expected"
    """The label shown next to the right number, for example 'finite difference' or 'the engine'."""
    tolerance: float = 1e-6
    """The maximum allowed difference, as an absolute and a relative tolerance. See np.isclose."""
    formula: str = ""
    """The right formula. Shown on the third try if no slip is recognised."""
    names: Callable[[Any], Iterable[tuple[str, Any]]] | None = None
    """Splits an answer into named values in the order in which they are computed, for example dh_3,
    dh_2, dh_1. The first one that differs is shown. See `over_time`.
    """
    way: str = ""
    """An expression for intermediate results, evaluated only after a wrong answer: a dict in the
    order in which they are computed. It may use the lesson's module check.py as `check`.
    """
    changes: tuple[str, ...] = ()
    """Names of inputs that the function is meant to change. It must not change the others."""
    compare: Callable[[Any, Any], str | None] | None = None
    """Replaces the default comparison. This function takes the learner's answer and the solution's
    answer. It returns None if the learner's answer is right, otherwise a message with the numbers.
    """
    expect: Callable[[], Any] | None = None
    """Returns the right answer, if the solution's answer is not the best reference."""
    stretch: bool = False
    """True for a question of a stretch task, which is not needed to pass."""
    training: float = 0.0
    """The time limit in seconds of a question that trains a network, in addition to the limit of the
    other questions (sandbox.SECONDS). The training should call `progress`.
    """


_report: ContextVar[Callable[[float], object]] = ContextVar("report", default=lambda share: None)


def progress(share: float) -> None:
    """Report the share of a training that is done, from 0 to 1."""
    _report.get()(share)


def report_to(function: Callable[[float], object]) -> None:
    """Call `function(share)` for each report of `progress` in the current context."""
    _report.set(function)


def over_time(
    name: str, first: int = 0, backwards: bool = False
) -> Callable[[Any], list[tuple[str, Any]]]:
    """Return a function for `Question.names` that names the values of a sequence over time. In
    `name`, {} stands for the step.

    >>> over_time("dh_{}", backwards=True)([0.5, 0.25])
    [('dh_1', 0.25), ('dh_0', 0.5)]
    """

    def split(answer: Any) -> list[tuple[str, Any]]:
        pairs = [(name.format(t), value) for t, value in enumerate(answer, first)]
        return pairs[::-1] if backwards else pairs

    return split


@dataclass(frozen=True)
class Slip:
    """A known mistake. If the learner's function gives the same answers as the slip's code, it contains
    this mistake or an equivalent one.
    """

    name: str
    """A short name for the mistake, for example 'upstream gradient forgotten'. Shown on the second
    try.
    """
    code: str
    """Python code that runs after the solution and replaces part of it with the mistake."""
    kind: str
    """One or two sentences about the mistake, without the formula. Shown on the second try, after
    the name.
    """
    formula: str = ""
    """The right formula. Shown on the third try. The default is the question's formula."""
    function: str = ""
    """The function that contains the mistake. The default is the first function with wrong
    answers.
    """
    lines: tuple[str, ...] = ()
    """Lines of `code` that the learner's function must also contain. Without them, other mistakes
    with the same answers are more likely.
    """

    def __str__(self) -> str:
        """The name and the description, without a name that the description repeats."""
        name, kind = (
            set(re.findall(r"[\w`]{2,}", text.lower())) for text in (self.name, self.kind)
        )
        return self.kind if name <= kind else f"{self.name}. {self.kind}"


@dataclass(frozen=True)
class Lesson:
    """A lesson, defined by its folder.

    >>> Lesson(FOLDER / "lesson_01_by_hand").file
    'lesson_01_by_hand.py'
    """

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def number(self) -> int:
        """The number in the folder's name, or 1."""
        return int("".join(re.findall(r"\d+", self.name)[:1]) or 1)

    @property
    def file(self) -> str:
        """The name of the learner's file."""
        return f"{self.name}.py"

    @cached_property
    def title(self) -> str:
        """The heading of the lesson's text, without the prefix 'Lesson 3: '."""
        return re.sub(r"^# (Lesson \d+: )?", "", self.text.partition("\n")[0])

    @cached_property
    def text(self) -> str:
        return self.read("text.md")

    @cached_property
    def exercise(self) -> str:
        return self.read("exercise.py")

    @cached_property
    def solution(self) -> str:
        return self.read("solution.py")

    @cached_property
    def hints(self) -> list[str]:
        """The hints, from vague to explicit. In hints.md, lines of three dashes separate them."""
        text = self.read("hints.md", "Read the lesson again: minigrad course show")
        return [hint.strip() for hint in re.split(r"^---$", text, flags=re.M)]

    @property
    def check(self) -> ModuleType:
        """The module check.py. It defines QUESTIONS and page(file, path, failed), which draws the
        learner's graph. If page has an argument `answers`, it also receives the answers to the questions
        that train, or None, so that it need not train again.
        """
        return self._module("check")

    @property
    def training(self) -> float:
        """The time limit of a training, in seconds, or 0 if no question trains."""
        return max((question.training for question in self.questions), default=0.0)

    def draw(self, file: Any, path: Any, failed: str, trained: Any = ()) -> None:
        """Draw the learner's graph. `failed` is the name of the wrong function, or ''. `trained` contains
        the answers to the questions that train, or is empty.
        """
        page = self.check.page
        takes = trained and "answers" in inspect.signature(page).parameters
        page(file, path, failed or None, **({"answers": trained} if takes else {}))

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(self.check.QUESTIONS)

    @property
    def asked(self) -> int:
        """The number of questions that must be answered to pass."""
        return sum(not question.stretch for question in self.questions)

    @property
    def slips(self) -> tuple[Slip, ...]:
        return tuple(self._module("slips").SLIPS)

    def read(self, file: str, missing: str | None = None) -> str:
        """Return the text of a file, or `missing` if it is passed and there is no such file."""
        path = self.folder / file
        if missing is not None and not path.exists():
            return missing
        return path.read_text(encoding="utf-8")

    @cached_property
    def solved(self) -> ModuleType:
        """The solution as a module."""
        return module(self.name, self.solution)

    def ask(self, expression: str, file: Any, given: Mapping[str, Any]) -> Any:
        """Evaluate a question's call, or its `way`, with a learner's file and the inputs."""
        return eval(expression, {**vars(file), "check": self.check, **given})

    def _module(self, name: str) -> ModuleType:
        if str(self.folder.parent) not in package.__path__:  # a lesson outside minigrad
            package.__path__.insert(0, str(self.folder.parent))
        return importlib.import_module(f"minigrad.course.lessons.{self.name}.{name}")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Suppress the block's output and warnings."""
    with (
        warnings.catch_warnings(action="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        yield


def module(name: str, source: str) -> ModuleType:
    """Run a solution or a slip as a module. Its output is hidden."""
    file = ModuleType(name)
    with silence():
        exec(compile(source, f"<{name}>", "exec", dont_inherit=True), file.__dict__)
    return file


def lessons() -> tuple[Lesson, ...]:
    """All lessons in order: those in the folder MINIGRAD_LESSONS if it is set, otherwise the course's.
    Errors: OptionError MG911 if the folder contains no lessons.
    """
    return _lessons(Path(os.environ.get(VARIABLE) or FOLDER).resolve())


@lru_cache
def _lessons(folder: Path) -> tuple[Lesson, ...]:
    paths = sorted(folder.glob("*/check.py"))
    found = tuple(sorted((Lesson(path.parent) for path in paths), key=lambda one: one.number))
    if not found:
        raise OptionError(
            "MG911",
            f"there are no lessons in {os.fspath(folder)!r}",
            cause="a lesson is a folder in it that contains check.py",
            remedy="pass the folder that contains the lessons, or unset " + VARIABLE,
        )
    return found


def lesson(which: int | str) -> Lesson:
    """Return the lesson with this number, name or file name. Errors: OptionError MG911 if no lesson
    matches.
    """
    for one in lessons():
        if str(which).lstrip("0") in (str(one.number), one.name, one.file):
            return one
    raise OptionError(
        "MG911",
        f"there is no lesson {str(which)!r}",
        cause=f"the lessons are numbered {lessons()[0].number} to {lessons()[-1].number}",
        remedy="pass a lesson's number: minigrad course check 3",
    )


def add_lessons(parser: Any, about: str) -> None:
    """Add the option `--lesson` to a command of argparse. See `chosen`."""
    about += ", such as 3, 3-5 or 3,7 (may be repeated; default: all)"
    parser.add_argument("--lesson", action="append", metavar="LESSONS", help=about)


def chosen(texts: list[str] | None) -> list[Lesson]:
    """Return the lessons that a user names, in order. The default is all lessons. Errors: OptionError
    MG911.

    >>> [one.number for one in chosen(["3-5", "1,4"])]
    [1, 3, 4, 5]
    """
    if not texts:
        return list(lessons())
    found = set[int]()
    for part in ",".join(texts).split(","):
        ends = [lesson(end.strip()).number for end in part.split("-")]
        found |= {*range(min(ends), max(ends) + 1)}
    return [one for one in lessons() if one.number in found]


def definitions(tree: Any) -> dict[str, Any]:
    r"""Return the statements of a file or class by the names that they define, and the methods of its
    classes by names such as 'Tanh.backward'. The last definition of a name counts.

    >>> list(definitions(ast.parse("import numpy as np\nclass Tanh:\n    def backward(self): ...")))
    ['np', 'Tanh', 'Tanh.backward']
    """
    found: dict[str, Any] = {}
    for node in tree.body:
        found |= dict.fromkeys(bound(node), node)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}": part for name, part in definitions(node).items()}
    return found


def bound(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def inputs(which: int | str, number: int) -> Any:
    """Return the inputs of a lesson's question: one value, or a tuple of several.

    A check prints the line that calls this function. This function imports the learner's file from
    the current folder. Errors: OptionError MG911 for an unknown lesson or question.
    """
    one, question = _question(which, number)
    found = tuple(question.given(importlib.import_module(one.name)).values())
    return found[0] if len(found) == 1 else found


class Steps(dict[str, Any]):
    """Intermediate results. Printed with one result on each line."""

    def __repr__(self) -> str:
        return "\n".join(f"{name} = {described_input(value)}" for name, value in self.items())


def steps(which: int | str, number: int) -> Any:
    """Return the intermediate results of a lesson's question, by name, as the learner's file computes
    them. See `inputs`. Errors: OptionError MG911 also if they cannot be computed.
    """
    one, question = _question(which, number)
    try:
        file = importlib.import_module(one.name)
        return Steps(one.ask(question.way, file, question.given(file)))
    except Exception as error:
        raise _stale(one, f"has no steps for question {number} ({reason(error)})") from None


def _question(which: int | str, number: int) -> tuple[Lesson, Question]:
    one = lesson(which)
    if not 0 < number <= len(one.questions):
        raise _stale(one, f"has no question {number}")
    return one, one.questions[number - 1]


def _stale(one: Lesson, problem: str) -> OptionError:
    return OptionError(
        "MG911",
        f"lesson {one.number} {problem}",
        cause="the course or your file has changed since the check printed these lines",
        remedy=f"check the lesson again and paste its new lines: minigrad course check {one.number}",
    )
