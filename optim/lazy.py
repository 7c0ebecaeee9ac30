"""Lazy updates: the updates of a table's rows that no batch touches stay pending until the rows are
read.

With gradient 0 a rule with memory still moves a row (the running means of Adam and momentum decay
over many steps), and doing that to all 10,000 word vectors at every step costs more than the rest
of the step. Here the steps that a row has missed stay pending, and the row catches up with all of
them at once. With g = 0, each of these steps moves the row by its running means times factors that
depend on the step alone, and such factors can be added up over the steps.
"""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from minigrad.fast.kernels import distinct_ids
from minigrad.fast.table import Table, writable
from minigrad.graph import Array

Arrays = Sequence[Array]
BLOCK = 1024  # this many rows catch up at a time, so that their copies fit into the cache
EARLY = 4  # all rows catch up after each of the first EARLY steps (a power of 2), ...
LATE = 4096  # ... and in the end after every LATE steps
NEGLIGIBLE = 1e-9  # a value that has decayed to this part of what it was moves nothing any more
DENORMAL = 1e-20  # smaller powers become 0: as factors they would only make slow denormal numbers
# two threads that read a table must not apply a row's updates twice
_CATCHING_UP = threading.Lock()


def all_catch_up(t: int) -> bool:
    """Whether all rows catch up after step t: the first 4, then EARLY / 2 times while t doubles,
    then every LATE steps.

    Early steps differ too much for sums over many of them. Later ones would make the sums longer
    and longer.
    """
    return t % min(max((1 << t.bit_length()) // EARLY, 1), LATE) == 0


class PendingRows:
    """The pending updates of one table: which step each row is up to date with.

    All these steps are made with the optimizer's settings (momentum, ...) of now, of which `rule`
    keeps a copy. Whoever makes a step with other settings makes new PendingRows.
    """

    def __init__(self, optimizer: Any, path: str) -> None:
        self.rule, self.settings = copy(optimizer), optimizer.settings()
        # these are Python's numbers: NumPy's float32 would round the sums
        vars(self.rule).update(self.settings)
        self.window = self.rule.lazy_window() or 0  # what is missed longer changes only the slots
        self.table = cast(Table, optimizer.parameters()[path].node)
        self.slots = list(optimizer.state[path].values())
        t = optimizer.steps[path]
        self.first = self.t = t
        rows = len(self.table.stored)
        self.up_to = np.full(rows, t, np.int64)  # the step that each row is up to date with
        at_rest = ~np.any([slot.reshape(rows, -1).any(axis=1) for slot in self.slots], axis=0)
        # slots all 0: such rows rest until touched
        self.up_to[at_rest] = np.iinfo(self.up_to.dtype).max
        # in row i: the terms of all steps after step first + i, added up; after at most LATE steps
        # all rows catch up
        self.sums = np.zeros((0, 0))

    def count_step(self, lr: float, touched: Array) -> None:
        """Count a step that updated the rows `touched`, which were up to date before; all other
        rows missed it.
        """
        self.t += 1
        self.up_to[touched] = self.t
        size = self.t - self.first
        # The terms of this step for rows that have missed ..., 3, 2, 1 steps with it.
        terms = self.rule.pending_terms(np.arange(min(size, self.window), 0.0, -1.0), lr, self.t)
        if not len(self.sums):
            self.sums = np.zeros((LATE, len(terms)))
        for total, term in zip(self.sums.T, terms, strict=True):
            total[size - len(term) : size] += term

    def state(self) -> dict[str, Array]:
        """What is pending, and the table as stored: all that `load_state` needs for an exact
        continuation.
        """
        oldest = self.up_to.min() - self.first  # no row needs the terms before it any more
        sums = self.sums[oldest : self.t - self.first].T.copy()
        return {"table": self.table.stored.copy(), "up_to": self.up_to.copy(), "sums": sums}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Put the table back as it was stored; the slots and `t` must be those of the same step."""
        self.up_to[...] = state["up_to"]
        sums = state["sums"].T  # a rule without terms has none
        self.first = self.t - len(sums)
        if len(sums):
            self.sums = np.concatenate([sums, np.zeros((LATE, sums.shape[1]))])
        self.table.write(lambda stored: stored.__setitem__(..., state["table"]))
        self.table.pending = self

    def stale(self) -> Array:
        """The rows that are not up to date."""
        return np.flatnonzero(self.up_to < self.t)

    def catch_up(self, rows: Array | None) -> None:
        """Bring these rows of the table up to date, or all (None). A Table calls this before it is
        read.
        """
        with _CATCHING_UP:
            if rows is None:
                stale = self.stale()
            else:
                rows = np.asarray(rows).reshape(-1)
                stale = rows[self.up_to[rows] < self.t]
                if not stale.size:
                    return
                stale, _ = distinct_ids(stale, len(self.up_to))
            stored = self.table.stored
            with writable(stored):
                for start in range(0, stale.size, BLOCK):
                    block = stale[start : start + BLOCK]
                    self._catch_up(stored, block)
                    self.up_to[block] = self.t
            if rows is None:
                # no row needs the terms of earlier steps any more
                self.first, self.sums = self.t, np.zeros((0, 0))

    def _catch_up(self, stored: Array, stale: Array) -> None:
        since = self.up_to[stale]
        column = (-1, *[1] * (stored.ndim - 1))
        missed = (self.t - since).reshape(column).astype(np.float64)
        # `take` refuses int64 where addresses have 32 bits, as in WebAssembly
        places = (since - self.first).astype(np.intp, copy=False)
        totals = self.sums.take(places, axis=0).T if self.sums.size else ()
        sums = tuple(total.reshape(column) for total in totals)
        change_rows(
            stored, self.slots, stale, lambda p, slots: self.rule.catch_up(p, slots, missed, sums)
        )


def change_rows(
    table: Array, slots: Arrays, rows: Array, change: Callable[[Array, list[Array]], None]
) -> None:
    """Apply `change(p, slots)`, which works in place, to these rows."""
    whole = [table, *slots]
    parts = [array.take(rows, axis=0) for array in whole]
    change(parts[0], parts[1:])
    for array, part in zip(whole, parts, strict=True):
        array[rows] = part


def pending_parts(state: Mapping[str, Array], path: str) -> dict[str, Array]:
    """The `PendingRows.state` of a parameter, taken from an optimizer's raw state; empty if nothing
    is pending.
    """
    names = {part: f"pending {part}/{path}" for part in ("table", "up_to", "sums")}
    return {part: state[name] for part, name in names.items() if name in state}


def fade_out(factor: float) -> int:
    """The number of steps after which a value multiplied by `factor` at each is NEGLIGIBLE.

    >>> fade_out(0.9)
    197
    """
    return math.ceil(math.log(NEGLIGIBLE) / math.log(factor)) if factor > 0 else 0


def faded(factor: float, missed: NDArray[np.float64], dtype: np.dtype[Any]) -> Array:
    """`factor` to the power of the steps missed, and 0 below DENORMAL."""
    power = factor**missed
    power[power < DENORMAL] = 0.0
    return power.astype(dtype)
