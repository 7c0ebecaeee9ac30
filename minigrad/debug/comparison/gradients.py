"""The first gradient that differs between two graphs with equal values, starting at the loss."""

import numpy as np

from ...backward import sweep
from ...context import enable_grad
from ...gradients import dense
from ...graph import Array, Node, ancestors
from .alignment import Alignment, Graph, kind_of
from .result import Difference
from .values import close

SMALL = 0.01
"""Differences are measured relative to at least this share of the largest gradient in the graph."""


def first_gradient(pairs: Alignment) -> Difference:
    """Return the first difference between gradients. Its kind is "equal" if there is none.

    Gates that were rewritten have different inner gradients. Only differences that reach a parameter
    count.
    """
    a, b = pairs.a, pairs.b
    for graph in (a, b):
        graph.arrays = _gradients(graph)
    sizes = [np.abs(one).max(initial=0) for one in a.arrays.values()]
    least = SMALL * max(sizes)
    same = {x for x, y in a.partners.items() if close(a.arrays[x], b.arrays[y], least=least)}
    a.differ = _reached(a, same)
    b.differ = _reached(b, {a.partners[x] for x in same})
    found: list[tuple[Node | None, Node | None]] = []
    found += [(x, a.partners.get(x)) for x in a.differ[:1]]
    found += [(b.partners.get(y), y) for y in b.differ[:1]]
    if not found:
        return "equal", None, None
    x, y = max(found, key=lambda pair: pair[1].serial if pair[1] else 0)
    if x is None:
        return "only in b", None, y
    if y is None:
        return "only in a", x, None
    value = pairs.values[x]
    stopped = [
        node for node in a.nodes + b.nodes if pairs.values[node] == value and not node.requires_grad
    ]
    return "cut" if stopped else "gradient", x, y


def _gradients(graph: Graph) -> dict[Node, Array]:
    """Return the gradients of all nodes. They are zero where none arrives."""
    start = np.ones_like(graph.root.output)
    with enable_grad():
        found = sweep(graph.root, start, keep=set(graph.nodes))
    return {node: np.asarray(dense(found.get(node, np.zeros(node.shape)))) for node in graph.nodes}


def _reached(graph: Graph, same: set[Node]) -> list[Node]:
    """Return the nodes whose gradients differ and reach a parameter. The nodes nearest to the loss
    come first.

    A parameter itself may have no partner if the other graph stores it transposed, or in parts.
    """
    parameters = [
        node
        for node in graph.nodes
        if kind_of(node) == "parameter" and graph.arrays[node].any() and node not in same
    ]
    found = ancestors(parameters, lambda node: set(graph.users[node]) - same)
    paired = [node for node in found if node in graph.partners]
    return paired or [node for node in found if node.gate]
