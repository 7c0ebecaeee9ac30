"""Checks each gate's backward rule by itself: the gradient that it gives against differences of the gate's forward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..anomaly import source_line
from ..arrays import Array
from ..context import place
from ..derivatives import rule_on_arrays
from ..errors import DtypeError
from ..graph import Node
from ..printing import printable
from .numeric import EPSILON, STEP, Cuts, Line, careful, kinks, signs

TOLERANCE = 1e-6
"""How far apart gradient and difference may be, relative to their size: central differences reach 1e-9 or better."""


@dataclass
class Kink:
    """A place without a derivative: `index` of the output of `node`, where the left and right slopes differ."""

    node: Node
    index: tuple[int, ...]
    inputs: list[float]
    count: int

    def __str__(self) -> str:
        given = ", ".join(f"{value:.3g}" for value in self.inputs)
        more = f" and {self.count - 1} more" if self.count > 1 else ""
        return f"{title(self.node)} at {list(self.index)}{more}" + (f", where its input is {given}" if given else "")


@dataclass
class WrongRule:
    """A node whose rule does not fit its forward: in the gradient of input number `position`, at `index`."""

    node: Node
    position: int
    index: tuple[int, ...]
    rule: float
    numeric: float
    failure: str = ""
    """Why there is no gradient to compare at all: the rule's own error, or the shape that came out."""
    guess: str | None = None
    """What the mistake looks like, in a word or two; `explanation` says it in a sentence."""
    explanation: str = ""
    others: list[Node] = field(default_factory=list)
    """Further nodes with a wrong rule, as backward meets them."""
    rule_line: str = ""

    def __post_init__(self) -> None:
        self.rule_line = rule_line(self.node)

    def __str__(self) -> str:
        name = self.node.inputs[self.position].name
        name = f" ({printable(name)})" if name else ""
        which = f"input {self.position}{name} {self.node.arrays[self.position].shape}"
        if self.failure:
            found = f"its rule gives no gradient of {which}: {self.failure}"
        else:
            found = (
                f"gradient of {which} at {list(self.index)}: the rule says {self.rule:.6g}, "
                f"differences say {self.numeric:.6g}"
            )
        lines = [title(self.node), *found.split("\n"), f"its rule is at {self.rule_line}"]
        if self.explanation:
            lines.append(f"looks like: {self.explanation}")
        if self.others:
            names = sorted({node.gate.name for node in self.others if node.gate})
            lines.append(f"also wrong: {len(self.others)} more ({', '.join(names)}), the last {title(self.others[-1])}")
        return "\n".join(map(printable, lines))


def title(node: Node) -> str:
    """How reports name a node: gate, scope, and the line that called it."""
    kind = node.gate.name if node.gate else "leaf"
    where = place(node.scope)
    name = f" {node.name!r}" if node.name else ""
    return printable(f"{kind}{name} {where}" + (f", called at {node.source}" if node.source else ""))


def rule_line(node: Node) -> str:
    """The file and line where the backward rule of a node is written."""
    rule = getattr(node.gate, "backward", None)
    code = getattr(getattr(rule, "__func__", rule), "__code__", None)
    if code is None:
        return "an unknown place"
    return source_line(code.co_filename, code.co_firstlineno)


