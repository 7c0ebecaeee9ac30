"""Align two recorded graphs: find which node of one graph does the work of which node of the other.

The values decide: nodes with equal values are partners, if possible with the same gate and inputs. No
node has the same value after a difference. These nodes are aligned like the lines of two texts.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from operator import attrgetter

import numpy as np

from ...graph import Node
from .values import number_values

LONGEST = 5_000
"""The maximum number of nodes of each graph to align by the longest common subsequence."""


def kind_of(node: Node) -> str:
    """Return the name of a node's gate, or what kind of leaf it is."""
    if node.gate is not None:
        return str(node.gate.name)
    if node.predecessors:
        return "cut"
    if node.requires_grad:
        return "parameter"
    return "input" if node.name or node.output.ndim else "constant"


def in_order(
    root: Node, follow: Callable[[Node], Iterable[Node]]
) -> list[Node]:
    """Return the nodes from which `root` is reached, inputs first, in an order that does not depend
    on the order of independent statements.
    """
    order: dict[Node, None] = {}
    waiting = [root]
    while waiting:
        inputs = follow(waiting[-1])
        new = [one for one in inputs if one not in order]
        if new:
            waiting.append(new[0])
        else:
            order[waiting.pop()] = None
    return list(order)


class Graph:
    """One of the two graphs.

    - `nodes`: its nodes, inputs first, and `users`: the consumers of each.
    - `partners`: the node of the other graph that does the same work.
    - `arrays`: the values, or the gradients, that are compared.
    - `differ`: the nodes that the end depends on without passing a value that the other graph has, too.
    """

    def __init__(self, root: Node) -> None:
        self.root = root
        self.nodes = in_order(root, attrgetter("predecessors"))
        self.arrays = {node: node.output for node in self.nodes}
        self.partners: dict[Node, Node] = {}
        self.differ: list[Node] = []
        self.users: dict[Node, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for parent in node.predecessors:
                self.users[parent].append(node)

    def user(self, node: Node | None) -> Node | None:
        """Return the first consumer of a node."""
        return next(iter(self.users[node] if node else []), None)

    def new(self) -> list[Node]:
        """Return the nodes without a partner of the same kind."""
        return [
            node
            for node in self.nodes
            if node not in self.partners
            or kind_of(node) != kind_of(self.partners[node])
        ]


class Alignment:
    """Two graphs whose nodes have partners.

    `values` numbers the nodes of both: those with equal values have the same number. `first` are
    the first partners among those that differ, and `before` lists the nodes before them.
    """

    def __init__(self, root: Node, other: Node) -> None:
        a, b = self.a, self.b = Graph(root), Graph(other)
        self.values = number_values(dict.fromkeys(a.nodes + b.nodes))
        for size in (None, 2, 1):
            self._pair_equal(size)
        same = self.values[root] == self.values[other]
        if not same:
            a.differ, b.differ = self._differ(a, b), self._differ(b, a)
        if not (same or a.differ or b.differ):
            a.differ, b.differ = [root], [other]
        common = list(_common(a.differ[:LONGEST], b.differ[:LONGEST]))
        for x, y in common:
            self.pair(x, y)
        self.first = common[-1] if common else (root, other)
        self.before = [a.differ, b.differ]
        if common:
            left, right = self.first
            self.before = [
                a.differ[: a.differ.index(left)],
                b.differ[: b.differ.index(right)],
            ]
        self.pair(root, other)

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
            near = [*node.predecessors, *users[:1]]
            values = sorted(self.values[one] for one in near)
            return (self.values[node], kind_of(node), *values)[:size]

        waiting = defaultdict(list)
        for y in self.b.nodes:
            if y not in self.b.partners:
                waiting[traits(y)].append(y)
        for x in self.a.nodes:
            same = waiting[traits(x)]
            if same and x not in self.a.partners:
                self.pair(x, same.pop(0))

    def _differ(self, graph: Graph, other: Graph) -> list[Node]:
        known = {self.values[node] for node in other.nodes}

        def differs(node: Node) -> bool:
            value = self.values[node]
            before = [self.values[one] for one in node.predecessors]
            # A gate that changes nothing, such as x * 1, is another gate than none, or than x * 2.
            idle = value in before and node not in graph.partners
            return idle or value not in known

        if not differs(graph.root):
            return []
        return in_order(
            graph.root, lambda node: filter(differs, node.predecessors)
        )


def _common(
    left: list[Node], right: list[Node]
) -> Iterator[tuple[Node, Node]]:
    """Yield the longest common subsequence of two lists of nodes by their kinds, from the end."""
    kinds = np.array([kind_of(node) for node in right])
    best = np.zeros((len(left) + 1, len(right) + 1), np.int16)
    for i, node in enumerate(left):
        longer = best[i, :-1] + (kinds == kind_of(node))
        best[i + 1, 1:] = np.maximum.accumulate(
            np.maximum(best[i, 1:], longer)
        )
    i, j = len(left), len(right)
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            yield left[i], right[j]
