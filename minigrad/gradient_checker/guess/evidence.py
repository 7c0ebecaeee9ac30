"""Evidence: a rule's wrong gradient at one point, and what the true gradient consists of."""

from collections.abc import Iterator, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

from ...gradients import unbroadcast
from ...graph import Array
from ..numeric import STEP, Index, index_of
from ..rules import NodeCheck, RuleError
from .expressions import expressions

Guesses = Iterator[tuple[Any, ...]]
"""Possible mistakes: (mistake, gradient, *details). `mistake` is a key of SENTENCES, and `gradient` is
the gradient that a rule with this mistake returns. Instead of a gradient, it may be a bool, which is
True if the rule has this mistake. The details are inserted into the sentence."""

MOST_NUMBERS = 4_000_000
"""The maximum number of slopes to measure, one for each pair of an input element and an output
element. For a larger input, only a sample of its elements is measured.
"""

CONSTANTS = {
    "-": -1.0,
    "2 · ": 2.0,
    "½ · ": 0.5,
    "3 · ": 3.0,
    "-2 · ": -2.0,
}
"""Constant factors of a local derivative."""


class Evidence:
    """A rule's wrong gradient at one point, for a random `dz`.

    - `rule`: the gradient that the gate's rule returns.
    - `true`: the gradient from finite differences.
    - `shares`: the terms of `true`. `shares[i]` contains the contribution of each output element to
      element i.
    - `whole`: False if the input is too large. Then `rule` and `true` are one-dimensional and
      contain a sample of its elements.
    - `raw`: the same as `rule`, unless the rule's gradient does not have the input's shape. Then
      `raw` is the rule's gradient, `rule` is filled with NaN, and `fitting` is False.
    - `alike`: True if the gradient, the input and the output have the same shape.
    """

    def __init__(
        self,
        check: NodeCheck,
        position: int,
        index: Index,
    ) -> None:
        self.check = check
        self.position = position
        self.arrays = check.arrays
        self.x = x = check.arrays[position]
        self.z = check.output
        self.dz = check.dz
        try:
            rule = raw = check.rule(check.dz)[position]
        except RuleError as error:
            if error.raw is None:
                raise
            raw = error.raw
            rule = np.full(x.shape, np.nan)
        room = MOST_NUMBERS // max(self.z.size, 1)
        room = min(max(room, 16), 4096)
        self.whole = x.size <= room
        self.numbers = np.arange(x.size).reshape(x.shape)
        if not self.whole:
            count = min(room, 64)
            largest = np.argsort(-np.abs(rule), axis=None)
            self.numbers = np.append(self.numbers[index], largest[: count - 1])
        self.fitting = raw is rule
        self.alike = self.fitting and x.shape == self.z.shape
        self.rule = self.pick(rule)
        self.raw = self.rule if self.fitting else raw
        self.slopes = measure(check, position, self.numbers)
        self.shares = self.slopes * self.dz
        self.true = self.with_dz(self.dz)

    def pick(self, gradient: Array) -> Array:
        """Select the elements to compare from a gradient with the input's shape."""
        return np.asarray(gradient.reshape(-1)[self.numbers])

    def rule_of(self, dz: Array) -> Array:
        """Return the rule's gradient for a different upstream gradient."""
        return self.pick(self.check.rule(dz)[self.position])

    def with_dz(self, dz: Array) -> Array:
        """Return the true gradient for a different upstream gradient."""
        return np.asarray(np.tensordot(self.slopes, dz, dz.ndim))

    def true_of(
        self,
        position: int,
        arrays: Sequence[Array],
    ) -> Array:
        """Return the true gradient of a whole input at `arrays`."""
        check = copy(self.check)
        check.arrays = tuple(arrays)
        x = arrays[position]
        slopes = measure(check, position, np.arange(x.size).reshape(x.shape))
        return np.asarray(np.tensordot(slopes, self.dz, self.dz.ndim))

    def explained_by(self, gradient: Any) -> bool:
        """Return whether the rule returns this gradient. A bool is returned unchanged."""
        claim = np.asarray(gradient)
        return bool(claim) if claim.dtype == bool else same(self.raw, claim)

    @cached_property
    def used(self) -> Array:
        """A mask of shape (elements, outputs) that marks the outputs each input element affects."""
        shares = np.abs(self.shares).reshape(self.numbers.size, -1)
        least = 1e-9 * max(_largest(shares), 1e-9)
        return np.asarray(shares > least)

    @cached_property
    def unreduced(self) -> Array | None:
        """The gradient of a broadcast input before summation.

        None if an output element depends on several input elements.
        """
        if not self.whole or (self.used.sum(axis=0) > 1).any():
            return None
        shares = self.shares.reshape(-1, *self.z.shape)
        return np.asarray(shares.sum(axis=0))

    @cached_property
    def products(self) -> list[tuple[str, Array, Array]]:
        """Possible local derivatives: (expression, its value, the gradient with that factor).

        The gradient is dz times the value, summed to the input's shape.
        """
        try:
            shapes = [array.shape for array in self.arrays]
            shape = np.broadcast_shapes(self.z.shape, *shapes)
        except ValueError:  # inputs that do not broadcast, as in a matrix product
            return []
        if any(array.dtype.kind != "f" for array in self.arrays):
            return []
        if shape != self.z.shape and self.z.size > 1:
            return []
        found = []
        for text, value in expressions(self.arrays, self.z).items():
            whole = np.broadcast_to(value, shape)
            gradient = unbroadcast(whole * self.dz, self.x.shape)
            found.append((text, whole, self.pick(gradient)))
        return found

    def local_derivatives(self) -> Iterator[tuple[str, Array]]:
        """Yield expressions with various constant factors, and the resulting gradients."""
        constants = CONSTANTS.copy()
        count = self.x.size
        if self.z.size == 1 < count:
            constants |= {f"1/{count} · ": 1 / count, f"2/{count} · ": 2 / count}
        for text, _, product in self.products:
            yield text, product
            for sign, c in constants.items():
                yield f"{sign}({text})", c * product


def measure(
    check: NodeCheck,
    position: int,
    numbers: Array,
) -> Array:
    """Measure d(output)/d(element) for the elements `numbers` of the input at `position`.

    The result has shape (*numbers.shape, *z.shape).
    """
    shape = check.arrays[position].shape
    slopes = []
    with np.errstate(all="ignore"):
        for number in numbers.flat:
            line = check.element(position, index_of(number, shape))
            change = line(STEP) - line(-STEP)
            slopes.append(change / (2 * STEP))
    whole = np.reshape(slopes, (*numbers.shape, *check.output.shape))
    return np.nan_to_num(whole, posinf=0.0, neginf=0.0)


def same(a: Array, b: Array) -> bool:
    """Return whether two arrays are equal up to the error of finite differences."""
    if a.shape != b.shape:
        return False
    size = _largest(np.append(a, b))
    return bool(_largest(a - b) <= 1e-6 * size + 1e-9 < np.inf)


def _largest(array: Array) -> Any:
    return np.abs(array).max(initial=0.0)
