"""Watch a training run through the engine's hooks, and keep what a diagnosis needs.

The run itself does not change. Of the first backward passes, the graph is kept without the arrays
that gates computed (`minigrad.replay`), so that the passes can be repeated later. Of all passes,
the loss and the bookkeeping are kept.
"""

from __future__ import annotations

import contextlib
import linecache
import sys
import traceback
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NamedTuple, Self

import numpy as np

from minigrad import Tensor
from minigrad.context import (
    ON_BACKWARD,
    ON_EVENT,
    ON_GRADIENT,
    ON_RECORD,
    SCOPE,
    Scope,
    watching,
)
from minigrad.debug.anomaly import PACKAGES, first_non_finite, source_line
from minigrad.errors import NonFiniteError
from minigrad.graph import Array, Leaf, Node, ancestors
from minigrad.replay import without_outputs

from ..lazy import duplicate, values
from ..optimizer import Optimizer
from .reading import is_constant

PASSES_KEPT = 500
BYTES_KEPT = 120_000_000
EVALUATIONS_KEPT = 10_000
CALLS_KEPT = 20
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<lambda>")
"""Functions inside an expression. Until Python 3.12, list comprehensions are such functions, too."""


class Line(NamedTuple):
    """A line of the user's program."""

    file: str
    number: int

    def __str__(self) -> str:
        return source_line(self.file, self.number)

    def near(self, other: Line) -> bool:
        return abs(self.number - other.number) <= 15

    @property
    def text(self) -> str:
        """The line's text, or "" if the file cannot be read."""
        return linecache.getline(self.file, self.number).strip()


def users_frame() -> FrameType:
    """Return the innermost frame outside minigrad's packages."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(
        (*PACKAGES, "<frozen", contextlib.__file__)
    ):
        frame = frame.f_back
    return frame


def users_line() -> Line:
    """Return the line outside minigrad's packages that is being executed."""
    frame = users_frame()
    return Line(frame.f_code.co_filename, frame.f_lineno)


def arrays_beside(frame: FrameType, inputs: Any) -> dict[str, Array]:
    """Return the arrays in a frame's variables that have as many rows as the first input. One of them
    may contain the labels of these inputs.
    """
    found = {}
    rows = getattr(inputs[0], "shape", ())[:1] if inputs else ()
    variables = {**frame.f_globals, **frame.f_locals}
    while frame.f_code.co_name in COMPREHENSIONS and frame.f_back:
        frame = frame.f_back
        variables |= frame.f_locals
    for name, value in variables.items():
        if rows and isinstance(value, np.ndarray) and value.shape[:1] == rows:
            found[name] = value
    return found


def compare(gate: Any, prediction: Array, truth: Array) -> tuple[float, float]:
    """Return the mean of a loss, and the share of right answers (NaN without classes)."""
    right = np.array(np.nan)
    if gate.name == "BinaryCrossEntropy":
        right = (prediction > 0) == (truth > 0.5)
    elif truth.shape == prediction.shape[:-1]:
        right = prediction.argmax(axis=-1) == truth
    return float(gate.losses(prediction, truth).mean()), float(right.mean())


