"""Record which lines of a learner's file run, and which variables each line changes.

child.py records a lesson's questions; explain.py makes questions about the file from the records. A
record is a list of steps [call, line, changes, gradients]. `call` numbers the calls of the file's
functions. `line` is the first line of the statement that ran. `changes` maps each variable whose
value changed to its new value and the one before, encoded by `answers.encode`. `gradients` contains
those of these variables that are nodes in the graph of the answer. It maps each of them to its
gradient, if backward starts from the sum of the answer, and to the number of gradients that backward
adds up to get it.
"""

import ast
import contextlib
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from ...derivatives import grad
from ...graph import ancestors
from ...tensor import Tensor
from .answers import encode

MOST_STEPS = 400
"""The maximum number of steps in a record. A longer record is empty, because no reader follows it."""
MOST_NUMBERS = 60
"""The maximum number of elements of an array in a record."""
MOST_PARTS = 12
"""The maximum length of a list in a record."""
RESULT = "return"
"""The name under which a record contains what a call returned. No variable can have this name."""
RAISED = "raise"
"""The name that the changes of a statement contain if it raised an error."""
COUNTS = range(1, MOST_NUMBERS + 1)
SIZES = 3 * sorted({count * size for count in COUNTS for size in (1, 4, 8)})
"""The numbers of bytes that the arrays in a record may have, each three times."""
Step = tuple[int, int, dict[str, Any], dict[str, Any]]
Tracer = Callable[[FrameType, str, Any], Any]


class Trace:
    """Records the file `source` while `steps` is a list. It is passed to `sys.settrace`."""

    def __init__(self, source: Path, text: str) -> None:
        self.source = str(source)
        self.steps: list[Step] | None = None
        self.blocks = list[np.ndarray[Any, Any]]()
        """Arrays whose copies fill the memory of NumPy's next arrays before each line."""
        self.calls = 0
        self.tensors = list[tuple[int, str, Tensor]]()
        """(index of the step, name, Tensor) for each variable that was set to a Tensor."""
        self.first: dict[int, int] = {}
        """{line: the first line of its statement}. A compound statement ends before its body."""
        self.definitions = set[int]()
        """The lines of definitions. One of them may also be the first line of its body."""
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.definitions.add(node.lineno)
            if isinstance(node, ast.stmt):
                body = getattr(node, "body", None)
                end = body[0].lineno if body else (node.end_lineno or 0) + 1
                lines = range(node.lineno, max(end, node.lineno + 1))
                self.first |= dict.fromkeys(lines, node.lineno)

    def start(self, byte: int = 0) -> None:
        """Begin a record. An array that the file does not initialize, such as that of np.empty,
        contains this byte.
        """
        self.steps, self.calls, self.tensors = [], 0, []
        self.blocks = [np.full(size, byte, np.uint8) for size in SIZES]

    def take(self, answer: Any = None) -> list[Step]:
        """End a record and return it, with the gradients of the answer if it has a graph."""
        steps, self.steps = self.steps or [], None
        if len(steps) == MOST_STEPS:
            return []
        # a learner's own gate may be wrong for gradients that the check does not ask for
        with contextlib.suppress(Exception):
            self._add_gradients(steps, answer)
        return steps

    def _add_gradients(self, steps: list[Step], answer: Any) -> None:
        recorded = [one for one in _tensors(answer) if one.requires_grad]
        total = sum((one.sum() for one in recorded), Tensor(0.0))
        nodes = ancestors([total.node])
        used = Counter(source for node in nodes for source in node.inputs)
        inside = [
            place for place in self.tensors if place[2].requires_grad and place[2].node in used
        ]
        gradients = grad(total, [tensor for _, _, tensor in inside])
        for (step, name, tensor), gradient in zip(inside, gradients, strict=True):
            steps[step][3][name] = [encode(gradient), used[tensor.node]]

    def __call__(self, frame: FrameType, event: str, _: Any) -> Tracer | None:
        code = frame.f_code
        # names such as <lambda> belong to parts of a statement; a class's body is no call
        function = code.co_flags & inspect.CO_OPTIMIZED and code.co_name[0] != "<"
        known = function or code.co_name == "<module>"
        if self.steps is None or code.co_filename != self.source or not known:
            return None
        self.calls += 1
        call, line, before = self.calls, 0, _variables(frame)
        raised = False

        def step(frame: FrameType, event: str, value: Any) -> Tracer:
            nonlocal line, before, raised
            now = self.first.get(frame.f_lineno, 0)
            if now in self.definitions and now != code.co_firstlineno:
                now = 0  # it defines a function or class, and does not run its body
            steps = self.steps
            if event == "exception":
                raised = True
            if event == "exception" or (event == "line" and now == line):
                return step
            if steps is not None and len(steps) < MOST_STEPS:
                after = _variables(frame)
                changes = {
                    name: [new, before.get(name)]
                    for name, new in after.items()
                    if before.get(name) != new
                }
                if raised:
                    changes[RAISED] = []
                elif event == "return" and _is_small(value):
                    changes[RESULT] = [encode(value), None]
                if line:
                    self.tensors += [
                        (len(steps), name, tensor)
                        for name in changes
                        if isinstance(tensor := frame.f_locals.get(name), Tensor)
                    ]
                    steps.append((call, line, changes, {}))
                before = after
                [block.copy() for block in self.blocks]
            line, raised = now, False
            return step

        return step


def repeated(steps: list[Step], others: list[Step]) -> list[Step]:
    """Return a record without the values that another record of the same question does not contain.
    Such a value depends on what ran before, on chance, or on memory that was not initialized. If
    other lines ran, the record is empty.
    """

    def same(mine: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        return {name: one for name, one in mine.items() if others.get(name) == one}

    if [step[:2] for step in steps] != [other[:2] for other in others]:
        return []
    return [
        (call, line, same(changes, other[2]), same(gradients, other[3]))
        for (call, line, changes, gradients), other in zip(steps, others, strict=True)
    ]


def _tensors(answer: Any) -> Iterator[Tensor]:
    """Yield the Tensors in an answer."""
    if isinstance(answer, Tensor):
        yield answer
    elif isinstance(answer, list | tuple):
        for one in answer:
            yield from _tensors(one)


def _variables(frame: FrameType) -> dict[str, Any]:
    values = frame.f_locals.items()
    return {name: encode(value) for name, value in values if _is_small(value)}


def _is_small(value: Any) -> bool:
    value = value.array if isinstance(value, Tensor) else value
    match value:
        case np.ndarray():
            return value.size <= MOST_NUMBERS
        case list() | tuple() | dict():
            if isinstance(value, dict):
                if not all(isinstance(key, str) for key in value):
                    return False  # `encode` would change the keys
                value = list(value.values())
            return len(value) <= MOST_PARTS and all(map(_is_small, value))
    return isinstance(value, int | float | np.number)
