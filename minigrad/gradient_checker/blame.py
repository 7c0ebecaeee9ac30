"""Find causes of a wrong gradient outside the gates' rules.

Most of these causes are found by comparing two recordings of the same program, node by node.
"""

from collections.abc import Iterator

import numpy as np

from ..context import scope_label
from ..debug.anomaly import title
from ..graph import Leaf, Node, ancestors
from .mistake import Mistake


def side_by_side(
    first: Node,
    second: Node,
) -> Iterator[tuple[Node, Node]] | None:
    """Pair the nodes of two recordings, oldest first. Return None if they call different gates."""
    one = ancestors([first])[::-1]
    two = ancestors([second])[::-1]
    gates = [[node.gate and node.gate.name for node in nodes] for nodes in (one, two)]
    return zip(one, two, strict=True) if gates[0] == gates[1] else None


def equal(one: Node, two: Node) -> bool:
    """Return whether two nodes have exactly the same output."""
    return np.array_equal(one.output, two.output, equal_nan=True)


def used_by(node: Node, root: Node) -> str:
    """Describe the oldest gate in the graph of `root` that uses `node`. Return "" if there is none."""
    users = [other for other in ancestors([root]) if node in other.inputs]
    return f", used by {title(users[-1])}" if users else ""


def differing(first: Node, second: Node) -> Mistake | None:
    """Find the first node where two forward passes on the same inputs differ.

    Return None if the outputs are exactly equal.
    """
    if equal(first, second):
        return None
    pairs = side_by_side(first, second)
    if pairs is None:
        text = "two forward passes on the same inputs call different gates"
        return Mistake(second, "nondeterministic", text, is_rule=False)
    one = next(one for one, two in pairs if not equal(one, two))
    where = title(one)
    if one.gate is None and (user := used_by(one, first)):
        where = f"a constant of shape {one.output.shape}{user}"
    dropout = "dropout" in (scope_label(one.scope) + where).lower()
    why = "dropout is on" if dropout else "random numbers are drawn"
    text = f"{why}, so two forward passes on the same inputs give different results. The first difference is in {where}"
    return Mistake(one, "nondeterministic", text, is_rule=False)


WAYS = {
    "detached": "was detached",
    "no_grad": "was computed inside no_grad",
    "cut": "was cut",
}


def leaking(base: Node, moved: Node) -> Mistake | None:
    """Find a constant that changes when the inputs change.

    Its value depends on the inputs, but this dependence is not recorded.
    """
    pairs = side_by_side(base, moved)
    if pairs is None:
        text = "the function calls different gates if its inputs change by 1e-6: it branches on a value"
        return Mistake(base, "branch", text, is_rule=False)
    for one, two in pairs:
        if isinstance(one, Leaf) and not equal(one, two):
            how = WAYS.get(one.origin, "was made from a plain array (t.array, t.item() or NumPy)")
            text = f"a value of shape {one.output.shape}"
            if user := used_by(one, base):
                text += f"{user},"
            text += f" depends on the inputs but {how}, so no gradient passes through it"
            return Mistake(one, "detached", text, is_rule=False)
    return None
