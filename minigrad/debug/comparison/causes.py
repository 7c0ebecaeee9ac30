"""Which differences between two graphs matter, and where the gradients begin to differ."""

import numpy as np

from ...backward import sweep
from ...context import enable_grad
from ...gradients import dense
from ...graph import Node
from ...replay import again
from ...tensor import Tensor
from .faults import Fault
from .pairs import Pairs
from .result import close


def matters(pairs: Pairs, fault: Fault) -> bool:
    """Return whether a difference reaches the end of a graph without passing equal values."""
    roots = {pairs.a.root: pairs.b.root}, {pairs.b.root: pairs.a.root}
    sides = (
        (pairs.a, pairs.partners | roots[0]),
        (pairs.b, pairs.back | roots[1]),
    )
    for node, (side, partners) in zip(fault.nodes, sides, strict=True):
        waiting = [node] if node else []
        seen = set(waiting)
        for one in waiting:  # the list grows during the loop
            other = partners.get(one)
            if other is not None and one.dtype == other.dtype:
                pair = (one, other)
                if side is pairs.b:
                    pair = (other, one)
                if pairs.same(*pair):
                    continue
            if one is side.root:
                return True
            users = side.consumers[one]
            waiting += [user for user in users if user not in seen]
            seen.update(users)
    return False


def alike_elsewhere(pairs: Pairs) -> bool:
    """Return whether the graphs also agree for other values of the parameters.

    For example, a ReLU changes nothing if all of its inputs happen to be positive.
    """
    random = np.random.default_rng(0)
    leaves = [
        node
        for node in (*pairs.a.nodes, *pairs.b.nodes)
        if node.gate is None and node.requires_grad
    ]
    for step in (0.1, 1.0, 1.0, 1.0, 1.0):
        values: dict[Node, Tensor] = {}
        for leaf in leaves:
            if leaf in values:
                continue
            size = np.abs(leaf.output).max(initial=0) or 1.0
            noise = step * size * random.normal(size=leaf.shape)
            for node in (leaf, pairs.partners.get(leaf, leaf)):
                moved = leaf.output + noise
                values[node] = Tensor(moved.astype(node.dtype))
        with np.errstate(all="ignore"):
            one = again(pairs.a.root, values)[pairs.a.root].array
            other = again(pairs.b.root, values)[pairs.b.root].array
        finite = np.isfinite(one).all() and np.isfinite(other).all()
        if finite and not close(one, other):
            return False
    return True


def gradient_fault(pairs: Pairs) -> Fault | None:
    """Return the first gradient that differs, starting at the roots, or None."""
    roots = pairs.a.root, pairs.b.root
    if not all(root.requires_grad for root in roots):
        return None
    for side, found in zip(
        (pairs.a, pairs.b), pairs.gradients, strict=True
    ):
        start = side.root.upstream
        start = np.ones_like(side.root.output) if start is None else start
        with enable_grad():
            swept = sweep(side.root, start, keep=set(side.nodes))
        found.update(
            {node: np.asarray(dense(one)) for node, one in swept.items()}
        )
    largest = max(
        (np.abs(one).max(initial=0) for one in pairs.gradients[0].values()),
        default=0,
    )
    # Only a difference that reaches a leaf counts: rewritten gates have other inner gradients.
    differing: set[Node] = set()
    for x in pairs.a.nodes:
        same = x in pairs.partners and same_gradient(
            pairs, x, 0.01 * largest
        )
        ends = x.gate is None and x in pairs.partners
        if not same and (ends or not differing.isdisjoint(x.inputs)):
            differing.add(x)
    for x in reversed(pairs.a.nodes):
        y = pairs.partners.get(x)
        if x in differing and y is not None and pairs.same(x, y):
            user = next(iter(pairs.a.consumers[x]), None)
            users = (
                (user, pairs.partners.get(user)) if user else (None, None)
            )
            return Fault(pairs.a.rank[x], "gradient", (x, y), users)
    return None


def same_gradient(pairs: Pairs, x: Node, least: float = 0.0) -> bool:
    """Return whether a node and its partner have equal gradients. A missing one is zero."""
    y = pairs.partners[x]
    one = pairs.gradients[0].get(x, np.zeros(x.shape))
    return close(
        one, pairs.gradients[1].get(y, np.zeros(y.shape)), least=least
    )


def group(pairs: Pairs, fault: Fault) -> list[Node]:
    """Return the gate that only one graph has, and those that follow without a partner."""
    side, partners = (
        (pairs.b, pairs.back)
        if fault.nodes[0] is None
        else (pairs.a, pairs.partners)
    )
    found = [node for node in fault.nodes if node and None in fault.nodes]
    for node in found:  # the list grows during the loop
        found += [
            user
            for user in side.consumers[node]
            if user not in partners and user not in found
        ]
    return found


def counts(pairs: Pairs, shown: Fault) -> dict[str, int]:
    """Count the pairs of gates before a difference that are equal, and those after it that
    differ.
    """
    gates = [(x, y) for x, y in pairs.partners.items() if x.gate]
    if shown.kind == "gradient":
        later = [x for x, _ in gates if pairs.a.rank[x] > shown.rank]
        earlier = [x for x, _ in gates if pairs.a.rank[x] < shown.rank]
        return {
            "before": len(later),
            "follows": sum(not same_gradient(pairs, x) for x in earlier),
        }
    before = [one for one in gates if pairs.a.rank[one[0]] < shown.rank]
    after = [one for one in gates if pairs.a.rank[one[0]] > shown.rank]
    return {
        "before": sum(pairs.same(*one) for one in before),
        "follows": sum(not pairs.same(*one) for one in after),
    }
