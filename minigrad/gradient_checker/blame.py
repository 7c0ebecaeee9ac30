"""Causes outside the rules: why a gradient is wrong, or cannot be checked, although every gate's
rule is right.

Most of them show when two recordings of the same program are compared node by node.
"""

from collections.abc import Iterator

import numpy as np

from ..context import scope_label
from ..debug.anomaly import title
from ..graph import Leaf, Node, ancestors
from .slip import Slip


def side_by_side(first: Node, second: Node) -> Iterator[tuple[Node, Node]] | None:
    """The nodes of two recordings in pairs, oldest first; None if they do not call the same
    gates.
    """
    one, two = (ancestors([root])[::-1] for root in (first, second))
    gates_of_one = [node.gate and node.gate.name for node in one]
    gates_of_two = [node.gate and node.gate.name for node in two]
    return zip(one, two, strict=True) if gates_of_one == gates_of_two else None


def equal(one: Node, two: Node) -> bool:
    """Whether two nodes have the same output, to the last bit."""
    return np.array_equal(one.output, two.output, equal_nan=True)


def users(node: Node, root: Node) -> list[Node]:
    """The nodes behind `root` that use a node, the first one last."""
    return [other for other in ancestors([root]) if node in other.inputs]


def differing(first: Node, second: Node) -> Slip | None:
    """The first node where two forward passes from equal inputs differ; None if they agree to the
    last bit.
    """
    if equal(first, second):
        return None
    pairs = side_by_side(first, second)
    if pairs is None:
        text = "the two forward passes did not even call the same gates"
        return Slip(second, "nondeterministic", text, is_rule=False)
    one = next(one for one, two in pairs if not equal(one, two))
    where = title(one)
    if one.gate is None and (using := users(one, first)):
        where = f"a constant {one.output.shape} into {title(using[-1])}"
    dropout = "dropout" in (scope_label(one.scope) + where).lower()
    why = "dropout is on" if dropout else "something random is drawn"
    text = f"two forward passes from the same inputs differ, first in {where}: {why}"
    return Slip(one, "nondeterministic", text, is_rule=False)


WAYS = {
    "detached": "was detached",
    "no_grad": "was computed inside no_grad",
    "cut": "was cut",
}


def leaking(base: Node, moved: Node, checked: set[Node]) -> Slip | None:
    """A constant that changes when the inputs are moved: it depends on them without being
    recorded.
    """
    pairs = side_by_side(base, moved)
    if pairs is None:
        text = "the program calls other gates when its inputs move by 1e-6: it branches on a value"
        return Slip(base, "branch", text, is_rule=False)
    for one, two in pairs:
        if isinstance(one, Leaf) and one not in checked and not equal(one, two):
            using = users(one, base)
            user = f", which goes into {title(using[-1])}," if using else ""
            how = WAYS.get(one.origin, "was made from a plain array (t.array, t.item() or NumPy)")
            text = f"a value {one.output.shape}{user} depends on the inputs but {how}: its path carries no gradient"
            return Slip(one, "detached", text, is_rule=False)
    return None
