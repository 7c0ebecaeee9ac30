"""Two graphs and the partners of their nodes: those found by `align`, and what follows from these."""

from collections import defaultdict
from typing import Any

from ...graph import Node
from .alignment import COMMUTATIVE, Side, about, align, kind_of
from .result import ROUNDING, close


class Pairs:
    """Two graphs, and the partner in `b` of each node of `a` that has one."""

    def __init__(self, a: Side, b: Side) -> None:
        self.a, self.b = a, b
        self.partners = align(a, b)
        self.back = {y: x for x, y in self.partners.items()}
        self.gradients: tuple[dict[Node, Any], dict[Node, Any]] = {}, {}
        self._equal: dict[tuple[Node, Node], bool] = {}
        self._pair_replaced()
        self.inputs = {
            (x, y): self._inputs(x, y) for x, y in self.partners.items()
        }
        used = [pair for pairs in self.inputs.values() for pair in pairs]
        parameters = [
            [
                node
                for node in side.nodes
                if node.gate is None and node.requires_grad
            ]
            for side in (a, b)
        ]
        # A gate without a partner, such as a fused one, may be the only consumer of a parameter.
        alike = [
            (p, q)
            for p in parameters[0]
            for q in parameters[1]
            if self.same(p, q)
        ]
        alike.sort(key=lambda pair: pair[0].name != pair[1].name)
        equal = [(p, q) for p, q in used if self.same(p, q)]
        for p, q in (*equal, *alike, *used):
            if (
                kind_of(p)
                or kind_of(q)
                or p in self.partners
                or q in self.back
            ):
                continue
            if (p.shape, p.requires_grad) == (q.shape, q.requires_grad):
                self._pair(p, q)

    def _pair(self, x: Node, y: Node) -> None:
        self.partners[x] = y
        self.back[y] = x

    def same(self, x: Node, y: Node) -> bool:
        """Return whether two nodes have equal values."""
        if (x, y) not in self._equal:
            units = ROUNDING if x.gate or y.gate else 4
            self._equal[x, y] = close(x.output, y.output, units)
        return self._equal[x, y]

    def correspond(self, p: Node, q: Node) -> bool:
        """Return whether two nodes are partners, or compute the same."""
        if (
            self.partners.get(p) is q
            or self.a.classes[p] == self.b.classes[q]
        ):
            return True
        return not kind_of(p) and not kind_of(q) and self.same(p, q)

    def _likeness(self, p: Node, q: Node) -> float:
        if kind_of(p) or kind_of(q):
            return 4 * (self.partners.get(p) is q)
        return (
            2 * self.same(p, q)
            + (p.shape == q.shape)
            + (p.name == q.name) / 2
        )

    def _inputs(self, x: Node, y: Node) -> list[tuple[Node, Node]]:
        """Return the pairs of inputs of two partners. The terms of a sum may be exchanged."""
        straight = list(zip(x.predecessors, y.predecessors, strict=False))
        if kind_of(x) in COMMUTATIVE and len(straight) == 2:
            swapped = list(
                zip(x.predecessors, y.predecessors[::-1], strict=True)
            )
            return max(
                straight,
                swapped,
                key=lambda pairs: sum(
                    self._likeness(*one) for one in pairs
                ),
            )
        return straight

    def _pair_replaced(self) -> None:
        """Pair gates without partners that have a common input or a common consumer."""
        leaves: dict[int, list[Node]] = defaultdict(list)
        for leaf in self.b.nodes:
            if not kind_of(leaf):
                leaves[self.b.classes[leaf]].append(leaf)
        values = defaultdict(list)
        for y in self.b.nodes:
            if y.output.size > 1:
                values[about(y), y.shape].append(y)
        tests = (
            lambda x, y: repr(x.gate) == repr(y.gate),
            self.same,
            lambda x, y: True,
        )
        for test in tests:
            for x in self.a.nodes:
                if not kind_of(x) or x in self.partners:
                    continue
                near = self._near(x, leaves)
                if test == self.same:
                    near += values[about(x), x.shape]
                scores = {
                    y: self._neighbours(x, y)
                    for y in near
                    if kind_of(y) and y not in self.back and test(x, y)
                }
                best = max(scores, key=scores.__getitem__, default=None)
                if best is not None:
                    self._pair(x, best)

    def _near(self, x: Node, leaves: dict[int, list[Node]]) -> list[Node]:
        """Return the nodes of `b` that have an input or a consumer in common with x."""
        before = {self.partners.get(p) for p in x.predecessors}
        for p in x.predecessors:
            if not kind_of(p):
                before.update(leaves[self.a.classes[p]])
        near = {user for q in before if q for user in self.b.consumers[q]}
        for user in self.a.consumers[x]:
            if user in self.partners:
                near.update(self.partners[user].predecessors)
        if x is self.a.root:
            near.add(self.b.root)
        return sorted(near, key=self.b.rank.__getitem__)

    def _neighbours(self, x: Node, y: Node) -> float:
        before = [
            p
            for p in x.predecessors
            if any(self.correspond(p, q) for q in y.predecessors)
        ]
        after = {self.partners.get(user) for user in self.a.consumers[x]}
        after &= set(self.b.consumers[y])
        common = (
            len(before)
            + len(after)
            + (x is self.a.root and y is self.b.root)
        )
        return (
            2 * common + (x.shape == y.shape) + (kind_of(x) == kind_of(y))
        )
