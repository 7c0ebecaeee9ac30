"""Guesses which mistake made a gradient wrong: the usual mistakes in a backward rule, each with its test.

A test compares the rule's gradient with the one that a rule with this mistake would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..arrays import Array
from ..backward import unbroadcast
from .numeric import STEP
from .rules import NodeCheck

Guess = tuple[str, str]
"""The mistake in a word or two, and in a sentence."""

MOST_NUMBERS = 4_000_000
"""How many slopes a guess may measure: input elements times output elements. Of a larger input it takes a sample."""


class Evidence:
    """One wrong gradient, for a random `dz`: `rule` as the gate's rule gives it, `true` as differences do.

    `shares[i]` holds what each output element contributes to element i of the true gradient; their sum is `true`. If
    the input is too large, `rule` and `true` are one-dimensional and hold a sample of it, and `whole` is False.
    """

    def __init__(self, check: NodeCheck, position: int, index: tuple[int, ...]) -> None:
        self.check, self.position, self.index, self.dz = check, position, index, check.dz
        self.arrays, self.z = check.arrays, check.node.output
        self.x = self.arrays[position]
        rule = check.rule(check.dz)[position]
        room = min(max(MOST_NUMBERS // max(self.z.size, 1), 16), 4096)
        self.whole = self.x.size <= room
        if self.whole:
            self.elements = list(np.ndindex(self.x.shape))
        else:
            likely = np.argsort(np.abs(rule), axis=None)[::-1][: min(room, 64) - 1]
            self.elements = [index, *(tuple(int(i) for i in np.unravel_index(n, rule.shape)) for n in likely)]
        self.shape = self.x.shape if self.whole else (len(self.elements),)
        self.rule = np.array([rule[element] for element in self.elements]).reshape(self.shape)
        self.slopes = self.measure()
        self.shares = self.slopes * self.dz
        self.true = self.with_dz(self.dz)

    def measure(self) -> Array:
        """d(output)/d(element) for each element: shape (*self.shape, *z.shape)."""
        slopes = np.empty((len(self.elements), *self.z.shape))
        with np.errstate(all="ignore"):
            for number, element in enumerate(self.elements):
                line = self.check.element(self.position, element)
                slopes[number] = (line(STEP) - line(-STEP)) / (2 * STEP)
        return np.where(np.isfinite(slopes), slopes, 0.0).reshape(*self.shape, *self.z.shape)

    def with_dz(self, dz: Array) -> Array:
        """The true gradient for another upstream gradient."""
        return np.asarray((self.slopes * dz).reshape(*self.shape, -1).sum(axis=-1))

    def with_input(self, other: int, array: Array) -> Array | None:
        """The true gradient if input number `other` were `array`; None if the gate refuses that."""
        self.check.arrays = tuple(array if n == other else a for n, a in enumerate(self.arrays))
        try:
            slopes = self.measure()
        except Exception:
            return None
        finally:
            self.check.arrays = self.arrays
        return np.asarray((slopes * self.dz).reshape(*self.shape, -1).sum(axis=-1))


def guess(check: NodeCheck, position: int, index: tuple[int, ...]) -> Guess | None:
    """The first mistake that explains the wrong gradient of input number `position`, or None."""
    evidence = Evidence(check, position, index)
    for test in TESTS if evidence.whole else TESTS_OF_A_SAMPLE:
        if (found := test(evidence)) is not None:
            return found
    return None


def same(a: Array, b: Array) -> bool:
    """Equal up to the error of differences, and not both zero."""
    if a.shape != b.shape or not a.size:
        return False
    size = max(float(np.abs(a).max()), float(np.abs(b).max()))
    return size > 1e-9 and float(np.abs(a - b).max()) <= 1e-6 * size + 1e-9


def all_zero(e: Evidence) -> Guess | None:
    """A rule that returns None or zeros."""
    if e.rule.any():
        return None
    return "all zero", "all zero: the rule returns None or zeros, as if the output did not depend on this input"


def factor(e: Evidence) -> Guess | None:
    """A factor with a usual cause: -1, 2, or the number of examples."""
    largest = np.unravel_index(int(np.argmax(np.abs(e.true))), e.true.shape)
    if e.true[largest] == 0 or not same(e.rule, e.true * (ratio := e.rule[largest] / e.true[largest])):
        return None
    if np.isclose(ratio, -1):
        return "sign", "the sign: the gradient is right except for a factor of -1"
    sign = "-" if ratio < 0 else ""
    for c, text in ((2.0, "2"), (0.5, "1/2")):
        if np.isclose(abs(ratio), c):
            return "factor 2", f"a factor of {sign}{text}, as when the 2 of d(x²)/dx = 2x is forgotten or counted twice"
    for size, what in _sizes(e):
        if np.isclose(abs(ratio), size):
            return "batch size", f"a factor of {sign}{size}, {what}: not divided by it (sum instead of mean)"
        if np.isclose(abs(ratio), 1 / size):
            return (
                "batch size",
                f"a factor of {sign}1/{size}, {what}: divided by it once too often",
            )
    return None


def swapped(e: Evidence) -> Guess | None:
    """Two inputs that get each other's gradient."""
    for other in e.check.positions:
        if other != e.position and e.arrays[other].shape == e.x.shape:
            theirs = Evidence(e.check, other, e.index)
            if same(e.rule, theirs.true):
                return "swapped", f"the gradients of inputs {e.position} and {other} are swapped"
    return None


