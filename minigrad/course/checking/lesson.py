"""Define the parts of a lesson or a milestone: its files, the questions that its check asks, and its
slips.
"""

import contextlib
import copy
import importlib
import inspect
import io
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

ENGINE = "my_engine.py"
"""The learner's engine, a copy of lesson 7's file. Milestones import it."""
MEMORY = 3 << 30
"""The maximum size of the address space of a learner's process, in bytes."""
FILE_SIZE = 20 << 20
"""The maximum size of each file that the process writes, including its output, in bytes."""
TOO_MUCH_MEMORY = f"it needs more than {MEMORY >> 30} GB of memory"
TOO_MUCH_OUTPUT = f"it prints or writes more than {FILE_SIZE >> 20} MB"
COURSE = Path(__file__).parents[1]
"""The folder that contains the lessons and the milestones."""


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
    """Returns {name: input}. It receives the learner's file as a module, and must create new
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
    """Report how much of the training is done, as a number from 0 to 1."""
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


def arriving(gradients: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the gradients for `Question.names`. Before each gradient, state whether it arrives,
    that is, whether it is not 0 everywhere.

    >>> arriving({"dW": 0.5})
    [('whether a gradient arrives (dW)', True), ('dW', 0.5)]
    """
    found = list[tuple[str, Any]]()
    for name, one in gradients.items():
        arrives = bool(np.any(one))
        found += [(f"whether a gradient arrives ({name})", arrives), (name, one)]
    return found


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
        """The name and the description, or only the description if it repeats the name."""
        name, kind = (
            set(re.findall(r"[\w`]{2,}", text.lower())) for text in (self.name, self.kind)
        )
        return self.kind if name <= kind else f"{self.name}. {self.kind}"


@dataclass(frozen=True)
class Lesson:
    """A lesson or a milestone, defined by its folder.

    >>> Lesson(Path("lesson_01_by_hand")).file
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
    def kind(self) -> str:
        """'Lesson', or 'Milestone' if the folder's name begins with it."""
        return "Milestone" if self.name.startswith("milestone_") else "Lesson"

    @property
    def word(self) -> str:
        """How commands name the lesson: by a lesson's number, or by the end of a milestone's name.

        >>> Lesson(Path("lesson_03_gates")).word, Lesson(Path("milestone_09_spiral")).word
        ('3', 'spiral')
        """
        is_lesson = self.kind == "Lesson"
        return str(self.number) if is_lesson else self.name.split("_", 2)[-1]

    @property
    def file(self) -> str:
        """The name of the learner's file."""
        return f"{self.name}.py"

    @cached_property
    def title(self) -> str:
        """The heading of the lesson's text, without the prefix 'Lesson 3: '."""
        heading = self.text.partition("\n")[0]
        return re.sub(rf"^# ({self.kind} \d+: )?", "", heading)

    @cached_property
    def text(self) -> str:
        return self.read("text.md")

    @cached_property
    def exercise(self) -> str:
        return self.read("exercise.py")

    @cached_property
    def solution(self) -> str:
        """The solved file. A milestone's solution.py contains only what the learner writes. It replaces
        the exercise's definitions.
        """
        solved = self.read("solution.py")
        return solved if self.kind == "Lesson" else f"{self.exercise}\n\n{solved}"

    @property
    def engine(self) -> dict[str, str]:
        """The correct version of the learner's engine, {ENGINE: its text}, if the file imports it."""
        return {} if self.kind == "Lesson" else {ENGINE: ENGINE_LESSON.solution}

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
        """The number of questions that must be answered correctly to pass."""
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
        package = ModuleType(f"minigrad.course.lessons.{self.name}")
        package.__path__ = [str(self.folder)]  # which may be outside minigrad
        sys.modules.setdefault(package.__name__, package)
        return importlib.import_module(f"{package.__name__}.{name}")


ENGINE_LESSON = Lesson(COURSE / "lessons/lesson_07_engine")
"""The lesson in which a learner writes the engine."""


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
    """Run a solution or a slip as a module. Its output is hidden. The engine that it imports is
    lesson 7's solution.
    """
    file = ModuleType(name)
    code = compile(source, f"<{name}>", "exec", dont_inherit=True)
    with silence(), _with_engine("my_engine" in code.co_names):
        exec(code, file.__dict__)
    return file


@contextlib.contextmanager
def _with_engine(wanted: bool) -> Iterator[None]:
    """Let the block import lesson 7's solution as `my_engine`, if the engine is `wanted`."""
    mine = sys.modules.get("my_engine")
    if wanted:
        sys.modules["my_engine"] = ENGINE_LESSON.solved
    try:
        yield
    finally:
        if wanted:
            del sys.modules["my_engine"]
        if mine:
            sys.modules["my_engine"] = mine
