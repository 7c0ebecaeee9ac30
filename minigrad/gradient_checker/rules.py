"""Compare each gate's backward rule with finite differences of the gate's forward function."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..debug.anomaly import title
from ..gradients import dense, unbroadcast
from ..graph import Array, Node
from .mistake import Mistake
from .numeric import (
    EPSILON,
    STEP,
    Function,
    Index,
    careful,
    index_of,
    kinks,
    one_sided,
    signs,
)

TOLERANCE = 1e-6
"""The allowed difference between a gradient and a finite difference, relative to their size. Central
differences are accurate to 1e-9 or better."""


@dataclass
class Kink:
    """An output element that has no derivative because its left and right slopes differ.

    `index` is its index in the output of `node`, and `count` is the number of such elements.
    """

    node: Node
    index: Index
    inputs: list[float]
    count: int

    def __str__(self) -> str:
        values = ", ".join(f"{value:.3g}" for value in self.inputs)
        more = f" and {self.count - 1} more" if self.count > 1 else ""
        where = f", where its input is {values}" if values else ""
        return f"{title(self.node)} at {list(self.index)}{more}{where}"


@dataclass(eq=False)
class RuleError(Exception):
    """Raised if a rule returns no usable gradient for input `position` (None: for any input).

    `raw` is the unusable gradient, if the rule returned one.
    """

    position: int | None
    text: str
    kind: str = "unrecognised"
    raw: Array | None = None


class NodeCheck(Function):
    """The check of one node, which compares its backward rule with its forward function.

    The inputs are `arrays` or, by default, the arrays that the node was called with.
    """

    def __init__(
        self, node: Node, rng: np.random.Generator, arrays: Sequence[Array] | None = None
    ) -> None:
        self.node = node
        self.gate = node.gate
        self.rng = rng
        count = len(node.inputs)
        self.arrays = tuple(arrays or node.arrays[:count])
        # This call stores the arrays at the cuts inside the gate, if there are any.
        self.output, *self.saved = self._call(self.arrays)
        self.positions = [n for n, parent in enumerate(node.inputs) if parent.requires_grad]
        # Exclude an output such as -1e308, which means "never the maximum". Compared with it, all
        # other numbers would be lost to rounding.
        shape = self.output.shape
        usable = np.abs(self.output) < 1e30
        self.dz = np.where(usable, signs(rng, shape), 0.0)
        self.kinked = np.zeros(shape, bool)

    def _call(self, arrays: Sequence[Array]) -> list[Any]:
        """Return the gate's output, followed by the arrays that it saves for backward."""
        with self.held_cuts():
            output = self.gate.forward(*arrays)
        output, *saved = output if isinstance(output, tuple) else (output,)
        return [np.asarray(output), *saved]

    def output_at(self, moved: dict[int, Array]) -> Array:
        """Return the output, with the arrays in `moved` replacing the inputs at their positions.

        The output is NaN if the gate rejects the arrays.
        """
        arrays = [moved.get(n, array) for n, array in enumerate(self.arrays)]
        with suppress(Exception):  # a user's gate may raise any exception
            output: Array = self._call(arrays)[0]
            if output.shape == self.output.shape:
                return output
        return np.full(self.output.shape, np.nan)

    def rule(
        self,
        dz: Array,
        after: Sequence[Array] | None = None,
    ) -> dict[int, Array]:
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
        given = dz.copy()
        with np.errstate(all="ignore"):
            try:
                sent = self.gate.backward(given, self.output, *self.arrays, *self.saved)
                count = len(sent)
            except Exception as error:
                raise _raised(None, error) from error
            if count != len(self.arrays):
                text = f"it returns {count} gradients for {len(self.arrays)} inputs"
                raise RuleError(None, text, "wrong number of gradients")
            gradients = {n: self._whole(n, sent[n]) for n in self.positions}
        if not np.array_equal(given, dz):
            text = "it changes dz in place, but other gates may still need dz"
            raise RuleError(None, text, "dz changed in place")
        return gradients

    def _whole(self, position: int, sent: Any) -> Array:
        shape = self.arrays[position].shape
        if sent is None:
            return np.zeros(shape)
        try:
            gradient = sent() if callable(sent) else sent
            raw = np.asarray(dense(gradient), np.float64)
        except Exception as error:
            raise _raised(position, error) from error
        try:
            return np.asarray(unbroadcast(raw, shape))
        except ValueError as error:
            raise RuleError(position, str(error), raw=raw) from error

    def found_kinks(self) -> list[Kink]:
        """Return the first kink with the values of the inputs there, or [] if there is no kink."""
        if not self.kinked.any():
            return []
        shape = self.output.shape
        index = index_of(np.argmax(self.kinked), shape)
        inputs = [float(array[index]) for array in self.arrays if array.shape == shape]
        return [Kink(self.node, index, inputs, int(self.kinked.sum()))]

    def slip(self) -> Mistake | None:
        """Return the mistake in the rule, or None if the rule is right.

        The mistake's kind is set only if it is obvious.
        """
        try:
            self.gradients = self.rule(self.dz)
            for position in self.positions:
                if not self._agrees(position):
                    text = "none of the known mistakes"
                    return Mistake(self.node, "unrecognised", text, position)
        except RuleError as error:
            text = error.text
            if error.kind == "transposed":
                text = "the rule multiplies matrices whose shapes do not match: transpose a factor"
            return Mistake(self.node, error.kind, text, error.position, failure=error.text)
        return self._remembering() or self._at_ties()

    def _agrees(self, position: int) -> bool:
        """Compare the gradient of one input with finite differences, in a random direction."""
        direction = signs(self.rng, self.arrays[position].shape)
        agree, straight = self._compare(position, direction)
        # Do this only if needed, because it takes more forward calls.
        if not straight and not self.kinked.any():
            self._find_kinks()
        return agree or self._compare(position, direction, patient=True)[0]

    def _find_kinks(self) -> None:
        """Mark the output elements at a kink, and exclude them by setting dz to 0 there."""
        for position in self.positions:
            direction = signs(self.rng, self.arrays[position].shape)
            self.kinked |= kinks(self.line({position: direction}), self.output)
        if self.kinked.any():
            self.dz = np.where(self.kinked, 0.0, self.dz)
            self.gradients = self.rule(self.dz)

    def _compare(
        self,
        position: int,
        direction: Array,
        patient: bool = False,
    ) -> tuple[bool, bool]:
        """Compare the gradient's slope along a direction with finite differences.

        Return two booleans: whether they agree, and whether the left and right slopes are equal
        everywhere.
        """
        gradient = self.gradients[position]
        if self.kinked.any():  # at a kink the rule may divide by 0; exclude those elements too
            direction = np.where(np.isfinite(gradient), direction, 0.0)
            gradient = np.nan_to_num(gradient, posinf=0.0, neginf=0.0)
        line = self.line({position: direction})
        recorded = np.sum(gradient * direction)
        counts = self.dz != 0
        with np.errstate(all="ignore"):
            left, right = one_sided(line, self.output, STEP)
            slopes = np.where(counts, self.dz * (right + left) / 2, 0.0)
            bend = np.abs(right - left)
            straight = bend < 1e-3 * np.maximum(1.0, np.abs(right))
            # Estimate how much rounding alone may change the difference, from the sizes of the
            # subtracted numbers. Rounding x also shifts the point, which matters where the slope
            # changes. At a minimum with value 0, this is the only effect of rounding.
            size = np.abs(self.arrays[position])
            shift = bend * size.max(initial=0.0, where=size < 1e30)
            spread = self.dz * (np.abs(self.output) + shift)
            noise = 20 * EPSILON / STEP * np.linalg.norm(spread[counts])
        numeric = np.sum(slopes)
        largest = max(np.sum(np.abs(slopes)), abs(recorded))
        allowed = TOLERANCE * largest + noise
        if patient:
            numeric, margin = careful(line, self.dz)
            allowed += 10 * margin
        agree = abs(recorded - numeric) <= allowed
        return agree, bool(straight[counts].all())

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

    def _remembering(self) -> Mistake | None:
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
                largest = np.argmax(np.abs(again - gradient))
                index = index_of(largest, gradient.shape)
                return Mistake(
                    self.node,
                    "state kept between calls",
                    "the gate keeps state between calls: a second call overwrites values that the "
                    "rule needs",
                    position,
                    index,
                    float(again[index]),
                    float(gradient[index]),
                    at=f"{list(index)}, after a second call to the gate",
                )
        return None

    def _at_ties(self) -> Mistake | None:
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
                    equal[position] = np.full_like(equal[position], c)
                tied = NodeCheck(self.node, self.rng, equal)
                if not (tied.output == c).all():
                    return None
            gradients = tied.rule(tied.dz).values()
            recorded = float(sum(map(np.sum, gradients)))
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
        return Mistake(
            self.node,
            kind,
            text,
            self.positions[0],
            (),
            recorded,
            numeric,
            at=at,
        )

    def locate(self, slip: Mistake) -> None:
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
            inside = max(np.array_split(inside, 2), key=error)
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
