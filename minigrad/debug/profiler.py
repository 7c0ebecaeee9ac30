"""A profiler: where a program spends its time, by gate and scope, forward and backward.

It costs nothing when off: gates and backward passes call `context.OBSERVERS`, which is empty then.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Self

from ..context import ANY_STEP, OBSERVERS, ON_GRADIENT, SCOPE, Scope, setting, step_number
from ..errors import OptionError
from ..gate import Gate
from ..graph import Node
from ..support.text import table
from ..tensor import Tensor, as_tensors

Charge = tuple["Row", str]  # where time is counted: a row and one of its columns


@dataclass(eq=False)
class Row:
    """One kind of gate in one scope, or a leaf: how often it was called, and the seconds of all
    calls together.
    """

    scope: str
    gate: str = ""
    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    other: float = 0.0  # for what is not a gate

    @property
    def seconds(self) -> float:
        """The total time."""
        return self.forward + self.backward + self.other


class profile:
    """Time what runs within this block, by gate and scope, forward and backward, and print a table
    at its end.

    Time steps share a row: rnn/t*. Two rows at the end are for the rest: ordering a graph for
    `backward`, and all that runs between gates (layers, the optimizer, the program itself). The
    rows add up to the time of the block, except
    for what the timing itself takes.

    >>> import minigrad as mg
    >>> x = mg.Tensor([[1.0, 2.0]], requires_grad=True, name="x")
    >>> with mg.profile() as p:
    ...     mg.tanh(x).sum().backward()
    scope  gate  calls  forward ms  backward ms  ms  share
    ---...
    >>> [(row.gate, row.calls) for row in sorted(p.rows, key=lambda row: row.gate)]
    [('Sum', 1), ('Tanh', 1), ('x', 0)]

    `p.rows` holds the figures, and `print(p)` shows the table again. Gates of other threads are not
    counted. `clock` returns seconds. On a busy machine, `time.thread_time` is better: it counts
    only the time in which this thread computes.

    The time of a gate includes recording its node, and in the backward pass adding up gradients. If
    many gates use a parameter, the products aᵀ @ dz for its gradient are computed together at the
    end, and counted for the leaf.
    Errors: OptionError if a profile is open already (MG740).
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._rows: dict[tuple[Scope, str], Row] = {}
        self.sweeping = Row("(ordering the graph)")
        self.outside = Row("(outside of gates)")

    @property
    def rows(self) -> list[Row]:
        """One row for each gate and scope, the slowest first."""
        return sorted(set(self._rows.values()), key=lambda row: (-row.seconds, row.scope, row.gate))

    # ---- while it is open ----

    def __enter__(self) -> Self:
        if OBSERVERS:
            raise OptionError(
                "MG740",
                "a profile is open already, and there can be one at a time",
                cause="two would time each other, even in different threads, because all threads "
                "share the gates",
                remedy="leave out the inner mg.profile(): the rows of the outer one tell scopes "
                "apart",
            )
        OBSERVERS.append(self)
        self._thread = threading.get_ident()
        self._inside = False  # a gate whose time is being taken is called now
        self._current: Charge = (self.outside, "other")
        self._since = self._clock()
        return self

    def __exit__(self, *error: object) -> None:
        self._charge_to(self._current)
        OBSERVERS.remove(self)
        if error[0] is None:
            print(self)

    def call(self, gate: Gate, inputs: tuple[Any, ...]) -> Tensor | None:
        """Time a gate's call. Called once more from inside it, it returns None, and the gate does
        its work.
        """
        if self._inside or threading.get_ident() != self._thread:
            self._inside = False
            return None
        tensors = as_tensors(inputs)
        row = self._row(gate.name, SCOPE.get())
        row.calls += 1
        before = self._charge_to((row, "forward"))
        self._inside = True
        try:
            return gate(*tensors)
        finally:
            self._charge_to(before)

    def sweep(self, run: Callable[[], Any]) -> Any:
        """Time a backward pass."""
        if threading.get_ident() != self._thread:
            return run()
        before = self._charge_to((self.sweeping, "other"))
        try:
            with setting(ON_GRADIENT, self._watching(ON_GRADIENT.get())):
                return run()
        finally:
            self._charge_to(before)

    def _watching(self, watch: Callable[[Node, Any], None] | None) -> Callable[[Node, Any], None]:
        """A hook that the sweep calls before each rule and each leaf. It calls `watch`, the hook
        set before it, too.
        """

        def on_gradient(node: Node, dz: Any) -> None:
            if node.gate is None:  # the sweep is about to compute its products aᵀ @ dz
                row = self._row(node.name or "unnamed", ("(leaves)",))
            else:
                row = self._row(node.gate.name, node.scope)
            self._charge_to((row, "backward"))
            if watch is not None:
                watch(node, dz)

        return on_gradient

    def _row(self, gate: str, scope: Scope) -> Row:
        row = self._rows.get((scope, gate))
        if row is None:
            place = tuple(name if step_number(name) is None else ANY_STEP for name in scope)
            row = self._rows.setdefault((place, gate), Row("/".join(place) or "(top level)", gate))
            self._rows[scope, gate] = row
        return row

    def _charge_to(self, following: Charge) -> Charge:
        """Count the time since the last call for the current charge, and make `following` the
        current one.

        Returns the charge that was current until now.
        """
        took = self._clock() - self._since
        row, column = before = self._current
        setattr(row, column, getattr(row, column) + took)
        self._current, self._since = following, self._clock()
        return before

    # ---- the table ----

    def __str__(self) -> str:
        shown = [*self.rows, self.sweeping, self.outside]
        total = Row("total")
        for row in shown:
            for column in ("calls", "forward", "backward", "other"):
                setattr(total, column, getattr(total, column) + getattr(row, column))
        lines = []
        for row in [*shown, total]:
            times = (row.forward, row.backward, row.seconds)
            cells = [f"{1000 * one:,.3f}" if one else "" for one in times]
            share = f"{row.seconds / total.seconds:.1%}" if total.seconds else ""
            calls = f"{row.calls:,}" if row.calls else ""
            lines.append([row.scope, row.gate, calls, *cells, share])
        head = ["scope", "gate", "calls", "forward ms", "backward ms", "ms", "share"]
        return table(head, lines[:-1], lines[-1], names=2)
