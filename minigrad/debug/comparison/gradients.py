"""The first gradient that differs between two graphs with equal values, starting at the loss."""

import numpy as np

from ...backward import sweep
from ...context import enable_grad
from ...gradients import dense
from ...graph import Array, Node, ancestors
from .alignment import Alignment, Graph, kind_of
from .values import close

SMALL = 0.01
"""A gradient is compared with at least this share of the largest gradient in the graph."""


def find_gradients(
    pairs: Alignment,
) -> tuple[str, Node | None, Node | None]:
    """Return the kind and the nodes of the first difference. The kind is "equal" if there is none.

    Gates that were rewritten have other inner gradients. Only differences that reach a parameter count.
    """
    a, b = pairs.a, pairs.b
    left, right = _gradients(a), _gradients(b)
    sizes = [np.abs(one).max(initial=0) for one in left.values()]
    least = SMALL * max(sizes)
    same = {
        x
        for x, y in a.partners.items()
        if close(left[x], right[y], least=least)
    }
    a.differ = _reached(a, left, same)
    b.differ = _reached(b, right, {a.partners[x] for x in same})
    first = next(iter(a.differ), None)
    second = next(iter(b.differ), None)
    if first:
        second = a.partners.get(first)
    elif second:
        first = b.partners.get(second)
    else:
        return "equal", None, None
    a.arrays, b.arrays = left, right
    if not (first and second):
        return "only in a" if first else "only in b", first, second
    stops = _stops(a, first) != _stops(b, second)
    return "cut" if stops else "gradient", first, second


def _gradients(graph: Graph) -> dict[Node, Array]:
    """Return the gradients of all nodes. They are zero where none arrives."""
    start = np.ones_like(graph.root.output)
    with enable_grad():
        swept = sweep(graph.root, start, keep=set(graph.nodes))
    return {
        node: np.asarray(dense(swept.get(node, np.zeros(node.shape))))
        for node in graph.nodes
    }


def _reached(
    graph: Graph, gradients: dict[Node, Array], same: set[Node]
) -> list[Node]:
    """Return the nodes with other gradients that reach a parameter, those nearest to the loss first.

    A parameter itself may have no partner if the other graph stores it transposed, or in parts.
    """
    parameters = [
        node
        for node in graph.nodes
        if kind_of(node) == "parameter"
        and gradients[node].any()
        and node not in same
    ]
    found = ancestors(
        parameters,
        lambda node: [
            user for user in graph.users[node] if user not in same
        ],
    )
    paired = [node for node in found if node in graph.partners]
    return paired or [node for node in found if node.gate]


def _stops(graph: Graph, node: Node) -> bool:
    """Return whether the gradient of a node stops, or that of a cut after it."""
    cuts = [user for user in graph.users[node] if not user.gate]
    return bool(cuts) or not node.requires_grad
