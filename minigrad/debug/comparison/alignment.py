"""Align two recorded graphs: find which node of one graph does the work of which node of the other.

Two passes find the partners. First, nodes that compute the same from equal leaves are partners, in
whatever order they were recorded. Then the other nodes of both graphs are aligned like the lines of
two texts, by the longest common subsequence, in which nodes with the same neighbours count more.

Source: Needleman and Wunsch, A general method applicable to the search for similarities (1970).
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from hashlib import sha256
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from ...graph import Array, Node, ancestors

COMMUTATIVE = frozenset({"AddGate", "Hadamard", "Maximum", "Minimum"})

LONGEST = 5_000
"""The maximum number of gates of each graph to align after the first pass."""

NEAR = 3
"""Nodes are compared with their neighbours up to this distance, in both directions."""

# How much each trait in `_traits` counts if two nodes of the same kind share it: the kind, settings,
# shape, name, value, all gates before, all gates after, and then the near ones.
WEIGHTS = (2, 1, 1, 1, 3, 4, 4, *(1, 1) * NEAR)


def kind_of(node: Node) -> str:
    """Return the name of a node's gate, "cut" for the result of a cut, or "" for another leaf."""
    if node.gate is not None:
        return str(node.gate.name)
    return "cut" if node.predecessors else ""


def about(node: Node) -> str:
    """Return the sum of a node's absolute values, rounded. Equal values have equal sums."""
    return f"{np.abs(node.output).sum(dtype=float):.3g}"


class Side:
    """One of the two graphs: its nodes, oldest first, and the consumers of each node."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.nodes = ancestors([root], attrgetter("predecessors"))[::-1]
        self.rank = {node: number for number, node in enumerate(self.nodes)}
        self.classes: dict[
            Node, int
        ] = {}  # by what a node computes; set by `align`
        self.consumers: dict[Node, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for parent in node.predecessors:
                self.consumers[parent].append(node)

    def computed(self) -> list[Node]:
        """Return the gates and cuts, inputs first, in an order that does not depend on the order of
        independent statements or of the terms of a sum.
        """
        depth: dict[Node, int] = {}
        for node in self.nodes:
            depth[node] = 1 + max(
                [depth[parent] for parent in node.predecessors], default=0
            )
        order: dict[Node, None] = {}
        waiting = [(self.root, False)]
        while waiting:
            node, ready = waiting.pop()
            if ready and kind_of(node):
                order[node] = None
            elif node not in order and not ready:
                inputs = list(node.predecessors)
                if kind_of(node) in COMMUTATIVE:
                    inputs.sort(key=depth.__getitem__, reverse=True)
                waiting += [
                    (node, True),
                    *((parent, False) for parent in reversed(inputs)),
                ]
        return list(order)


def align(a: Side, b: Side) -> dict[Node, Node]:
    """Return the partner in `b` of each gate or cut of `a` that has one."""
    number: dict[Hashable, int] = defaultdict(count().__next__)
    left, right = a.computed(), b.computed()
    for side in (a, b):
        side.classes = _classes(side, number, _content)
    waiting = defaultdict(list)
    for node in reversed(right):
        waiting[b.classes[node]].append(node)
    partners = {}
    for node in left:
        if same := waiting[a.classes[node]]:
            partners[node] = same.pop()
    taken = set(partners.values())
    rest = [
        [node for node in left if node not in partners][:LONGEST],
        [node for node in right if node not in taken][:LONGEST],
    ]
    traits = [
        _traits(side, nodes, number)
        for side, nodes in zip((a, b), rest, strict=True)
        if nodes
    ]
    if len(traits) == 2:
        partners |= {rest[0][i]: rest[1][j] for i, j in _common(*traits)}
    return partners


def _content(leaf: Node) -> Hashable:
    return (
        leaf.shape,
        str(leaf.dtype),
        sha256(leaf.output.tobytes()).digest(),
    )


def _classes(
    side: Side, number: dict[Hashable, int], of_leaf: Any
) -> dict[Node, int]:
    """Number the nodes. Nodes have the same number if they compute the same from the same leaves."""
    classes: dict[Node, int] = {}
    for node in side.nodes:
        kind = kind_of(node)
        inputs = [classes[parent] for parent in node.predecessors]
        if kind in COMMUTATIVE:
            inputs.sort()
        key = (kind, repr(node.gate), *inputs) if kind else of_leaf(node)
        classes[node] = number[key]
    return classes


def _traits(
    side: Side, nodes: list[Node], number: dict[Hashable, int]
) -> Array:
    """Return a row of numbers for each node: its kind, and what else a partner may share."""
    columns = [
        {node: number["kind", kind_of(node)] for node in side.nodes},
        {node: number["gate", repr(node.gate)] for node in side.nodes},
        {node: number["shape", node.shape] for node in side.nodes},
        {
            node: number["named", node.name, node.scope[-1:]]
            for node in side.nodes
        },
        {node: number["about", about(node)] for node in side.nodes},
        _classes(
            side,
            number,
            lambda leaf: (leaf.output.ndim, leaf.requires_grad),
        ),
    ]
    after: dict[Node, int] = {}
    for node in reversed(side.nodes):
        uses = [
            (after[user], _place(node, user))
            for user in side.consumers[node]
        ]
        after[node] = number["after", kind_of(node), *sorted(uses)]
    columns.append(after)
    before = follows = columns[1]
    for _ in range(NEAR):
        before = {
            node: number[
                "near",
                before[node],
                *sorted(before[one] for one in node.predecessors),
            ]
            for node in side.nodes
        }
        follows = {
            node: number[
                "next",
                follows[node],
                *sorted(follows[one] for one in side.consumers[node]),
            ]
            for node in side.nodes
        }
        columns += [before, follows]
    return np.array(
        [[column[node] for column in columns] for node in nodes]
    )


def _place(node: Node, user: Node) -> int:
    return (
        -1
        if kind_of(user) in COMMUTATIVE
        else user.predecessors.index(node)
    )


def _common(left: Array, right: Array) -> Iterator[tuple[int, int]]:
    """Yield the pairs of rows in the common subsequence with the most shared traits."""
    best = np.zeros((len(left) + 1, len(right) + 1), np.float32)
    scores = np.zeros((len(left), len(right)), np.float32)
    for i, row in enumerate(left):
        scores[i] = (
            (right == row) @ np.array(WEIGHTS) * (right[:, 0] == row[0])
        )
        paired = np.maximum(best[i, 1:], best[i, :-1] + scores[i])
        best[i + 1, 1:] = np.maximum.accumulate(paired)
    i, j = len(left), len(right)
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            yield i, j
