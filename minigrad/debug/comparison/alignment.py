"""Align two recorded graphs: find which node of one graph does the work of which node of the other.

The values decide: nodes with equal values are partners, if possible with the same gate and inputs. The
gates after a difference compute other values. They are aligned like the lines of two texts.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from operator import attrgetter

import numpy as np

from ...graph import Node, ancestors
from .values import number_values

LONGEST = 5_000
"""The maximum number of gates of each graph to align like the lines of two texts."""


def kind_of(node: Node | None) -> str:
    """Return the name of a node's gate, or what kind of leaf it is."""
    if node is None:
        return "nothing"
    if node.gate is not None:
        return str(node.gate.name)
    if node.predecessors:
        return "cut"
    if node.requires_grad:
        return "parameter"
    if node.name or node.output.ndim:
        return "input"
    return "constant"


class Graph:
    """One of the two graphs of a comparison.

    - `root`: its last node, and `nodes`: all nodes, inputs first.
    - `users`: the consumers of each node.
    - `partners`: the node of the other graph that does the same work, for each node that has one.
    - `arrays`: the values of the nodes, or their gradients if these are compared.
    - `differ`: the nodes that differ, from the first difference on.
    """

    def __init__(self, root: Node) -> None:
        self.root = root
        newest_first = ancestors([root], attrgetter("predecessors"))
        self.nodes = newest_first[::-1]
        self.arrays = {node: node.output for node in self.nodes}
        self.partners: dict[Node, Node] = {}
        self.differ: list[Node] = []
        self.users: dict[Node, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for parent in node.predecessors:
                self.users[parent].append(node)

    def new(self) -> list[Node]:
        """Return the gates without a partner of the same kind."""
        return [
            node
            for node in self.nodes
            if node.gate and kind_of(node) != kind_of(self.partners.get(node))
        ]

    def first_user(self, node: Node | None) -> Node | None:
        """Return the first consumer of a node."""
        return next(iter(self.users[node] if node else []), None)


class Alignment:
    """Two graphs whose nodes have partners.

    `values` maps each node of both graphs to a number; nodes with equal values have the same number.
    """

    def __init__(self, a: Node, b: Node) -> None:
        self.a = Graph(a)
        self.b = Graph(b)
        nodes = self.a.nodes + self.b.nodes
        self.values = number_values(dict.fromkeys(nodes))
        for size in (None, 2, 1):
            self._pair_equal(size)
        if self.values[a] != self.values[b]:
            left = self._differ(self.a, self.b)
            right = self._differ(self.b, self.a)
            if not (left or right):
                left, right = [a], [b]
            self._pair_common(left[:LONGEST], right[:LONGEST])
            self.a.differ = left
            self.b.differ = right

    def pair(self, x: Node, y: Node) -> None:
        """Make two nodes partners, unless one of them has a partner."""
        if x not in self.a.partners and y not in self.b.partners:
            self.a.partners[x] = y
            self.b.partners[y] = x

    def _pair_equal(self, size: int | None) -> None:
        """Pair nodes, in order, if they have the first `size` traits in common: value, kind, and then
        the values of the neighbours.
        """

        def traits(node: Node) -> Hashable:
            users = self.a.users[node] or self.b.users[node]
            near = sorted(self.values[one] for one in (*node.predecessors, *users[:1]))
            found = self.values[node], kind_of(node), *near
            return found[:size]

        waiting = defaultdict(list)
        for y in self.b.nodes:
            if y not in self.b.partners:
                waiting[traits(y)].append(y)
        for x in self.a.nodes:
            same = waiting[traits(x)]
            if same and x not in self.a.partners:
                self.pair(x, same.pop(0))

    def _differ(self, graph: Graph, other: Graph) -> list[Node]:
        """Return the gates from which a path leads to the end without passing a value that both
        graphs have.
        """
        known = {self.values[node] for node in other.nodes}

        def differs(node: Node) -> bool:
            before = [self.values[one] for one in node.predecessors]
            value = self.values[node]
            if value in before and node not in graph.partners:
                # Even x * 1, which changes nothing, differs from no gate, and from x * 2.
                return True
            return bool(before) and value not in known

        def inputs(node: Node) -> Iterator[Node]:
            return filter(differs, node.predecessors)

        roots = filter(differs, [graph.root])
        return ancestors(roots, inputs)[::-1]

    def _pair_common(self, left: list[Node], right: list[Node]) -> None:
        """Pair the longest common subsequence of two lists, in which gates of the same kind are equal.
        Those with the same shape count twice.
        """
        kinds = np.array([kind_of(node) for node in right])
        shapes = np.array([str(node.shape) for node in right])
        rows, columns = len(left), len(right)
        best = np.zeros((rows + 1, columns + 1), np.int16)
        for i, node in enumerate(left):
            same = 1 + (shapes == str(node.shape))
            same *= kinds == kind_of(node)
            paired = best[i, :-1] + same
            longest = np.maximum(best[i, 1:], paired)
            best[i + 1, 1:] = np.maximum.accumulate(longest)
        while rows and columns:
            length = best[rows, columns]
            if length == best[rows - 1, columns]:
                rows -= 1
            elif length == best[rows, columns - 1]:
                columns -= 1
            else:
                rows -= 1
                columns -= 1
                self.pair(left[rows], right[columns])
