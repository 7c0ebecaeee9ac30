"""The world of a case: thresholds between two ways of computing, unwritten memory, and rules that
may write nowhere.

Thresholds are set to small values for a case, and counted on both sides. One is a constant of a
module that is read when it is needed. Here it becomes a `Counted`, an int that counts
how often it was found to be at least as large as another number ("below"), or smaller ("above"). In
some cases the speed-ups of `minigrad.fast` are disabled too, so that the plain way meets the same
truth.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

from minigrad import fast
from minigrad.context import ON_GRADIENT, setting
from minigrad.graph import LazyGradient

THRESHOLDS: dict[str, tuple[int, ...]] = {
    "minigrad.fast.kernels.BLOCK": (1, 2, 5, 12, 30),
    "minigrad.fast.kernels.SPARSE_IDS": (0, 1, 2),
    "minigrad.fast.kernels.RADIX_PLACES": (1, 2, 4),
    "minigrad.fast.kernels.PLACES_PER_ADDITION": (0, 1, 100),
    "minigrad.gates.activation.NO_OVERFLOW_BELOW": (0, 1),
    "optim.lazy.BLOCK": (1, 2, 3),
    "optim.lazy.LATE": (8, 64),
    "optim.lazy.SHORTEST_SUMS": (1, 2, 4),
}
"""The constants, as module.NAME, and the values that they are given: small ones, if each is
correct."""

OTHERS = {
    "minigrad.debug.profiler._MOST": "rows that are printed",
    "optim.lazy.EARLY": "how often all rows catch up at first, on which the precision depends",
    "optim.adam.NARROW": "a precision; the optimizers fuzzer draws betas on both sides of it",
    "optim.adam.WIDEST": "the same",
    "optim.lazy.NEGLIGIBLE": "a precision",
    "optim.lazy.DENORMAL": "a precision",
    "optim.clipping.SAFE_NORMS": "two bounds, both reached by norms of extreme gradients",
}
"""Constants that code compares with, and that choose between no two ways of computing the same."""

DISABLED = "minigrad.fast.disable"
"""Among the values of a case, it says that the speed-ups are disabled."""

COUNTS: Counter[tuple[str, str]] = Counter()
"""How often each threshold, by name, was met from "below" and "above"."""


class Counted(int):
    """A threshold in use. Blocks are counted where they begin: the first as below, those after it
    as above.
    """

    name: str
    __array_ufunc__ = None  # so that NumPy's numbers leave a comparison to it

    def __new__(cls, value: int, name: str) -> Counted:
        self = super().__new__(cls, value)
        self.name = name
        return self

    def _side(self, below: bool) -> None:
        COUNTS[self.name, "below" if below else "above"] += 1

    def __ge__(self, other: Any) -> bool:
        self._side(below := bool(int(self) >= other))
        return below

    def __gt__(self, other: Any) -> bool:
        self._side(below := bool(int(self) > other))
        return below

    def __le__(self, other: Any) -> bool:
        return not self.__gt__(other)

    def __lt__(self, other: Any) -> bool:
        return not self.__ge__(other)

    def __mul__(self, other: Any) -> Any:
        return Counted(int(self) * int(other), self.name)

    __rmul__ = __mul__

    def __rpow__(self, other: Any, modulo: Any = None) -> Any:
        return Counted(other ** int(self), self.name)

    def __rmod__(self, other: Any) -> Any:
        self._side(bool(other % int(self)))
        return other % int(self)

    def __floordiv__(self, other: Any) -> Any:
        return Block(int(self) // other, self.name)

    def __radd__(self, start: Any) -> Any:
        self._side(not start)
        return start + int(self)


class Block(Counted):
    """So many rows or steps at a time, as many as fit under a threshold; comparing it with 1 says
    nothing.
    """

    def _side(self, below: bool) -> None:
        pass

    def __radd__(self, start: Any) -> Any:
        super()._side(not start)
        return start + int(self)


@functools.cache
def places(name: str) -> tuple[Any, tuple[Any, ...]]:
    """The value that a constant has by default, and all modules that hold it; (None, ()) if there
    is none.
    """
    path, _, constant = name.rpartition(".")
    value = vars(import_module(path)).get(constant)
    packages = ("minigrad", "layers", "optim")
    modules = [
        module for path, module in list(sys.modules.items()) if path.split(".")[0] in packages
    ]
    return value, tuple(m for m in modules if value is not None and vars(m).get(constant) is value)


def draw(rng: np.random.Generator) -> dict[str, int]:
    """Small values for some of the thresholds, or for none; and sometimes without the speed-ups."""
    plain = {DISABLED: 1} if rng.random() < 0.15 else {}
    if rng.random() < 0.3:
        return plain
    return plain | {
        name: int(rng.choice(values)) for name, values in THRESHOLDS.items() if rng.random() < 0.7
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

    changes: list[tuple[Any, str, Any]] = []
    for name in THRESHOLDS:
        default, modules = places(name)
        value = Counted(values.get(name, default), name) if modules else None
        changes += [(module, name.rpartition(".")[2], value) for module in modules]
    if np.empty.__module__ == "numpy":  # not yet poisoned by a block around this one
        changes += [(np, name, _poisoned(getattr(np, name))) for name in ("empty", "empty_like")]
    before = [(module, name, getattr(module, name)) for module, name, _ in changes]
    for module, name, value in changes:
        setattr(module, name, value)
    if DISABLED in values:
        fast.disable()
    try:
        with setting(ON_GRADIENT, Untouched()):
            yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        if DISABLED in values:
            fast.enable()


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
            dz = dz.dense() if isinstance(dz, LazyGradient) else dz
            arrays = (one for one in (dz, node.output, *node.arrays) if isinstance(one, np.ndarray))
            self.given = [(array, array.tobytes()) for array in arrays]


def _poisoned(make: Any) -> Any:
    @functools.wraps(make)
    def poisoned(*given: Any, **options: Any) -> Any:
        array = make(*given, **options)
        if array.dtype.kind in "fiub":
            array.fill(np.nan if array.dtype.kind == "f" else 97)
        return array

    poisoned.__module__ = __name__
    return poisoned


def table(counts: Counter[tuple[str, str]]) -> str:
    """How many cases took each side of each threshold."""
    lines = [f"{'threshold':42}{'below':>12}{'above':>12}"]
    for name in THRESHOLDS:
        lines.append(f"{name:42}{counts[name, 'below']:12,}{counts[name, 'above']:12,}")
    return "\n".join(lines)


def untried(counts: Counter[tuple[str, str]]) -> list[str]:
    """The sides that no case took."""
    sides = [(name, side) for name in THRESHOLDS for side in ("below", "above") if places(name)[1]]
    return [f"no case was {side} {name}" for name, side in sides if not counts[name, side]]
