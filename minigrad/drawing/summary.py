"""The summary table: the gates, parameters, operations and memory of each scope of a graph."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..context import ANY_STEP, Scope, step_of
from ..graph import Array, Leaf, Node
from ..support.text import table
from .boxes import name_steps


@dataclass
class Row:
    """One scope, with all time steps of an unroll in one row. Operations and bytes are sums over its gates."""

    scope: Scope
    gates: int = 0
    output: Array | None = None
    parameters: dict[Leaf, None] = field(default_factory=dict)
    forward: int = 0
    backward: int = 0
    bytes: int = 0
    steps: set[int] = field(default_factory=set)

    @property
    def path(self) -> str:
        """The scope as the table shows it: rnn/t00 … t39/cell."""
        names = (name_steps(self.steps) if name == ANY_STEP else name for name in self.scope)
        return "/".join(names) or "(top level)"


def rows(nodes: list[Node]) -> list[Row]:
    """One row per scope, in the order of recording."""
    found: dict[Scope, Row] = {}
    counted: set[int] = set()
    for node in nodes:
        if node.gate is None:
            held(node.output, counted)  # counted beforehand: parameters and inputs are not the graph's own
    for node in nodes:
        gate: Any = node.gate
        if gate is None:
            continue
        place = step_of(node.scope)
        scope = node.scope if place is None else (*place[0], ANY_STEP, *place[2])
        row = found.setdefault(scope, Row(scope))
        if place:
            row.steps.add(place[1])
        row.gates += 1
        row.output = node.output
        shapes = [array.shape for array in node.arrays]
        cost = int(gate.flops(node.output.shape, *shapes))
        row.forward += cost
        row.backward += cost * sum(parent.requires_grad for parent in node.inputs)
        row.bytes += held(node.output, counted)
        row.parameters |= {leaf: None for leaf in node.inputs if isinstance(leaf, Leaf) and leaf.requires_grad}
    return list(found.values())


def held(array: Array, counted: set[int]) -> int:
    """The bytes that an array keeps alive, or 0 if they were counted before. A view keeps its whole base alive."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if id(owner) in counted:
        return 0
    counted.add(id(owner))
    return owner.nbytes


def summary_table(nodes: list[Node]) -> str:
    """The table as text, with the totals in the last row."""
    found = rows(nodes)
    everything = Row(("total",))
    for row in found:
        everything.gates += row.gates
        everything.parameters |= row.parameters
        everything.forward += row.forward
        everything.backward += row.backward
        everything.bytes += row.bytes
    head = ["scope", "gates", "output", "parameters", "forward flops", "backward flops", "bytes"]
    return table(head, map(_cells, found), _cells(everything))


def _cells(row: Row) -> list[str]:
    parameters = sum(leaf.output.size for leaf in row.parameters)
    shape = str(row.output.shape) if row.output is not None else ""
    return [row.path, f"{row.gates:,}", shape, *(f"{n:,}" for n in (parameters, row.forward, row.backward, row.bytes))]
