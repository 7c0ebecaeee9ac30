"""Lazy updates: what an optimizer would do to the rows of a table that no batch touches, put off until they are read.

With gradient 0 a rule with memory still moves a row (Adam's and momentum's running means fade over many steps), and
doing that to all 10,000 word vectors at every step costs more than all else in it. Here the steps that a row missed
stay pending, and the row catches up with all of them at once: with g = 0 a step multiplies its running means by
factors that depend on the step alone, and such factors can be added up over the steps.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from minigrad.arrays import Array, distinct_ids
from minigrad.table import Table, writable

Sums = tuple[NDArray[np.float64], ...]
BLOCK = 1024  # rows caught up with at a time: the copies that this takes stay small, and within the cache
_CATCHING_UP = threading.Lock()  # threads that read a table beside each other must not both catch up with a row


class LazyRule(Protocol):
    """What a rule must know to leave rows pending."""

    def pending_terms(self, missed: NDArray[np.float64], lr: float, t: int) -> Sums:
        """The factors of step t for rows that have by then missed so many steps in a row, this one included."""

    def catch_up(self, p: Array, slots: Sequence[Array], missed: NDArray[np.float64], sums: Sums) -> None:
        """Do to the rows p and their slots, in place, what the missed steps would have done.

        `missed` (n, 1, ...) is their number, `sums` the terms of those steps, added up, for each row.
        """


def _growing_steps(limit: int) -> Iterator[int]:
    """Steps below `limit`, each about an eighth later than the one before: 1, 2, ..., 16, 18, 20, ..."""
    t = 1
    while t < limit:
        yield t
        t += max(1, t // 8)


FULL_CATCH_UPS = frozenset([*_growing_steps(256), *(1 << n for n in range(8, 60))])
"""The steps after which all rows are caught up with: early steps differ too much for sums over many of them."""


class PendingRows:
    """The rows of one table, each of them up to date with a step of its own.

    `rule` is the optimizer, `slots` its arrays for the table, `t` the number of steps made so far, `window` the number
    of missed steps after which further ones change nothing but the slots.
    """

    def __init__(self, rule: LazyRule, slots: Sequence[Array], rows: int, t: int, window: int) -> None:
        self.rule, self.slots, self.window = rule, slots, window
        self.first = self.t = t
        self.up_to = np.full(rows, t)  # the step that each row is up to date with
        at_rest = ~np.any([slot.reshape(rows, -1).any(axis=1) for slot in slots], axis=0)
        self.up_to[at_rest] = np.iinfo(self.up_to.dtype).max  # where all slots are 0 nothing moves until it is touched
        self.sums: Sums = ()  # the terms of all steps after first, first + 1, ..., t - 1

    def count_step(self, lr: float, touched: Array | slice = slice(None)) -> None:
        """Note a step in which the rows touched, which were up to date, were updated; all others missed it."""
        self.t += 1
        self.up_to[touched] = self.t
        start = max(self.first, self.t - self.window)
        missed = np.arange(self.t - start, 0.0, -1.0)
        terms = self.rule.pending_terms(missed, lr, self.t)
        size = self.t - self.first
        if not self.sums or len(self.sums[0]) < size:
            grown = tuple(np.zeros(max(1024, 2 * size)) for _ in terms)
            for new, old in zip(grown, self.sums, strict=False):
                new[: len(old)] = old
            self.sums = grown
        for total, term in zip(self.sums, terms, strict=True):
            total[start - self.first : size] += term

    def state(self, table: Table) -> dict[str, Array]:
        """What is pending, and the table as it lies: all that `load_state` needs to go on as if without a break."""
        sums = np.array([total[: self.t - self.first] for total in self.sums])
        return {"table": table.stored.copy(), "up_to": self.up_to.copy(), "sums": sums}

    def load_state(self, table: Table, state: Mapping[str, Array]) -> None:
        """Put the table back as it lay; the slots and `t` are those of the same moment."""
        self.up_to[...] = state["up_to"]
        self.sums = tuple(state["sums"].copy())
        self.first = self.t - state["sums"].shape[-1]  # a rule without terms has no sums, and needs no beginning
        table.write(lambda stored: stored.__setitem__(..., state["table"]))
        table.pending = self

    def stale(self) -> Array:
        """The rows that are not up to date."""
        return np.flatnonzero(self.up_to < self.t)

    def catch_up(self, table: Table, rows: Array | None) -> None:
        """Bring rows of the table up to date, or all of them (None): what a Table calls before it is read."""
        with _CATCHING_UP:
            if rows is None:
                stale = self.stale()
            else:
                rows = np.asarray(rows).reshape(-1)
                stale = rows[self.up_to[rows] < self.t]
            if not stale.size:
                return
            if rows is not None:
                stale, _ = distinct_ids(stale, len(self.up_to))
            with writable(table.stored):
                for start in range(0, stale.size, BLOCK):
                    self._catch_up(table.stored, stale[start : start + BLOCK])
            self.up_to[stale] = self.t

    def _catch_up(self, stored: Array, stale: Array) -> None:
        since = self.up_to[stale]
        column = (-1, *[1] * (stored.ndim - 1))
        missed = (self.t - since).reshape(column).astype(np.float64)
        sums = tuple(total[since - self.first].reshape(column) for total in self.sums)
        change_rows(stored, self.slots, stale, lambda p, own: self.rule.catch_up(p, own, missed, sums))


def change_rows(
    table: Array, slots: Sequence[Array], rows: Array, change: Callable[[Array, list[Array]], None]
) -> None:
    """`change(p, slots)` in place, for those rows of a table and its slots alone."""
    p, *taken = [whole.take(rows, axis=0) for whole in [table, *slots]]
    change(p, taken)
    for whole, part in zip([table, *slots], [p, *taken], strict=True):
        whole[rows] = part


def is_pending(name: str) -> bool:
    """Whether an array of an optimizer's exact state says what is pending. Version 0.1 wrote "idle" for "pending"."""
    return name.startswith(("pending ", "idle "))


def pending_parts(state: Mapping[str, Array], path: str) -> dict[str, Array]:
    """What `PendingRows.state` gave for a parameter, out of an optimizer's exact state; empty if nothing is pending."""
    names = {f"{word} {part}/{path}": part for word in ("pending", "idle") for part in ("table", "up_to", "sums")}
    return {part: state[name] for name, part in names.items() if name in state}


def fade_out(factor: float) -> int:
    """The number of steps after which what fades by `factor` at each is below 1e-9 of what it was.

    >>> fade_out(0.9)
    197
    """
    return math.ceil(math.log(1e-9) / math.log(factor)) if factor > 0 else 0


def faded(factor: float, missed: NDArray[np.float64], dtype: np.dtype[Any]) -> Array:
    """`factor` to the power of the steps missed, and 0 below 1e-20: what is left would only become slow denormals."""
    power = factor**missed
    power[power < 1e-20] = 0.0
    return power.astype(dtype)
