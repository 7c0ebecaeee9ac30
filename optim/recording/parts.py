"""Divide a graph into parts, which are the rows of the page: layers, activations, sums and the loss.

A gate belongs to the scope in which it was called, without its time step. A scope is a part if it
has parameters or an activation. Other gates, such as a reshape, belong to the part whose output they
pass on. A gate that adds or joins several parts is itself a part. In a program without layers, each
product with a matrix of weights begins a part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from minigrad.context import Scope, step_number
from minigrad.graph import Node, ancestors

from ..diagnosis.reading import (
    PLAIN,
    PRODUCTS,
    SEQUENCES,
    SQUASHING,
    name,
    terms,
)

ACTIVE = SQUASHING | SEQUENCES
LOSS = "loss"
SHOWN = ACTIVE | {
    "ScaledDotProductAttention",
    "MaxPool",
    "Maximum",
}


@dataclass(eq=False)
class Part:
    """A row of the page: its gates in the order of the calls, and the parameters that no earlier row
    uses.
    """

    name: str
    nodes: list[Node] = field(default_factory=list)
    leaves: list[Node] = field(default_factory=list)

    @property
    def gates(self) -> list[str]:
        """The symbols of its gates, without those that only move numbers."""
        shown = [one for one in self.nodes if name(one) not in PLAIN]
        return list(dict.fromkeys(one.gate.symbol for one in shown))

    @property
    def size(self) -> int:
        """The number of its parameters."""
        return sum(math.prod(leaf.shape) for leaf in self.leaves)

    @property
    def shown(self) -> bool:
        """Whether it has parameters or a gate that a reader wants to see."""
        kinds = {name(node) for node in self.nodes}
        return bool(self.leaves or kinds & SHOWN)


def divide(root: Node) -> dict[Node, Part]:
    """Return the part of each gate that belongs to one."""
    gates = [node for node in reversed(ancestors([root])) if node.gate]
    names: dict[str, int] = {}
    groups = _groups(gates, root, names)
    parts: dict[Node, Part] = {}
    joints: dict[tuple[Part, ...], Part] = {}
    for node in gates:
        group = groups[node]
        found = [parts[one] for one in node.inputs if one in parts]
        sources = tuple(dict.fromkeys(found))
        if group.shown or group.name == LOSS:
            parts[node] = group
        elif len(sources) > 1:
            # at another time step, it is the same part
            if sources not in joints:
                joints[sources] = _new(node.gate.symbol, names)
            parts[node] = joints[sources]
            parts[node].nodes.append(node)
        elif sources:
            parts[node] = sources[0]
    return parts


def _groups(gates: list[Node], root: Node, names: dict[str, int]) -> dict[Node, Part]:
    """Return the gates of each scope, and those of the loss."""
    groups: dict[Node, Part] = {}
    current: dict[Scope, Part] = {}
    used: set[Node] = set()
    loss = _new(LOSS, names)
    ends = {term.node for term in terms(root)} or {root}
    for node in gates:
        leaves = [n for n in node.inputs if n.gate is None]
        leaves = [leaf for leaf in leaves if leaf.requires_grad]
        matrices = [leaf for leaf in leaves if len(leaf.shape) > 1]
        scope = tuple(s for s in node.scope if step_number(s) is None)
        weighs = name(node) in PRODUCTS and bool(matrices)
        group = current.get(scope)
        before = [groups.get(one) for one in node.inputs]
        if node in ends or loss in before:
            group = loss
        elif group is None or (weighs and group.leaves and scope == node.scope):
            titles = [
                ".".join(scope),
                *(leaf.name for leaf in leaves),
            ]
            title = next(filter(None, titles), "model")
            group = current[scope] = _new(title, names)
        groups[node] = group
        group.nodes.append(node)
        group.leaves += [leaf for leaf in leaves if leaf not in used]
        used.update(leaves)
    return groups


def _new(title: str, names: dict[str, int]) -> Part:
    """Return a part with a name that no other part has."""
    names[title] = names.get(title, 0) + 1
    if names[title] > 1:
        title += f" {names[title]}"
    return Part(title)
