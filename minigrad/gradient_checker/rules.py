"""Checks each gate's backward rule by itself: the gradient that it gives against differences of the gate's forward."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backward import unbroadcast
from ..debug.anomaly import title
from ..errors import DtypeError
from ..fast.kernels import Array, dense
from ..graph import Node
from .numeric import EPSILON, STEP, Cuts, Line, careful, kinks, one_moved, signs
from .slip import Slip

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


class RuleError(Exception):
    """A rule that gives no gradient of input number `position`, or of none if that is None; `raw` is what it gave."""

    def __init__(self, position: int | None, text: str, kind: str = "unrecognised", raw: Array | None = None) -> None:
        super().__init__(text)
        self.position, self.kind, self.raw = position, kind, raw


class NodeCheck:
    """One node under test: compares its rule with its forward on the arrays that it was called with, or on `arrays`."""

    def __init__(self, node: Node, rng: np.random.Generator, arrays: Sequence[Array] | None = None) -> None:
        self.node: Node = node
        self.gate: Any = node.gate
        self.rng = rng
        count = len(node.inputs)
        self.arrays, self.saved = tuple(arrays or node.arrays[:count]), node.arrays[count:]
        self._cuts = Cuts()
        # The first call notes what cuts inside the gate let through, if it has any.
        output = self._call(self.arrays)
        self._moved = False
        self.output = node.output
        if arrays is not None:
            self.output, self.saved = (output[0], output[1:]) if isinstance(output, tuple) else (output, ())
            self.output = np.asarray(self.output)
        self.positions = [number for number, parent in enumerate(node.inputs) if parent.requires_grad]
        # Next to a number such as -1e308, which stands for "never the maximum", all others would be lost to rounding.
        self.dz = np.where(np.abs(self.output) < 1e30, signs(rng, self.output.shape), 0.0)
        self.kinked = np.zeros(self.output.shape, bool)
        self.bent = False  # whether a slope differed from one side to the other: by curvature, or at a kink

    def _call(self, arrays: Sequence[Array]) -> Any:
        self._moved = True
        with self._cuts.held():
            return self.gate.forward(*arrays)

    def forward(self, position: int, array: Array) -> Array:
        """The output with `array` as input number `position`; NaN where the gate refuses it."""
        arrays = list(self.arrays)
        arrays[position] = array
        try:
            output = self._call(arrays)
        except Exception:  # the gate is a learner's: it may raise anything
            return np.full(self.output.shape, np.nan)
        return np.asarray(output[0] if isinstance(output, tuple) else output)  # without what it saves for backward

    def line(self, position: int, direction: Array) -> Line:
        base = self.arrays[position]
        return lambda t: self.forward(position, base + t * direction)

    def element(self, position: int, index: tuple[int, ...]) -> Line:
        return one_moved(self.arrays[position], index, lambda moved: self.forward(position, moved))

    def rule(self, dz: Array, after: Sequence[Array] | None = None) -> dict[int, Array]:
        """The rule's gradients by position, dense and in the inputs' shapes, as the engine would compute them.

        With `after`, the gate is called once more, on those arrays, between its forward and its backward pass. Errors:
        RuleError.
        """
        if after is not None or self._moved:
            self._call(after or self.arrays)
            self._moved = after is not None
        given, gradients = dz.copy(), {}
        with np.errstate(all="ignore"):
            try:
                sent = self.gate.backward(given, self.output, *self.arrays, *self.saved)
                count = len(sent)
            except Exception as error:
                raise _raised(None, error) from error
            if count != len(self.arrays):
                text = f"{count} gradients came for {len(self.arrays)} inputs"
                raise RuleError(None, text, "wrong number of gradients")
            for position in self.positions:
                gradients[position] = self._whole(position, sent[position])
        if not np.array_equal(given, dz):
            text = "it changes dz in place, which other gates may still need"
            raise RuleError(None, text, "dz changed in place")
        return gradients

    def _whole(self, position: int, sent: Any) -> Array:
        shape = self.arrays[position].shape
        if sent is None:
            return np.zeros(shape)
        try:
            raw = np.asarray(dense(sent() if callable(sent) else sent), np.float64)
        except Exception as error:
            raise _raised(position, error) from error
        try:
            return np.asarray(unbroadcast(raw, shape))
        except ValueError as error:
            raise RuleError(position, str(error), raw=raw) from error

    def find_kinks(self) -> None:
        """Note the output elements at a kink, and set the cotangent to 0 there, so that they are not compared."""
        for position in self.positions:
            direction = signs(self.rng, self.arrays[position].shape)
            self.kinked |= kinks(self.line(position, direction), self.output)
        self.dz = np.where(self.kinked, 0.0, self.dz)

    def kink(self) -> Kink | None:
        """The first kink found, with the values of the inputs there."""
        if not self.kinked.any():
            return None
        index = tuple(int(i) for i in np.argwhere(self.kinked)[0])
        inputs = [float(a[index]) for a in self.arrays if a.shape == self.output.shape]
        return Kink(self.node, index, inputs, int(self.kinked.sum()))

    def slip(self) -> Slip | None:
        """The mistake in the rule, not yet located, nor named unless it is plain; None if the rule is right."""
        try:
            if (position := self._wrong_position()) is not None:
                return Slip(self.node, "unrecognised", "none of the usual mistakes", position)
        except RuleError as error:
            text = str(error)
            if error.kind == "transposed":
                text = "a matrix product in the rule does not fit: one of its factors is to be transposed"
            return Slip(self.node, error.kind, text, error.position, failure=str(error))
        return self._remembering() or self._at_ties()

    def _wrong_position(self) -> int | None:
        """The first input whose gradient is wrong; None if the rule is right."""
        self.gradients = self.rule(self.dz)
        for position in self.positions:
            direction = signs(self.rng, self.arrays[position].shape)
            agree = self._agrees(position, direction, self.gradients[position])
            if self.bent and not self.kinked.any():  # only where needed: it takes more forward calls
                self.find_kinks()
                if self.kinked.any():
                    self.gradients = self.rule(self.dz)
            if not agree and not self._agrees(position, direction, self.gradients[position], patient=True):
                return position
        return None

    def elsewhere(self) -> list[Array]:
        """Other inputs: each number up to a third larger or smaller, none of them 0."""
        arrays = list(self.arrays)
        for position in self.positions:
            x = arrays[position]
            moved = np.where(x == 0, 0.3 * signs(self.rng, x.shape), x * self.rng.uniform(0.67, 1.33, x.shape))
            arrays[position] = np.where(np.abs(x) < 1e30, moved, x)
        return arrays

    def _remembering(self) -> Slip | None:
        """A rule that gives another gradient once the gate has been called again: it keeps state between calls."""
        try:
            later = self.rule(self.dz, after=self.elsewhere())
        except Exception:  # a gate that refuses the other inputs keeps no state that could be seen
            return None
        for position, gradient in self.gradients.items():
            again = later[position]
            if np.array_equal(again, gradient, equal_nan=True):
                continue
            if not np.allclose(again, gradient, rtol=1e-9, atol=1e-12, equal_nan=True):  # more than rounding
                index = tuple(map(int, np.unravel_index(np.argmax(np.abs(again - gradient)), gradient.shape)))
                text = "the gate keeps state between calls: a second call replaces what the rule of the first needs"
                at = f"{list(index)}, after a second call of the gate"
                numbers = float(again[index]), float(gradient[index])
                return Slip(self.node, "state kept between calls", text, position, index, *numbers, at=at)
        return None

    def _at_ties(self) -> Slip | None:
        """A maximum or its like that gives equal elements more, or less, than one gradient together.

        If f(c, c, ...) = c, then all elements moved by t move the output by t, whatever becomes of each alone.
        """
        sources = [self.arrays[position] for position in self.positions]
        size = sum(array.size for array in sources)
        some = self.output.reshape(-1)[:3]
        if not self.output.size < size < 100_000 or not all(any((a == z).any() for a in sources) for z in some):
            return None
        try:
            for c in (0.8, 0.7):
                equal = [np.full(a.shape, c) if n in self.positions else a for n, a in enumerate(self.arrays)]
                tied = NodeCheck(self.node, self.rng, equal)
                if not (tied.output == c).all():
                    return None
            gradients = tied.rule(tied.dz)
        except Exception:
            return None
        recorded, numeric = float(sum(map(np.sum, gradients.values()))), float(np.sum(tied.dz))
        if abs(recorded - numeric) <= 1e-9 * size:
            return None
        kind, text = "ties not shared", "each of several equal elements gets the whole gradient: they should share it"
        if abs(recorded) < abs(numeric):
            kind, text = "nothing for ties", "equal elements get no gradient, or too little: it should add up to dz"
        at = "all elements together, where they are equal"
        return Slip(self.node, kind, text, self.positions[0], (), recorded, numeric, at=at)

    def _agrees(self, position: int, direction: Array, gradient: Array, patient: bool = False) -> bool:
        """Whether gradient and differences give the same slope along a direction."""
        if self.kinked.any():  # at a kink the rule may divide by 0: those elements are left out too
            direction = np.where(np.isfinite(gradient), direction, 0.0)
            gradient = np.where(np.isfinite(gradient), gradient, 0.0)
        line = self.line(position, direction)
        recorded = float(np.sum(gradient * direction))
        output = self.output
        with np.errstate(all="ignore"):
            ahead, behind = line(STEP), line(-STEP)
            right, left = (ahead - output) / STEP, (output - behind) / STEP
            slopes = np.where(self.dz == 0, 0.0, self.dz * (right + left) / 2)
            straight = np.abs(right - left) < 1e-3 * np.maximum(1.0, np.abs(right))
            self.bent |= not bool((straight | (self.dz == 0)).all())
            # How much rounding alone may change the difference, given the sizes of the numbers subtracted. Rounding x
            # shifts the point too: that counts where the slope changes, and is all there is at a minimum of 0.
            size = np.abs(self.arrays[position])
            shift = np.abs(right - left) * size.max(initial=0.0, where=size < 1e30)
            counted = self.dz * np.where(self.dz == 0, 0.0, np.abs(output) + shift)
            noise = 20 * EPSILON / STEP * float(np.sqrt(np.sum(counted**2)))
        numeric, size = float(np.sum(slopes)), float(np.sum(np.abs(slopes)))
        allowed = TOLERANCE * max(size, abs(recorded)) + noise
        if patient:
            numeric, margin = careful(line, self.dz)
            allowed += 10 * margin
        return bool(abs(recorded - numeric) <= allowed)

    def locate(self, slip: Slip) -> None:
        """Find the wrong element, by bisection: of two halves take the one that is further off; log2(size) steps."""
        position = slip.input
        if position is None or slip.failure or slip.at:
            return
        gradient = self.gradients[position]
        gradient = np.where(np.isfinite(gradient), gradient, 0.0) if self.kinked.any() else gradient
        direction = signs(self.rng, gradient.shape)
        inside = np.arange(gradient.size)
        while inside.size > 1:
            halves = np.array_split(inside, 2)
            off = []
            for half in halves:
                part = np.zeros_like(direction)
                part.flat[half] = direction.flat[half]
                off.append(abs(float(np.sum(gradient * part)) - careful(self.line(position, part), self.dz)[0]))
            inside = halves[int(np.argmax(off))]
        index = tuple(int(i) for i in np.unravel_index(inside[0], gradient.shape))
        slip.index, slip.recorded = index, float(gradient[index])
        slip.numeric = careful(self.element(position, index), self.dz)[0]


def _raised(position: int | None, error: Exception) -> RuleError:
    """A rule's own error; if a product does not fit, a factor was probably not transposed."""
    text = str(error) or type(error).__name__
    if "matmul" in text or "not aligned" in text:
        return RuleError(position, text, "transposed")
    return RuleError(position, text, "error in the rule")


def check_rules(nodes: list[Node], rng: np.random.Generator) -> Iterator[tuple[NodeCheck, Slip | None]]:
    """For each node its check, and the slip in its rule; None if the rule is right."""
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
        yield check, check.slip()