class NodeCheck:
    """One node under test: compares its rule with its forward on the arrays that it was called with."""

    def __init__(self, node: Node, rng: np.random.Generator) -> None:
        self.node: Node = node
        self.gate: Any = node.gate
        self.arrays = node.arrays[: len(node.inputs)]  # after them comes what forward saved for backward
        self.rng = rng
        self._cuts = Cuts()
        self.forward(0, self.arrays[0])  # notes what cuts inside the gate let through, if it has any
        self.positions = [number for number, parent in enumerate(node.inputs) if parent.requires_grad]
        # Next to a number such as -1e308, which stands for "never the maximum", all others would be lost to rounding.
        self.dz = np.where(np.abs(node.output) < 1e30, signs(rng, node.output.shape), 0.0)
        self.kinked = np.zeros(node.output.shape, bool)
        self.failure = ""
        self.bent = False  # whether a slope differed from one side to the other: by curvature, or at a kink

    def forward(self, position: int, array: Array) -> Array:
        """The output with `array` as input number `position`."""
        arrays = list(self.arrays)
        arrays[position] = array
        with self._cuts.held():
            output = self.gate.forward(*arrays)
        return np.asarray(output[0] if isinstance(output, tuple) else output)  # without what it saves for backward

    def line(self, position: int, direction: Array) -> Line:
        base = self.arrays[position]
        return lambda t: self.forward(position, base + t * direction)

    def element(self, position: int, index: tuple[int, ...]) -> Line:
        moved = self.arrays[position].copy()
        value = moved[index]

        def output(t: float) -> Array:
            moved[index] = value + t
            return np.array(self.forward(position, moved))  # a copy: it may be a view of what the next call writes to

        return output

    def rule(self, dz: Array) -> dict[int, Array]:
        """The rule's gradients by position, dense and in the inputs' shapes, as the engine would compute them."""
        gradients = {}
        with np.errstate(all="ignore"):
            sent = rule_on_arrays(self.node, dz)
            for position in self.positions:
                part = sent[position]
                gradients[position] = np.zeros(self.arrays[position].shape) if part is None else part
        return gradients

    def find_kinks(self) -> None:
        """Note the output elements at a kink, and set the cotangent to 0 there, so that they are not compared."""
        for position in self.positions:
            direction = signs(self.rng, self.arrays[position].shape)
            self.kinked |= kinks(self.line(position, direction), self.node.output)
        self.dz = np.where(self.kinked, 0.0, self.dz)

    def kink(self) -> Kink | None:
        """The first kink found, with the values of the inputs there."""
        if not self.kinked.any():
            return None
        index = tuple(int(i) for i in np.argwhere(self.kinked)[0])
        inputs = [float(a[index]) for a in self.arrays if a.shape == self.node.output.shape]
        return Kink(self.node, index, inputs, int(self.kinked.sum()))

    def wrong_position(self) -> int | None:
        """The first input whose gradient is wrong; None if the rule is right."""
        try:
            gradients = self.rule(self.dz)
        except Exception as error:
            self.failure = str(error) or type(error).__name__
            return self.positions[0]
        for position in self.positions:
            direction = signs(self.rng, self.arrays[position].shape)
            agree = self._agrees(position, direction, gradients[position])
            if self.bent and not self.kinked.any():  # only where needed: it takes more forward calls
                self.find_kinks()
                if self.kinked.any():
                    gradients = self.rule(self.dz)
            if not agree and not self._agrees(position, direction, gradients[position], patient=True):
                return position
        return None

    def _agrees(self, position: int, direction: Array, gradient: Array, patient: bool = False) -> bool:
        """Whether gradient and differences give the same slope along a direction."""
        if self.kinked.any():  # at a kink the rule may divide by 0: those elements are left out too
            direction = np.where(np.isfinite(gradient), direction, 0.0)
            gradient = np.where(np.isfinite(gradient), gradient, 0.0)
        line = self.line(position, direction)
        recorded = float(np.sum(gradient * direction))
        output = self.node.output
        with np.errstate(all="ignore"):
            ahead, behind = line(STEP), line(-STEP)
            right, left = (ahead - output) / STEP, (output - behind) / STEP
            slopes = np.where(self.dz == 0, 0.0, self.dz * (right + left) / 2)
            straight = np.abs(right - left) < 1e-3 * np.maximum(1.0, np.abs(right))
            self.bent |= not bool((straight | (self.dz == 0)).all())
        numeric, size = float(np.sum(slopes)), float(np.sum(np.abs(slopes)))
        # How much rounding alone may change the difference, given the sizes of the numbers subtracted.
        counted = self.dz * np.where(self.dz == 0, 0.0, output)
        noise = 20 * EPSILON / STEP * float(np.sqrt(np.sum(counted**2)))
        allowed = TOLERANCE * max(size, abs(recorded)) + noise
        if patient:
            numeric, margin = careful(line, self.dz)
            allowed += 10 * margin
        return bool(abs(recorded - numeric) <= allowed)

    def locate(self, position: int) -> WrongRule:
        """The wrong element, by bisection: of two halves go on with the one that is further off; log2(size) steps."""
        if self.failure:
            return WrongRule(self.node, position, (), np.nan, np.nan, failure=self.failure)
        gradient = self.rule(self.dz)[position]
        gradient = np.where(np.isfinite(gradient), gradient, 0.0) if self.kinked.any() else gradient
        direction = signs(self.rng, gradient.shape)
        inside = np.arange(gradient.size)
        while inside.size > 1:
            halves = np.array_split(inside, 2)
            off = []
            for half in halves:
                part = np.zeros(gradient.size)
                part[half] = direction.reshape(-1)[half]
                off.append(abs(float(np.sum(gradient * part.reshape(gradient.shape))) - self._slope(position, part)))
            inside = halves[int(np.argmax(off))]
        index = tuple(int(i) for i in np.unravel_index(inside[0], gradient.shape))
        return WrongRule(self.node, position, index, float(gradient[index]), self.numeric(position, index))

    def _slope(self, position: int, part: Array) -> float:
        return careful(self.line(position, part.reshape(self.arrays[position].shape)), self.dz)[0]

    def numeric(self, position: int, index: tuple[int, ...]) -> float:
        """The gradient of one element by differences."""
        return careful(self.element(position, index), self.dz)[0]


def check_rules(nodes: list[Node], rng: np.random.Generator) -> Iterator[tuple[NodeCheck, int | None]]:
    """For each node its check, and the first input that gets a wrong gradient; None if the rule is right."""
    for node in nodes:
        if node.output.dtype == np.float32:
            raise DtypeError(
                "MG704",
                f"{title(node)} computes in float32: {node.output.dtype} came out where float64 went in",
                cause="its forward, or a float32 tensor that it was given, fixes the dtype; steps of 6e-6 would "
                "drown in float32's rounding",
                remedy="let the result take the dtype of the inputs: np.zeros(..., x.dtype), array.astype(x.dtype)",
            )
        check = NodeCheck(node, rng)
        yield check, check.wrong_position()
