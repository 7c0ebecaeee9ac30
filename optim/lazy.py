"""Lazy updates: rows of a table that a batch does not use are updated later, at the latest when they
are next read.

Adam and momentum move a row even if its gradient is 0, because their running means decay over many
steps. Moving all 10,000 word vectors at every step would take longer than the rest of the step.
With lazy updates, a row's missed steps remain pending, and the row catches up on all of them at
once. Each missed step moves the row by its running means times factors that depend only on the
step. The factors can therefore be summed over the steps.
"""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from functools import partial
from typing import Any

import numpy as np

from minigrad.gates.table import Table, writable
from minigrad.graph import Array, Node
from minigrad.support.arrays import distinct_ids

Arrays = Sequence[Array]
BLOCK = 1024  # rows that catch up together; fewer are not faster
EARLY = 4  # all rows catch up after each of the first EARLY steps (a power of 2)
LATE = 4096  # later, all rows catch up after every LATE steps
NEGLIGIBLE = 1e-9  # a value that has decayed by this factor has no effect
DENORMAL = 1e-20  # smaller powers become 0, because they would lead to slow denormal numbers
# prevents two threads that read a table from applying a row's updates twice
_CATCHING_UP = threading.Lock()


class PendingRows:
    """A table's pending updates, and the number of the last step applied to each row.

    All pending steps use the settings, such as momentum, that the optimizer had when this object
    was created. `rule` stores a copy of these settings. If the settings change, the optimizer
    creates a new PendingRows.
    """

    def __init__(
        self,
        optimizer: Any,
        path: str,
    ) -> None:
        self.rule = copy(optimizer)
        self.settings = optimizer.settings()
        # use Python floats, because NumPy's float32 would round the sums
        vars(self.rule).update(self.settings)
        # missed steps beyond the window change only the slots
        self.window = self.rule.lazy_window()
        self.names = pending_names(path)
        self.table: Table = optimizer.parameters()[path].node
        self.slots = list(optimizer.state[path].values())
        self.first = self.t = optimizer.steps[path]
        rows = len(self.table.stored)
        self.up_to = np.full(rows, self.t, np.int64)  # the last step applied to each row
        at_rest = np.ones(rows, bool)
        for slot in self.slots:
            at_rest &= ~slot.reshape(rows, -1).any(axis=1)
        # rows whose slots are all 0 do not change until they get a gradient
        self.up_to[at_rest] = np.iinfo(np.int64).max
        # Row i contains the sums of the terms of all steps after step first + i. All rows catch up
        # after at most LATE steps.
        self.sums = np.zeros((0, 0))

    def step(
        self,
        lr: float,
        ids: Array,
        change: Callable[..., None],
    ) -> None:
        """Call `change` with the rows `ids` of the table and its slots, after bringing them up to
        date. All other rows miss this step, except that all rows catch up at some steps.

        The factors of early steps differ too much to be summed over many steps, so all rows catch up
        after each of the first EARLY steps, then EARLY / 2 times each time t doubles. Finally, they
        catch up every LATE steps, because otherwise the sums would grow without limit.
        """
        power = 1 << self.t.bit_length()
        period = min(max(power // EARLY, 1), LATE)
        self.catch_up(ids if self.t % period else None)

        def write(stored: Array) -> None:
            change_rows(
                [stored, *self.slots],
                ids,
                change,
            )

        self.table.write(write)
        self.t += 1
        self.up_to[ids] = self.t
        size = self.t - self.first
        # The terms of this step for rows that have missed ..., 3, 2, 1 steps, including this step.
        most = min(size, self.window)
        missed = np.arange(most, 0.0, -1.0)
        terms = self.rule.pending_terms(missed, lr, self.t)
        if not len(self.sums):
            self.sums = np.zeros((LATE, len(terms)))
        for total, term in zip(self.sums.T, terms, strict=True):
            total[size - len(term) : size] += term
        self.table.pending = self

    def state(self) -> dict[str, Array]:
        """Return the pending updates and the stored table, or {} if no updates are pending.
        `load_state` restores exactly this state.
        """
        if self.table.pending is not self or not self._stale().size:
            return {}
        oldest = self.up_to.min() - self.first  # no row needs the terms of earlier steps
        newest = self.t - self.first
        arrays = [
            self.table.stored,
            self.up_to,
            self.sums[oldest:newest].T,
        ]
        return {name: array.copy() for name, array in zip(self.names, arrays, strict=True)}

    def load_state(
        self,
        state: Mapping[str, Array],
    ) -> None:
        """Restore the stored table and its pending updates. The slots and `t` must be from the same
        step.
        """
        table, up_to, sums = (state[name] for name in self.names)
        self.up_to[...] = up_to
        terms, steps = sums.shape
        self.first = self.t - steps
        if steps:
            self.sums = np.zeros((steps + LATE, terms))
            self.sums[:steps] = sums.T
        self.table.write(partial(np.copyto, src=table))
        self.table.pending = self

    def applied(self, rows: Any = ...) -> Array:
        """Return a copy of these rows with all updates. The table itself stays as it is."""
        done = copy(self)
        done.table = Table(self.table.stored[rows].copy())
        done.slots = [slot[rows].copy() for slot in self.slots]
        done.up_to = self.up_to[rows].copy()
        done.catch_up(None)
        return done.table.stored

    def _stale(self) -> Array:
        """Return the indices of the rows that are not up to date."""
        return np.flatnonzero(self.up_to < self.t)

    def catch_up(self, rows: Array | None) -> None:
        """Bring these rows of the table up to date, or all rows if `rows` is None. A Table calls
        this method before it is read.
        """
        with _CATCHING_UP:
            if rows is None:
                stale = self._stale()
            else:
                rows = np.asarray(rows).reshape(-1)
                stale = rows[self.up_to[rows] < self.t]
                if not stale.size:
                    return
                stale, _ = distinct_ids(stale, len(self.up_to))
            with writable(self.table.stored):
                for start in range(0, stale.size, BLOCK):
                    block = stale[start : start + BLOCK]
                    self._catch_up(block)
                    self.up_to[block] = self.t
            if rows is None:
                # no row needs the terms of earlier steps
                self.first = self.t
                self.sums = np.zeros((0, 0))

    def _catch_up(self, stale: Array) -> None:
        stored = self.table.stored
        since = self.up_to[stale]
        width = [1] * (stored.ndim - 1)
        missed = (self.t - since).reshape(-1, *width).astype(np.float64)
        sums: Arrays = ()
        if self.sums.size:
            totals = self.sums[since - self.first]
            sums = [total.reshape(-1, *width) for total in totals.T]

        def change(p: Array, *slots: Array) -> None:
            self.rule.catch_up(p, slots, missed, sums)

        change_rows([stored, *self.slots], stale, change)


def values(leaf: Node, rows: Any = ...) -> Array:
    """Return a copy of a leaf's array, or of some rows. Unlike reading `leaf.output`, this does not
    apply the pending updates to the leaf, so the last bits of a run stay the same.
    """
    pending = getattr(leaf, "pending", None)
    if pending is None:
        return np.array(leaf.output[rows])
    return np.asarray(pending.applied(rows))


def duplicate(optimizer: Any) -> Any:
    """Return a copy of an optimizer with its own parameters, whose updates are pending as well."""
    memo: dict[int, Any] = {id(optimizer.pending): {}}
    for tensor in optimizer.parameters().values():
        node = tensor.node
        if getattr(node, "pending", None) is not None:
            memo[id(node)] = Table(
                node.stored.copy(),
                node.requires_grad,
                node.name,
            )
    twin = deepcopy(optimizer, memo)
    if optimizer.pending:
        twin.load_state_dict(optimizer.raw_state())
    return twin


def change_rows(
    arrays: Arrays,
    rows: Array,
    change: Callable[..., None],
) -> None:
    """Call `change` with these rows of each array, which it changes in place."""
    parts = [array.take(rows, axis=0) for array in arrays]
    change(*parts)
    for array, part in zip(arrays, parts, strict=True):
        array[rows] = part


def pending_names(path: str) -> list[str]:
    """Return the names, in an optimizer's raw state, of a parameter's pending updates."""
    return [f"pending {part}/{path}" for part in ("table", "up_to", "sums")]


def fade_out(factor: float) -> int:
    """Return the number of steps after which a value is NEGLIGIBLE if each step multiplies it by
    `factor`.

    >>> fade_out(0.9)
    197
    """
    if factor == 0:
        return 0
    return math.ceil(math.log(NEGLIGIBLE) / math.log(factor))


def faded(
    factor: float,
    missed: Array,
    dtype: Any,
) -> Array:
    """Return `factor` to the power `missed`, or 0 if the result is below DENORMAL."""
    power = np.power(factor, missed)
    power[power < DENORMAL] = 0.0
    return power.astype(dtype)
