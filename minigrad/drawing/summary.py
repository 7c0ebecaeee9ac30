"""Count the parameters, operations and memory of each scope in a graph, for a model's summary."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..context import ANY_STEP, Scope, step_of
from ..graph import Array, Leaf, Node
from .boxes import name_steps


@dataclass
class Row:
    """One scope. All time steps of an unroll share a row.

    `forward` and `bytes` are sums over the scope's gates.
    """

    scope: Scope
    output: Array | None = None
    parameters: dict[Leaf, None] = field(default_factory=dict)
    forward: int = 0
    bytes: int = 0
    steps: set[int] = field(default_factory=set)

    @property
    def path(self) -> str:
        """The scope's name in the table, for example rnn/t00 … t39/cell."""
        names = (name_steps(self.steps) if name == ANY_STEP else name for name in self.scope)
        return "/".join(names) or "(top level)"


def rows(nodes: list[Node]) -> list[Row]:
    """Return one row per scope, in the order of recording."""
    found: dict[Scope, Row] = {}
    counted: set[int] = set()
    for node in nodes:
        if node.gate is None:
            # Mark parameters and inputs as already counted, because the graph does not own them.
            held(node.output, counted)
    for node in nodes:
        gate: Any = node.gate
        if gate is None:
            continue
        place = step_of(node.scope)
        scope = node.scope if place is None else (*place[0], ANY_STEP, *place[2])
        row = found.setdefault(scope, Row(scope))
        if place:
            row.steps.add(place[1])
        row.output = node.output
        shapes = [array.shape for array in node.arrays]
        row.forward += int(gate.flops(node.output.shape, *shapes))
        row.bytes += held(node.output, counted)
        row.parameters |= {
            leaf: None for leaf in node.inputs if isinstance(leaf, Leaf) and leaf.requires_grad
        }
    return list(found.values())


def held(array: Array, counted: set[int]) -> int:
    """Return the number of bytes that an array keeps alive, or 0 if they are already counted.

    A view keeps its entire base array alive.
    """
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if id(owner) in counted:
        return 0
    counted.add(id(owner))
    return owner.nbytes
