"""Divide a graph into parts, which are the rows of the page: layers, activations, sums and the loss.

A gate belongs to the scope in which it was called, without its time step. A scope is a part if it
has parameters or an activation. Other gates, such as a reshape, belong to the part whose output they
pass on, and where two parts are added or joined is a part. In a program without layers, each product with a matrix of
weights begins a part.
"""

from __future__ import annotations

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
SHOWN = ACTIVE | {"ScaledDotProductAttention", "MaxPool", "Maximum"}


@dataclass(eq=False)
class Part:
    """A row of the page: its gates in the order of the calls, and the parameters that it uses first."""

    name: str
    nodes: list[Node] = field(default_factory=list)
    leaves: list[Node] = field(default_factory=list)

    @property
    def gates(self) -> list[str]:
        """The symbols of its gates, without those that only move numbers."""
        shown = [
            n.gate.symbol for n in self.nodes if name(n) not in PLAIN
        ]
        return list(dict.fromkeys(shown))


def divide(root: Node) -> dict[Node, Part]:
    """Return the part of each gate that belongs to one."""
    groups: dict[Node, Part] = {}
    current: dict[Scope, Part] = {}
    loss = Part("loss")
    ends = {term.node for term in terms(root)} or {root}
    used: set[Node] = set()
    names: dict[str, int] = {}

    def new(title: str) -> Part:
        names[title] = names.get(title, 0) + 1
        again = f" {names[title]}" if names[title] > 1 else ""
        return Part(title + again)

    gates = [node for node in reversed(ancestors([root])) if node.gate]
    for node in gates:
        leaves = [
            n for n in node.inputs if n.gate is None and n.requires_grad
        ]
        scope = tuple(s for s in node.scope if step_number(s) is None)
        group = current.get(scope)
        if node in ends or any(
            groups.get(n) is loss for n in node.inputs
        ):
            group = loss
        elif group is None or (
            group.leaves
            and scope == node.scope
            and _weighs(node, leaves)
        ):
            titles = [
                ".".join(scope),
                *(n.name for n in leaves),
                "model",
            ]
            group = current[scope] = new(next(filter(None, titles)))
        groups[node] = group
        group.nodes.append(node)
        group.leaves += [n for n in leaves if n not in used]
        used.update(leaves)

    parts: dict[Node, Part] = {}
    joints: dict[tuple[Part, ...], Part] = {}
    for node in gates:
        group = groups[node]
        sources = tuple(
            dict.fromkeys(parts[n] for n in node.inputs if n in parts)
        )
        if (
            group is loss
            or group.leaves
            or SHOWN & {*map(name, group.nodes)}
        ):
            parts[node] = group
        elif len(sources) > 1:
            if (
                sources not in joints
            ):  # at another time step, it is the same part
                joints[sources] = new(node.gate.symbol)
            parts[node] = joints[sources]
            parts[node].nodes.append(node)
        elif sources:
            parts[node] = sources[0]
    return parts


def _weighs(node: Node, leaves: list[Node]) -> bool:
    """Return whether a gate multiplies with a matrix of weights."""
    return name(node) in PRODUCTS and any(
        len(leaf.shape) > 1 for leaf in leaves
    )
