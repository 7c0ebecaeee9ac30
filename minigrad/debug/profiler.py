"""A profiler that shows where a program spends its time, by gate, scope and pass.

It adds no overhead when it is off, because `context.OBSERVERS` is then empty.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from time import perf_counter
from typing import Any, Self

from ..context import ANY_STEP, OBSERVERS, ON_GRADIENT, SCOPE, Scope, setting, step_number
from ..errors import OptionError
from ..gate import Gate
from ..graph import Node
from ..support.text import table

Charge = tuple["Times", str]  # the row and the column to which time is added


@dataclass(eq=False)
class Times:
    """The number of calls and the total time for one type of gate in one scope, or for a leaf."""

    scope: str
    gate: str = ""
    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    other: float = 0.0  # time outside gates

    @property
    def seconds(self) -> float:
        """The total seconds."""
        return self.forward + self.backward + self.other


class profile:
    """Time each gate within this block, by scope and pass, and print a table.

    All time steps share a row, such as rnn/t*. Two rows at the end show the time for ordering the
    graph in `backward`, and the time outside of gates (layers, the optimizer, your program). The
    rows add up to the total time of the block, excluding the profiler's own time.

    >>> import minigrad as mg
    >>> x = mg.Tensor([[1.0, 2.0]], requires_grad=True, name="x")
    >>> with mg.profile() as p:
    ...     mg.tanh(x).sum().backward()
    scope  gate  calls  forward ms  backward ms  ms  share
    ---...
    >>> [(row.gate, row.calls) for row in sorted(p.rows, key=lambda row: row.gate)]
    [('Sum', 1), ('Tanh', 1), ('x', 0)]

    `p.rows` contains the numbers, and `print(p)` prints the table again. Gates in other threads are
    not counted. `clock` is a function that returns the time in seconds. On a busy machine, pass
    `time.thread_time`, which counts only this thread's CPU time.

    A gate's time includes recording its node and, in the backward pass, adding gradients. If
    several gates use a parameter, the products aᵀ @ dz for its gradient are computed together at
    the end. Their time is shown in the leaf's row.

    Errors: OptionError if a profile is already open (MG740).

    Since: 0.1.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._rows: dict[tuple[Scope, str], Times] = {}
        self.sweeping = Times("(ordering the graph)")
        self.outside = Times("(outside of gates)")

    @property
    def rows(self) -> list[Times]:
        """The rows, one for each gate and scope, slowest first."""
        return sorted(set(self._rows.values()), key=lambda row: (-row.seconds, row.scope, row.gate))

    # ---- while the profile is open ----

    def __enter__(self) -> Self:
        if OBSERVERS:
            raise OptionError(
                "MG740",
                "a profile is already running, and only one can run at a time",
                cause="two profiles would time each other, even in different threads, because "
                "all threads share the gates",
                remedy="leave out the inner mg.profile(); the outer profile shows each scope in "
                "separate rows",
            )
        OBSERVERS.append(self)
        self._thread = threading.get_ident()
        self._current: Charge = (self.outside, "other")
        self._since = self._clock()
        return self

    def __exit__(self, *error: object) -> None:
        self._charge_to(self._current)
        OBSERVERS.remove(self)
        if error[0] is None:
            print(self)

    @contextmanager
    def watch_call(self, gate: Gate) -> Iterator[None]:
        """Time a gate call."""
        if threading.get_ident() != self._thread:
            yield
            return
        row = self._row(gate.name, SCOPE.get())
        row.calls += 1
        before = self._charge_to((row, "forward"))
        try:
            yield
        finally:
            self._charge_to(before)

    @contextmanager
    def watch_backward(self, root: Node) -> Iterator[None]:
        """Time a backward pass."""
        if threading.get_ident() != self._thread:
            yield
            return
        before = self._charge_to((self.sweeping, "other"))
        try:
            with setting(ON_GRADIENT, self._watching(ON_GRADIENT.get())):
                yield
        finally:
            self._charge_to(before)

    def _watching(self, watch: Callable[[Node, Any], None] | None) -> Callable[[Node, Any], None]:
        """Return a hook that the sweep calls before each rule and each leaf.

        The hook also calls `watch`, the hook that was set before.
        """

        def on_gradient(node: Node, dz: Any) -> None:
            if node.gate is None:  # the sweep computes a leaf's products aᵀ @ dz next
                row = self._row(node.name or "unnamed", ("(leaves)",))
            else:
                row = self._row(node.gate.name, node.scope)
            self._charge_to((row, "backward"))
            if watch is not None:
                watch(node, dz)

        return on_gradient

    def _row(self, gate: str, scope: Scope) -> Times:
        row = self._rows.get((scope, gate))
        if row is None:
            place = tuple(name if step_number(name) is None else ANY_STEP for name in scope)
            label = "/".join(place) or "(top level)"
            row = self._rows.setdefault((place, gate), Times(label, gate))
            self._rows[scope, gate] = row
        return row

    def _charge_to(self, following: Charge) -> Charge:
        """Add the time since the last call to the current charge, and switch to `following`.

        Returns the previous charge.
        """
        took = self._clock() - self._since
        row, column = before = self._current
        setattr(row, column, getattr(row, column) + took)
        self._current, self._since = following, self._clock()
        return before

    # ---- the table ----

    def __str__(self) -> str:
        shown = [*self.rows, self.sweeping, self.outside]
        _, _, *totals = zip(*map(astuple, shown), strict=True)
        total = Times("total", "", *map(sum, totals))
        lines = []
        for row in [*shown, total]:
            times = (row.forward, row.backward, row.seconds)
            cells = [f"{1000 * one:,.3f}" if one else "" for one in times]
            share = f"{row.seconds / total.seconds:.1%}" if total.seconds else ""
            calls = f"{row.calls:,}" if row.calls else ""
            lines.append([row.scope, row.gate, calls, *cells, share])
        head = ["scope", "gate", "calls", "forward ms", "backward ms", "ms", "share"]
        return table(head, lines[:-1], lines[-1], names=2)
