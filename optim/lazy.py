"""Lazy updates: rows of a table that a batch does not use are updated only when they are next read.

Adam and momentum move a row even if its gradient is 0, because their running means decay over many
steps. Moving all 10,000 word vectors at every step would take longer than the rest of the step.
With lazy updates, a row's missed steps remain pending, and the row catches up on all of them at
once. Each missed step moves the row by its running means times factors that depend only on the
step. The factors can therefore be summed over the steps.
"""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from minigrad.gates.table import Table, writable
from minigrad.graph import Array
from minigrad.support.arrays import distinct_ids

Arrays = Sequence[Array]
BLOCK = 1024  # rows that catch up together; fewer are not faster
EARLY = 4  # all rows catch up after each of the first EARLY steps (a power of 2)
LATE = 4096  # later, all rows catch up after every LATE steps
NEGLIGIBLE = 1e-9  # a value that has decayed by this factor has no effect
DENORMAL = 1e-20  # smaller powers become 0, because they would lead to slow denormal numbers
# prevents two threads that read a table from applying a row's updates twice
_CATCHING_UP = threading.Lock()


def all_catch_up(t: int) -> bool:
    """Return whether all rows catch up after step t. They do so after each of the first 4 steps,
    then EARLY / 2 times each time t doubles, and finally every LATE steps.

    The factors of early steps differ too much to be summed over many steps. Later, catching up
    keeps the sums from growing without limit.
    """
    return t % min(max((1 << t.bit_length()) // EARLY, 1), LATE) == 0


class PendingRows:
    """A table's pending updates, and the number of the last step applied to each row.

    All pending steps use the settings, such as momentum, that the optimizer had when this object
    was created. `rule` stores a copy of these settings. If the settings change, the optimizer
    creates a new PendingRows.
    """

    def __init__(self, optimizer: Any, path: str) -> None:
        self.rule, self.settings = copy(optimizer), optimizer.settings()
        # use Python floats, because NumPy's float32 would round the sums
        vars(self.rule).update(self.settings)
        # missed steps beyond the window change only the slots
        self.window = self.rule.lazy_window() or 0
        self.table = cast(Table, optimizer.parameters()[path].node)
        self.slots = list(optimizer.state[path].values())
        t = optimizer.steps[path]
        self.first = self.t = t
        rows = len(self.table.stored)
        self.up_to = np.full(rows, t, np.int64)  # the last step applied to each row
        at_rest = ~np.any([slot.reshape(rows, -1).any(axis=1) for slot in self.slots], axis=0)
        # rows whose slots are all 0 do not change until they get a gradient
        self.up_to[at_rest] = np.iinfo(self.up_to.dtype).max
        # Row i contains the sums of the terms of all steps after step first + i. All rows catch up
        # after at most LATE steps.
        self.sums = np.zeros((0, 0))

    def count_step(self, lr: float, touched: Array) -> None:
        """Count a step that updated the rows `touched`. These rows were up to date before the step.
        All other rows missed the step.
        """
        self.t += 1
        self.up_to[touched] = self.t
        size = self.t - self.first
        # The terms of this step for rows that have missed ..., 3, 2, 1 steps, including this step.
        terms = self.rule.pending_terms(np.arange(min(size, self.window), 0.0, -1.0), lr, self.t)
        if not len(self.sums):
            self.sums = np.zeros((LATE, len(terms)))
        for total, term in zip(self.sums.T, terms, strict=True):
            total[size - len(term) : size] += term

    def state(self) -> dict[str, Array]:
        """Return the pending updates and the stored table. `load_state` restores exactly this
        state.
        """
        oldest = self.up_to.min() - self.first  # no row needs the terms of earlier steps
        sums = self.sums[oldest : self.t - self.first].T.copy()
        return {"table": self.table.stored.copy(), "up_to": self.up_to.copy(), "sums": sums}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Restore the stored table and its pending updates. The slots and `t` must be from the same
        step.
        """
        self.up_to[...] = state["up_to"]
        sums = state["sums"].T  # empty for a rule without terms
        self.first = self.t - len(sums)
        if len(sums):
            self.sums = np.concatenate([sums, np.zeros((LATE, sums.shape[1]))])
        self.table.write(lambda stored: stored.__setitem__(..., state["table"]))
        self.table.pending = self

    def stale(self) -> Array:
        """Return the indices of the rows that are not up to date."""
        return np.flatnonzero(self.up_to < self.t)

    def catch_up(self, rows: Array | None) -> None:
        """Bring these rows of the table up to date, or all rows if `rows` is None. A Table calls
        this method before it is read.
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
                # no row needs the terms of earlier steps
                self.first, self.sums = self.t, np.zeros((0, 0))

    def _catch_up(self, stored: Array, stale: Array) -> None:
        since = self.up_to[stale]
        column = (-1, *[1] * (stored.ndim - 1))
        missed = (self.t - since).reshape(column).astype(np.float64)
        # `take` rejects int64 on 32-bit platforms such as WebAssembly
        places = (since - self.first).astype(np.intp, copy=False)
        totals = self.sums.take(places, axis=0).T if self.sums.size else ()
        sums = tuple(total.reshape(column) for total in totals)
        change_rows(
            stored, self.slots, stale, lambda p, slots: self.rule.catch_up(p, slots, missed, sums)
        )


def change_rows(
    table: Array, slots: Arrays, rows: Array, change: Callable[[Array, list[Array]], None]
) -> None:
    """Apply `change(p, slots)`, which changes its arguments in place, to these rows of the table
    and its slots.
    """
    whole = [table, *slots]
    parts = [array.take(rows, axis=0) for array in whole]
    change(parts[0], parts[1:])
    for array, part in zip(whole, parts, strict=True):
        array[rows] = part


def pending_parts(state: Mapping[str, Array], path: str) -> dict[str, Array]:
    """Return a parameter's `PendingRows.state` from an optimizer's raw state, or {} if nothing is
    pending.
    """
    names = {part: f"pending {part}/{path}" for part in ("table", "up_to", "sums")}
    return {part: state[name] for part, name in names.items() if name in state}


def fade_out(factor: float) -> int:
    """Return the number of steps after which a value is NEGLIGIBLE if each step multiplies it by
    `factor`.

    >>> fade_out(0.9)
    197
    """
    return math.ceil(math.log(NEGLIGIBLE) / math.log(factor)) if factor > 0 else 0


def faded(factor: float, missed: NDArray[np.float64], dtype: np.dtype[Any]) -> Array:
    """Return `factor` to the power `missed`, or 0 if the result is below DENORMAL."""
    power = factor**missed
    power[power < DENORMAL] = 0.0
    return power.astype(dtype)