def transposed(e: Evidence) -> Guess | None:
    """The gradient, dz or another input with its last two axes swapped."""
    if e.true.ndim >= 2 and same(e.rule, e.true.swapaxes(-1, -2)):
        return "transposed", "the gradient is transposed"
    if e.dz.ndim >= 2 and e.dz.shape[-1] == e.dz.shape[-2] and same(e.rule, e.with_dz(e.dz.swapaxes(-1, -2))):
        return "transposed", "the upstream gradient enters the rule transposed"
    for other, array in enumerate(e.arrays):
        if other != e.position and array.ndim >= 2 and array.shape[-1] == array.shape[-2] and array.dtype.kind == "f":
            otherwise = e.with_input(other, array.swapaxes(-1, -2))
            if otherwise is not None and same(e.rule, otherwise):
                return "transposed", f"input {other} enters the rule untransposed (or transposed once too often)"
    return None


def upstream(e: Evidence) -> Guess | None:
    """The chain rule forgotten: the upstream gradient dz is not multiplied in."""
    if same(e.rule, e.with_dz(np.ones_like(e.dz))):
        return (
            "upstream forgotten",
            "dz is missing: the rule gives the local derivative alone",
        )
    return None


def local_factor(e: Evidence) -> Guess | None:
    """An elementwise gate that multiplies dz by the wrong expression."""
    with np.errstate(all="ignore"):
        for c in (1.0, -1.0, 2.0, 0.5):
            for text, value in _expressions(e):
                try:
                    candidate = unbroadcast(np.broadcast_to(c * value, e.dz.shape) * e.dz, e.x.shape)
                except ValueError:
                    return None
                if np.isfinite(candidate).all() and same(e.rule, candidate):
                    return _local_factor(e, c, text)
    return None


def _local_factor(e: Evidence, c: float, text: str) -> Guess:
    right = None
    for name, value in _expressions(e):
        candidate = unbroadcast(np.broadcast_to(value, e.dz.shape) * e.dz, e.x.shape)
        if np.isfinite(candidate).all() and same(e.true, candidate):
            right = name
            break
    if right is None and (found := constant(e)) is not None:
        return found
    wanted = f"it should be {right}" if right else "differences give another slope"
    if text == "1" and c == 1:
        missing = f"the local derivative {right}" if right else "the local derivative"
        return "missing local derivative", f"{missing} is missing: the rule passes dz on unchanged"
    sign = {1.0: "", -1.0: "-", 2.0: "2 · ", 0.5: "½ · "}[c]
    return "wrong local derivative", f"the rule multiplies dz by {sign}({text}); {wanted}"


def alone(e: Evidence) -> Guess | None:
    """Only the diagonal of the Jacobian: the effect of one element on the others is left out."""
    if e.x.shape != e.z.shape or e.x.size < 2:
        return None
    square = e.shares.reshape(e.x.size, e.x.size)
    if same(e.rule.reshape(-1), np.diagonal(square)):
        return "coupling missing", "only the Jacobian's diagonal is used: the sum over the other elements is missing"
    return None


def one_share(e: Evidence) -> Guess | None:
    """An element is used several times, but only one use counts: = instead of +=, or a missing sum."""
    flat = e.shares.reshape(e.rule.size, -1)
    rule, uses = e.rule.reshape(-1), (np.abs(flat) > 1e-9 * max(1e-9, float(np.abs(flat).max()))).sum(axis=1)
    if len(set(uses.tolist())) > 1:
        for picked in (flat[:, ::-1], flat):  # the last use, then the first
            place = np.argmax(np.abs(picked) > 1e-9, axis=1)
            if same(rule, picked[np.arange(rule.size), place]):
                return "= for +=", "= instead of +=: where an element is used several times, only one use counts"
    for axis in range(e.z.ndim):
        axis_from_end = axis - e.z.ndim
        for index, which in ((0, "first"), (-1, "last")):
            if e.z.shape[axis] > 1 and same(
                rule, e.shares.take(index, axis=axis_from_end).reshape(rule.size, -1).sum(1)
            ):
                return "missing sum", (
                    f"a sum over axis {axis} of the output, along which this input was repeated, is missing: only "
                    f"the {which} of {e.z.shape[axis]} arrives"
                )
    return None


