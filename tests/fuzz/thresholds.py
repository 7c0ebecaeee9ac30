"""The world of a case: thresholds between two ways of computing, unwritten memory, and rules that
may write nowhere.

Thresholds are set to small values for a case, and counted on both sides. One is a constant of a
module that is read when it is needed. Here it becomes a `Counted`, an int that counts
how often it was found to be at least as large as another number ("below"), or smaller ("above").
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st

from minigrad.context import ON_GRADIENT, setting
from minigrad.gradients import Gradient

THRESHOLDS: dict[str, tuple[int, ...]] = {
    "minigrad.support.arrays.BLOCK": (1, 2, 5, 12, 30),
    "minigrad.support.arrays.SPARSE_IDS": (0, 1, 2),
    "minigrad.support.arrays.RADIX_PLACES": (1, 2, 4),
    "minigrad.support.arrays.PLACES_PER_ADDITION": (0, 1, 100),
    "minigrad.gates.activation.NO_OVERFLOW_BELOW": (0, 1),
    "minigrad.gates.fused.transformer.QUERIES": (1, 2, 3),
    "optim.lazy.BLOCK": (1, 2, 3),
    "optim.lazy.LATE": (8, 64),
}
"""The constants, as module.NAME, and the values that they are given: small ones, if each is
correct."""

OTHERS = {
    "layers.images.LEVELS": "colours of a picture",
    "layers.images.MOST": "images of a picture",
    "minigrad.debug.profiler._MOST": "rows that are printed",
    "optim.lazy.EARLY": "how often all rows catch up at first, on which the precision depends",
    "optim.adam.NARROW": "a precision; the optimizers fuzzer draws betas on both sides of it",
    "optim.adam.WIDEST": "the same",
    "optim.lazy.NEGLIGIBLE": "a precision",
    "optim.lazy.DENORMAL": "a precision",
    "optim.clipping.SAFE_NORMS": "two bounds, both reached by norms of extreme gradients",
}
"""Constants that code compares with, and that choose between no two ways of computing the same."""

COUNTS: Counter[tuple[str, str]] = Counter()
"""How often each threshold, by name, was met from "below" and "above"."""


class Block(int):
    """So many rows at a time. They are counted where they begin: the first as below, those after
    it as above.
    """

    name: str

    def __new__(cls, value: int, name: str) -> Block:
        self = super().__new__(cls, value)
        self.name = name
        return self

    def count(self, below: bool) -> bool:
        COUNTS[self.name, "below" if below else "above"] += 1
        return below

    def __radd__(self, start: int) -> int:
        self.count(start == 0)
        return start + int(self)


class Counted(Block):
    """A threshold in use, which counts its comparisons, and those of its multiples."""

    __array_ufunc__ = None  # so that NumPy's numbers leave a comparison to it

    def __gt__(self, other: Any) -> bool:
        return self.count(bool(int(self) > other))

    def __lt__(self, other: Any) -> bool:
        return not self.count(bool(int(self) >= other))

    def __mul__(self, other: Any) -> Any:
        return Counted(int(self) * int(other), self.name)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return Block(int(self) // other, self.name)


@functools.cache
def places(name: str) -> tuple[Any, tuple[Any, ...]]:
    """The value that a constant has by default, and all modules that hold it."""
    path, _, constant = name.rpartition(".")
    value = vars(import_module(path))[constant]
    packages = ("minigrad", "layers", "optim")
    modules = [
        module for path, module in sys.modules.items() if path.split(".")[0] in packages
    ]
    return value, tuple(
        module for module in modules if vars(module).get(constant) is value
    )


def draw(rng: np.random.Generator) -> dict[str, int]:
    """Small values for some of the thresholds, or for none."""
    if rng.random() < 0.3:
        return {}
    return {
        name: int(rng.choice(values))
        for name, values in THRESHOLDS.items()
        if rng.random() < 0.7
    }


@contextlib.contextmanager
def using(values: dict[str, int]) -> Iterator[None]:
    """Within this block, or in a function that it decorates, some thresholds have these values and
    all are counted.

    And memory that nobody has written to is full of NaN or of large numbers, so that a use of it
    shows; and a rule that writes into an array that it was given raises an AssertionError, whether
    or not anything else used that array.
    """
    import layers  # noqa: F401  # all modules must be loaded before `places` looks through them
    import optim  # noqa: F401

    with contextlib.ExitStack() as stack:
        for name in THRESHOLDS:
            default, modules = places(name)
            value = Counted(values.get(name, default), name)
            for module in modules:
                stack.enter_context(
                    patch.object(module, name.rpartition(".")[2], value)
                )
        for name in ("empty", "empty_like"):
            stack.enter_context(patch.object(np, name, poisoned(getattr(np, name))))
        stack.enter_context(setting(ON_GRADIENT, Untouched()))
        yield


class Untouched:
    """Looks, when a backward pass comes to its next node, whether the last rule has left its arrays
    as they were.
    """

    def __init__(self) -> None:
        self.node: Any = None
        self.given: list[tuple[Any, bytes]] = []

    def __call__(self, node: Any, dz: Any) -> None:
        before, given = self.node, self.given
        self.node, self.given = node, []
        # A pass visits nodes newest first. What an optimizer has changed between two passes, of
        # which one broke off, is no rule's doing.
        same = (
            before
            and node.serial < before.serial
            and all(one.updated < before.serial for one in before.inputs)
        )
        if same and any(array.tobytes() != content for array, content in given):
            raise AssertionError(
                f"the rule of {before.gate!r} has written into an array that it was given"
            )
        if node.gate:
            dz = dz.dense() if isinstance(dz, Gradient) else dz
            arrays = (
                one
                for one in (dz, node.output, *node.arrays)
                if isinstance(one, np.ndarray)
            )
            self.given = [(array, array.tobytes()) for array in arrays]


def poisoned(make: Any) -> Any:
    """The function that makes an array, which then holds what no result may contain."""

    def make_poisoned(*given: Any, **options: Any) -> Any:
        array = make(*given, **options)
        if array.dtype.kind in "fiub":
            array.fill(np.nan if array.dtype.kind == "f" else 97)
        return array

    return make_poisoned


def table(counts: Counter[tuple[str, str]]) -> str:
    """How many cases took each side of each threshold."""
    lines = [f"{'threshold':42}{'below':>12}{'above':>12}"]
    for name in THRESHOLDS:
        lines.append(f"{name:42}{counts[name, 'below']:12,}{counts[name, 'above']:12,}")
    return "\n".join(lines)


def untried(counts: Counter[tuple[str, str]]) -> list[str]:
    """The sides that no case took."""
    sides = [(name, side) for name in THRESHOLDS for side in ("below", "above")]
    return [
        f"no case was {side} {name}" for name, side in sides if not counts[name, side]
    ]


small_thresholds = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in THRESHOLDS.items()}
)
"""Small values of some of the thresholds, or of none."""
