"""Compare each gate's backward rule with finite differences of the gate's forward function."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..debug.anomaly import title
from ..gradients import dense, unbroadcast
from ..graph import Array, Node
from .numeric import EPSILON, STEP, Cuts, Function, careful, index_of, kinks, signs
from .slip import Slip

TOLERANCE = 1e-6
"""The allowed difference between a gradient and a finite difference, relative to their size. Central
differences are accurate to 1e-9 or better."""


@dataclass
class Kink:
    """An output element that has no derivative because its left and right slopes differ.

    `index` is its index in the output of `node`, and `count` is the number of such elements.
    """

    node: Node
    index: tuple[int, ...]
    inputs: list[float]
    count: int

    def __str__(self) -> str:
        values = ", ".join(f"{value:.3g}" for value in self.inputs)
        more = f" and {self.count - 1} more" if self.count > 1 else ""
        where = f", where its input is {values}" if values else ""
        return f"{title(self.node)} at {list(self.index)}{more}{where}"


class RuleError(Exception):
    """Raised if a rule returns no usable gradient for input `position` (None: for any input).

    `raw` is the unusable gradient, if the rule returned one.
    """

    def __init__(
        self, position: int | None, text: str, kind: str = "unrecognised", raw: Array | None = None
    ) -> None:
        super().__init__(text)
        self.position, self.kind, self.raw = position, kind, raw


class NodeCheck(Function):
    """The check of one node, which compares its backward rule with its forward function.

    The inputs are `arrays` or, by default, the arrays that the node was called with.
    """

    def __init__(
        self, node: Node, rng: np.random.Generator, arrays: Sequence[Array] | None = None
    ) -> None:
        self.node: Node = node
        self.gate: Any = node.gate
        self.rng = rng
        count = len(node.inputs)
        self.arrays = tuple(arrays or node.arrays[:count])
        self._cuts = Cuts()
        # The first call stores the arrays at the cuts inside the gate, if there are any.
        self.output, *self.saved = self._call(self.arrays)
        if arrays is None:
            self.output, self.saved = node.output, list(node.arrays[count:])
        self.positions = [n for n, parent in enumerate(node.inputs) if parent.requires_grad]
        # Exclude an output such as -1e308, which means "never the maximum". Compared with it, all
        # other numbers would be lost to rounding.
        self.dz = np.where(np.abs(self.output) < 1e30, signs(rng, self.output.shape), 0.0)
        self.kinked = np.zeros(self.output.shape, bool)

    def _call(self, arrays: Sequence[Array]) -> list[Any]:
        """Return the gate's output, followed by the arrays that it saves for backward."""
        with self._cuts.held():
            output = self.gate.forward(*arrays)
        output, *saved = output if isinstance(output, tuple) else (output,)
        return [np.asarray(output), *saved]

    def output_at(self, moved: dict[int, Array]) -> Array:
        """Return the output, with the arrays in `moved` replacing the inputs at their positions.

        The output is NaN if the gate rejects the arrays.
        """
        arrays = [moved.get(n, array) for n, array in enumerate(self.arrays)]
        output = np.empty(0)
        with suppress(Exception):  # a user's gate may raise any exception
            output = self._call(arrays)[0]
        return output if output.shape == self.output.shape else np.full(self.output.shape, np.nan)

    def rule(self, dz: Array, after: Sequence[Array] | None = None) -> dict[int, Array]:
        """Return the rule's gradients by position, dense and in the inputs' shapes.

        If `after` is passed, the gate is called again, on the arrays in `after`, between its
        forward and backward passes.

        Errors: RuleError.
        """
        # Call the gate on its own arrays again, because it may keep state from calls on other
        # arrays.
        self._call(self.arrays)
        if after is not None:
            self._call(after)
        given, gradients = dz.copy(), {}
        with np.errstate(all="ignore"):
            try:
                sent = self.gate.backward(given, self.output, *self.arrays, *self.saved)
                count = len(sent)
            except Exception as error:
                raise _raised(None, error) from error
            if count != len(self.arrays):
                text = f"it returns {count} gradients for {len(self.arrays)} inputs"
                raise RuleError(None, text, "wrong number of gradients")
            for position in self.positions:
                gradients[position] = self._whole(position, sent[position])
        if not np.array_equal(given, dz):
            text = "it changes dz in place, but other gates may still need dz"
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

    def kink(self) -> Kink | None:
        """Return the first kink found, with the values of the inputs there."""
        if not self.kinked.any():
            return None
        index = index_of(np.argmax(self.kinked), self.kinked.shape)
        inputs = [float(a[index]) for a in self.arrays if a.shape == self.output.shape]
        return Kink(self.node, index, inputs, int(self.kinked.sum()))

    def slip(self) -> Slip | None:
        """Return the mistake in the rule, or None if the rule is right.

        The mistake's kind is set only if it is obvious.
        """
        try:
            self.gradients = self.rule(self.dz)
            if (position := self._wrong_position()) is not None:
                return Slip(self.node, "unrecognised", "none of the known mistakes", position)
        except RuleError as error:
            text = str(error)
            if error.kind == "transposed":
                text = "the rule multiplies matrices whose shapes do not match: transpose a factor"
            return Slip(self.node, error.kind, text, error.position, failure=str(error))
        return self._remembering() or self._at_ties()

    def _wrong_position(self) -> int | None:
        """Return the first input whose gradient is wrong, or None if the rule is right."""
        for position in self.positions:
            direction = signs(self.rng, self.arrays[position].shape)
            agree, straight = self._agrees(position, direction)
            # Do this only if needed, because it takes more forward calls.
            if not straight and not self.kinked.any():
                self._find_kinks()
            if not agree and not self._agrees(position, direction, patient=True)[0]:
                return position
        return None

    def _find_kinks(self) -> None:
        """Mark the output elements at a kink, and exclude them by setting dz to 0 there."""
        for position in self.positions:
            direction = signs(self.rng, self.arrays[position].shape)
            self.kinked |= kinks(self.line({position: direction}), self.output)
        if self.kinked.any():
            self.dz = np.where(self.kinked, 0.0, self.dz)
            self.gradients = self.rule(self.dz)

    def _agrees(self, position: int, direction: Array, patient: bool = False) -> tuple[bool, bool]:
        """Compare the gradient's slope along a direction with finite differences.

        Return two booleans: whether they agree, and whether the left and right slopes are equal
        everywhere.
        """
        gradient = self.gradients[position]
        if self.kinked.any():  # at a kink the rule may divide by 0; exclude those elements too
            direction = np.where(np.isfinite(gradient), direction, 0.0)
            gradient = np.nan_to_num(gradient, posinf=0.0, neginf=0.0)
        line = self.line({position: direction})
        recorded = float(np.sum(gradient * direction))
        counts = self.dz != 0
        with np.errstate(all="ignore"):
            right, left = (line(STEP) - self.output) / STEP, (self.output - line(-STEP)) / STEP
            slopes = np.where(counts, self.dz * (right + left) / 2, 0.0)
            straight = np.abs(right - left) < 1e-3 * np.maximum(1.0, np.abs(right))
            # Estimate how much rounding alone may change the difference, from the sizes of the
            # subtracted numbers. Rounding x also shifts the point, which matters where the slope
            # changes. At a minimum with value 0, this is the only effect of rounding.
            size = np.abs(self.arrays[position])
            shift = np.abs(right - left) * size.max(initial=0.0, where=size < 1e30)
            spread = (self.dz * (np.abs(self.output) + shift))[counts]
            noise = 20 * EPSILON / STEP * np.linalg.norm(spread)
        numeric = float(np.sum(slopes))
        allowed = TOLERANCE * max(float(np.sum(np.abs(slopes))), abs(recorded)) + noise
        if patient:
            numeric, margin = careful(line, self.dz)
            allowed += 10 * margin
        return bool(abs(recorded - numeric) <= allowed), bool(straight[counts].all())

    def elsewhere(self) -> list[Array]:
        """Return inputs near the original ones: each number changes by up to a third.

        Zeros become nonzero, and numbers of 1e30 or more remain unchanged.
        """
        arrays = list(self.arrays)
        for position in self.positions:
            x = arrays[position]
            scaled = x * self.rng.uniform(0.67, 1.33, x.shape)
            moved = np.where(x == 0, 0.3 * signs(self.rng, x.shape), scaled)
            arrays[position] = np.where(np.abs(x) < 1e30, moved, x)
        return arrays

    def _remembering(self) -> Slip | None:
        """Find a rule whose gradient changes after the gate is called again.

        Such a gate keeps state between calls.
        """
        try:
            later = self.rule(self.dz, after=self.elsewhere())
        except Exception:  # the gate rejects the new inputs, so state cannot be detected
            return None
        for position, gradient in self.gradients.items():
            again = later[position]
            # a difference larger than a rounding error
            if not np.allclose(again, gradient, rtol=1e-9, atol=1e-12, equal_nan=True):
                index = index_of(np.argmax(np.abs(again - gradient)), gradient.shape)
                text = "the gate keeps state between calls: a second call overwrites values that the rule needs"
                slip = Slip(self.node, "state kept between calls", text, position, index)
                slip.recorded, slip.numeric = float(again[index]), float(gradient[index])
                slip.at = f"{list(index)}, after a second call to the gate"
                return slip
        return None

    def _at_ties(self) -> Slip | None:
        """Find a rule, such as a maximum's, that returns a wrong total gradient for equal elements.

        If f(c, c, ...) = c for every c, then adding t to all elements adds t to the output. So the
        gradients of equal elements must add up to dz.
        """
        size = sum(self.arrays[position].size for position in self.positions)
        if not self.output.size < size < 100_000:
            return None
        try:
            for c in (0.8, 0.7):
                equal = list(self.arrays)
                for position in self.positions:
                    equal[position] = np.full(equal[position].shape, c)
                tied = NodeCheck(self.node, self.rng, equal)
                if not (tied.output == c).all():
                    return None
            recorded = float(sum(map(np.sum, tied.rule(tied.dz).values())))
        except Exception:
            return None
        numeric = float(np.sum(tied.dz))
        if abs(recorded - numeric) <= 1e-9 * size:
            return None
        kind = "ties not shared"
        text = "each of several equal elements gets the whole gradient, but they should share it"
        if abs(recorded) < abs(numeric):
            kind = "nothing for ties"
            text = (
                "equal elements get no gradient, or too little: their gradients should add up to dz"
            )
        at = "all elements together, where they are equal"
        return Slip(self.node, kind, text, self.positions[0], (), recorded, numeric, at=at)

    def locate(self, slip: Slip) -> None:
        """Find the wrong element by bisection, in log2(size) steps.

        Each step keeps the half with the larger error.
        """
        position = slip.input
        if position is None or slip.failure or slip.at:
            return
        gradient = self.gradients[position]
        if self.kinked.any():
            gradient = np.nan_to_num(gradient, posinf=0.0, neginf=0.0)
        direction = signs(self.rng, gradient.shape)

        def error(elements: Array) -> float:
            part = np.zeros_like(direction)
            part.flat[elements] = direction.flat[elements]
            numeric, _ = careful(self.line({position: part}), self.dz)
            return abs(float(np.sum(gradient * part)) - numeric)

        inside = np.arange(gradient.size)
        while inside.size > 1:
            halves = np.array_split(inside, 2)
            inside = halves[int(np.argmax([error(half) for half in halves]))]
        slip.index = index_of(inside[0], gradient.shape)
        slip.recorded = float(gradient[slip.index])
        slip.numeric = careful(self.element(position, slip.index), self.dz)[0]


def _raised(position: int | None, error: Exception) -> RuleError:
    """Wrap an error raised by a rule.

    If the error comes from a matrix product, a factor was probably not transposed.
    """
    text = str(error) or type(error).__name__
    mismatched = "matmul" in text or "not aligned" in text
    return RuleError(position, text, "transposed" if mismatched else "error in the rule")