def misplaced(e: Evidence) -> Guess | None:
    """The same numbers in another order."""
    if e.true.size > 1 and same(np.sort(e.rule, axis=None), np.sort(e.true, axis=None)):
        return "misplaced", "the right numbers in the wrong places: an axis, an order or an offset is mixed up"
    return None


def constant(e: Evidence) -> Guess | None:
    """Any other constant factor."""
    largest = np.unravel_index(int(np.argmax(np.abs(e.true))), e.true.shape)
    if np.count_nonzero(e.true) > 1 and same(e.rule, e.true * (ratio := e.rule[largest] / e.true[largest])):
        return "factor", f"a constant factor of {ratio:.6g}"
    return None


def partly(e: Evidence) -> Guess | None:
    """Right except for elements that are zero, or that should be."""
    differ = np.abs(e.rule - e.true) > 1e-6 * np.maximum(1.0, np.abs(e.true))
    if differ.all():
        return None
    if not e.rule[differ].any():
        return (
            "partly zero",
            f"{differ.sum()} of {differ.size} elements are zero and should not be: a mask is off",
        )
    if np.abs(e.true[differ]).max() < 1e-6:
        return "partly zero", f"{differ.sum()} of {differ.size} elements should be zero: a mask is missing"
    return None


TESTS: tuple[Callable[[Evidence], Guess | None], ...] = (
    all_zero, factor, upstream, transposed, local_factor, swapped, alone, one_share, misplaced, constant, partly,
)  # fmt: skip
"""In this order: mistakes with an exact signature come before those that may fit by chance."""

TESTS_OF_A_SAMPLE = (all_zero, factor, upstream, one_share, constant, partly)


def _sizes(e: Evidence) -> Iterator[tuple[int, str]]:
    """Sizes that a mean may wrongly have divided by, or not divided by; each with a description."""
    seen = {0, 1}
    shapes = [("the output", e.z.shape), *[(f"input {n}", a.shape) for n, a in enumerate(e.arrays)]]
    for what, shape in shapes:
        for axis, size in enumerate(shape):
            if size not in seen:
                seen.add(size)
                yield size, f"the size of axis {axis} of {what}"
    for what, shape in shapes:
        size = int(np.prod(shape))
        if size not in seen:
            seen.add(size)
            yield size, f"the number of elements of {what}"
    ratio = e.x.size // max(e.z.size, 1)
    if ratio > 1 and ratio not in seen:
        yield ratio, "the number of elements that one output is made from"


def _expressions(e: Evidence) -> list[tuple[str, Array]]:
    """What a local derivative may be, with its value: in x and z for one input, in a, b and z for two."""
    z = e.z
    one = np.ones_like(z)
    if len(e.arrays) == 1:
        x = e.arrays[0]
        if x.shape != z.shape:
            return []
        return [
            ("1", one), ("1 - z²", 1 - z * z), ("z (1 - z)", z * (1 - z)), ("x > 0", (x > 0) * 1.0), ("z", z),
            ("1 / x", 1 / x), ("1 / 2z", 0.5 / z), ("1 - x²", 1 - x * x), ("x (1 - x)", x * (1 - x)), ("1 - z", 1 - z),
            ("z²", z * z), ("1 + z²", 1 + z * z), ("x", x), ("1 / z", 1 / z), ("x < 0", (x < 0) * 1.0),
            ("ln x", np.log(x)), ("1 / x²", 1 / (x * x)), ("x²", x * x), ("z (1 + z)", z * (1 + z)), ("1 - x", 1 - x),
            ("(1 - z²)²", (1 - z * z) ** 2), ("√x", np.sqrt(x)), ("e^x", np.exp(x)),
        ]  # fmt: skip
    if len(e.arrays) == 2:
        a, b = e.arrays
        try:
            pairs = [
                ("1", one), ("b", b), ("a", a), ("1 / b", 1 / b), ("z / b", z / b), ("z", z), ("z ln a", z * np.log(a)),
                ("b a^(b-1)", b * z / a), ("1 / a", 1 / a), ("a / b", a / b), ("b / a", b / a), ("1 / b²", 1 / (b * b)),
                ("z / a", z / a), ("ln a", np.log(a)), ("z ln b", z * np.log(b)), ("a b", a * b), ("b z", b * z),
                ("a z", a * z), ("a²", a * a), ("ln b", np.log(b)),
            ]  # fmt: skip
            return [(text, np.broadcast_to(value, z.shape)) for text, value in pairs]
        except ValueError:  # inputs that do not broadcast, as in a matrix product
            return []
    return []
    return []