def users_stack() -> tuple[Line, ...]:
    """Return the lines outside minigrad's packages that are being executed, innermost first."""
    lines = []
    frame: Any = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith((*PACKAGES, "<frozen")):
            lines.append(Line(frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return tuple(lines)


def raising_line(error: BaseException | None) -> Line | None:
    """Return the user's line in which an error was raised."""
    line = None
    trace = None if error is None else error.__traceback__
    for frame, number in traceback.walk_tb(trace):
        if not frame.f_code.co_filename.startswith((*PACKAGES, "<")):
            line = Line(frame.f_code.co_filename, number)
    return line


@dataclass(eq=False, slots=True)
class Pass:
    """A backward pass."""

    graph: Node | None
    """The graph without outputs, if it was kept."""
    line: Line
    kept: list[Leaf]
    """The leaves that already had a gradient."""
    clear: list[Leaf]
    """The leaves that had none."""


@dataclass(slots=True)
class Clip:
    """A call of `clip_gradients`."""

    leaves: list[Node]
    max_norm: float
    line: Line


@dataclass(slots=True)
class Update:
    """A step of an optimizer."""

    optimizer: int
    """The number of the optimizer in `Watch.optimizers`."""
    scale: float
    settings: dict[str, Any]
    """The hyperparameters, if the graph of the pass before was kept."""


@dataclass
class Made:
    """An optimizer, with the line that made it."""

    optimizer: Optimizer
    line: Line
    steps: int = 0

    @property
    def leaves(self) -> dict[str, Node]:
        """The nodes of its parameters, by their paths."""
        parameters = self.optimizer.parameters()
        return {path: tensor.node for path, tensor in parameters.items()}

    @property
    def remembers(self) -> bool:
        """Whether it has a state, such as a velocity."""
        return any(self.optimizer.state.values())


@dataclass(eq=False)
class Call:
    """A call to an outermost layer, such as the model."""

    layer: Any
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    training: bool
    line: Line
    node: Node | None
    """The node of the first output."""
    passes: int = 0
    """How many backward passes there were before."""
    beside: dict[str, Array] = field(default_factory=dict)
    """The arrays in the calling function's variables that may be the labels, by name."""
    trains: bool = False
    """Whether a loss was computed from the output, and went backward."""

    @property
    def computed(self) -> bool:
        """Whether the first input was computed by a layer that is trained."""
        return getattr(self.inputs[0], "requires_grad", False)

    @property
    def layers(self) -> list[Any]:
        """The layer and those inside it."""
        named_layers = getattr(self.layer, "named_layers", dict)
        return [self.layer, *named_layers().values()]


class Evaluation(NamedTuple):
    """A loss that was computed, but did not go backward."""

    gate: Any
    passes: int
    """How many backward passes there were before."""
    loss: float
    right: float
    """The share of labels that are predicted correctly, or NaN without classes."""
    truth: Array
    place: tuple[Line, ...]
    """The lines that were being executed. An evaluation of several batches has one place."""


class Watch:
    """A record of a training run. Open it as a block around the run. Without `repeatable`, it does not
    copy the optimizer, which takes as long as several steps, and trials cannot repeat the run.

    >>> import minigrad as mg
    >>> from optim import SGD
    >>> w = mg.Tensor([1.0], requires_grad=True)
    >>> with Watch() as watch:
    ...     optimizer = SGD([w], lr=0.5)
    ...     for step in range(3):
    ...         optimizer.zero_grad()
    ...         (w * w).sum().backward()
    ...         optimizer.step()
    >>> watch.losses
    [1.0, 0.0, 0.0]
    """

    def __init__(self, repeatable: bool = True) -> None:
        self.repeatable = repeatable
        self.events: list[Pass | Clip | Update] = []
        self.losses: list[float] = []
        self.optimizers: list[Made] = []
        self.layers: dict[int, tuple[Any, Line]] = {}
        self.scopes: dict[Scope, Any] = {}
        self.lines: dict[int, Line] = {}
        """The lines that called the first passes' gates, by the nodes' serial numbers."""
        self.calls: list[Call] = []
        self.inner: list[Call] = []
        """The calls to inner layers of the first pass."""
        self.evaluations: list[Evaluation] = []
        self.trainers: list[tuple[Any, Any]] = []
        self.first: dict[Node, Array] = {}
        """The first values of the leaves that require a gradient."""
        self.second: dict[Node, Array] = {}
        """The values of parameters at the second pass, if no optimizer has made a step."""
        self.start: Any = None
        """A copy of the optimizer before its first step."""
        self.by_hand: dict[Node, str] = {}
        """The names in `start` of parameters that the program changes without an optimizer."""
        self.error: BaseException | None = None
        self.failed: tuple[Node, Line] | None = None
        """The graph and the line of a backward pass that did not run because the loss was not
        finite.
        """
        self.strange: Node | None = None
        """The first node of this graph that was not finite."""
        self.active: dict[str, Line] = {}
        """The kinds of layers that were called in training mode after the last pass."""

        self._had: dict[Leaf, bool] = {}
        """Whether the leaves of the pass had a gradient before it."""
        self._bytes = 0
        self._numbers: dict[int, int] = {}
        """The optimizers' indices in `optimizers`."""
        self._open: list[Call] = []
        self._line = Line("", 0)
        self._last: Node | None = None
        self._compared_last: tuple[Any, Array, Array, tuple[Line, ...]] | None = None
        """The gate of the last loss, its prediction, its truth and its place."""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        enter(watching(ON_BACKWARD, self._on_backward))
        enter(watching(ON_GRADIENT, self._on_gradient))
        enter(watching(ON_RECORD, self._on_record))
        enter(watching(ON_EVENT, self._on_event))
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._stack.close()
        self._evaluate()
        self.error = error
        if self._last is not None and self._stopped(error):
            self.strange = first_non_finite(self._last)
            graph = without_outputs(self._last)[self._last]
            self.failed = graph, raising_line(error) or self._line
        self._last = None

    def _stopped(self, error: BaseException | None) -> bool:
        """Whether the run ended because of a number that is not finite: with an error, or because the
        program itself left the loop.
        """
        if isinstance(error, NonFiniteError):
            return True
        last = self._last
        return (
            not isinstance(error, KeyboardInterrupt)
            and last is not None
            and last.requires_grad
            and last.output.size == 1
            and not np.isfinite(last.output).all()
        )

    @property
    def keeping(self) -> bool:
        """Whether the graph of the next pass is kept."""
        # on several ranks, a pass that only one of them repeats would wait for the others
        alone = all(trainer.comm is None for trainer, _ in self.trainers)
        return alone and len(self.losses) < PASSES_KEPT and self._bytes < BYTES_KEPT

    # ---- hooks ----

    def _on_record(self, node: Node) -> None:
        self._last = node
        if len(self.losses) < 2:
            line = self.lines[node.serial] = users_line()
            node.source = str(line)

    def _on_gradient(self, node: Node, gradient: Any) -> None:
        if isinstance(node, Leaf):
            # a drawing computes gradients, too; those of the pass come last
            self._had[node] = node.grad is not None

    def _on_backward(self, root: Tensor) -> None:
        self._forget_trained(root.node)
        graph = None
        if self.keeping:
            graph = self._keep(root.node)
        else:  # without the graph's nodes, every recorded call counts as training
            for call in self._open:
                call.trains = call.node is not None and call.node.requires_grad
        if len(self.losses) > CALLS_KEPT:
            training = [call for call in self._open if call.trains]
            self.calls = [call for call in self.calls if call not in training]
        loss = root.node.output
        self.losses.append(float(loss) if loss.size == 1 else float("nan"))
        kept = [leaf for leaf, had in self._had.items() if had]
        clear = [leaf for leaf, had in self._had.items() if not had]
        self.events.append(Pass(graph, self._line, kept, clear))
        self._had = {}
        self._open = []
        self._last = None
        self.active = {}

    def _keep(self, root: Node) -> Node:
        """Return a copy of the graph, and record the first values of its leaves and the models that
        it trains.
        """
        copies = without_outputs(root)
        self._line = users_line()
        stepped = any(made.steps for made in self.optimizers)
        if len(self.losses) == 1 and not stepped:
            self.second = {node: values(node) for node in self.first}
        for call in self._open:
            call.trains = call.node in copies
        for node in copies:
            if is_constant(node):
                self._bytes += node.output.nbytes
            elif node.gate is None and node not in self.first:
                self.first[node] = values(node)
        return copies[root]

    def _forget_trained(self, root: Node) -> None:
        """From the evaluations since the last pass, remove the losses that this pass has
        differentiated.
        """
        if self._compared_last and self._compared_last[0] is root.gate:
            self._compared_last = None  # the usual case, without a search
        before = self.evaluations[-1].passes if self.evaluations else -1
        if self._compared_last is None and before < len(self.losses):
            return
        # later graphs are not searched, and their loss is usually the last one
        nodes = ancestors([root]) if self.keeping else [root]
        gates = {node.gate for node in nodes}
        last = self._compared_last
        if last and (last[0] in gates or not self.keeping):
            self._compared_last = None
        self._evaluate()
        recent = []
        while self.evaluations and self.evaluations[-1].passes == len(self.losses):
            recent.append(self.evaluations.pop())
        self.evaluations += [one for one in recent[::-1] if one.gate not in gates]

    def _evaluate(self) -> None:
        """Add the last loss to the evaluations, because it did not go backward."""
        if self._compared_last is None or len(self.evaluations) >= EVALUATIONS_KEPT:
            return
        gate, prediction, truth, place = self._compared_last
        self._compared_last = None
        loss, right = compare(gate, prediction, truth)
        passes = len(self.losses)
        self.evaluations.append(Evaluation(gate, passes, loss, right, truth, place))

    # ---- events ----

    def _on_event(self, event: str, subject: Any, *more: Any) -> None:
        getattr(self, f"_{event}")(subject, *more)

    def _made(self, subject: Any) -> None:
        if isinstance(subject, Optimizer):
            self._numbers[id(subject)] = len(self.optimizers)
            self.optimizers.append(Made(subject, users_line()))
        else:
            self.layers[id(subject)] = (subject, users_line())

    def _called(
        self,
        layer: Any,
        inputs: Any,
        options: Any,
        output: Any,
    ) -> None:
        scope = SCOPE.get()
        self.scopes.setdefault(scope, layer)
        kind = type(layer).__name__
        if layer.training and (kind == "BatchNorm" or kind == "Dropout" and layer.rate):
            self.active[kind] = users_line()
        outermost = len(scope) == 1
        if self.losses and not outermost:
            return
        first = output[0] if isinstance(output, tuple) else output
        node = first.node if isinstance(first, Tensor) else None
        call = Call(layer, inputs, options, layer.training, users_line(), node, len(self.losses))
        if self.losses:
            call.beside = arrays_beside(users_frame(), inputs)
        calls = self.calls if outermost else self.inner
        calls.append(call)
        if len(calls) > 10 * CALLS_KEPT:
            del calls[2 * CALLS_KEPT]  # the first training calls and the last evaluations stay
        self._open.append(call)

    def _compared(self, gate: Any, prediction: Array, truth: Array) -> None:
        self._evaluate()
        self._compared_last = gate, prediction, truth, users_stack()

    def _clipped(self, parameters: Any, max_norm: float) -> None:
        leaves = [tensor.node for tensor in parameters.values()]
        self.events.append(Clip(leaves, max_norm, users_line()))

    def _step(self, optimizer: Optimizer) -> None:
        if id(optimizer) not in self._numbers:
            self._made(optimizer)  # it was made before the block
        number = self._numbers[id(optimizer)]
        self.optimizers[number].steps += 1
        if self.start is None and self.repeatable:
            self.start = duplicate(optimizer)
            self.start.zero_grad()
        settings = optimizer.hyperparameters() if self.keeping else {}
        self.events.append(Update(number, optimizer.scale, settings))

    def _fit(self, trainer: Any, validation: Any) -> None:
        self.trainers.append((trainer, validation))
