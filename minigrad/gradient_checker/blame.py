"""Causes outside the rules: why a gradient is wrong, or cannot be checked, although every gate's
rule is right.

Most of them show when two recordings of the same program are compared node by node.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from ..context import scope_label
from ..debug.anomaly import title
from ..derivatives import rule_on_arrays
from ..graph import Array, LazyGradient, Leaf, Node, ancestors, dense
from .slip import Slip


def side_by_side(first: Node, second: Node) -> Iterator[tuple[Node, Node]] | None:
    """The nodes of two recordings in pairs, oldest first; None if they do not call the same
    gates.
    """
    one, two = ancestors([first])[::-1], ancestors([second])[::-1]
    if [node.gate and node.gate.name for node in one] != [
        node.gate and node.gate.name for node in two
    ]:
        return None
    return zip(one, two, strict=True)


def differing(first: Node, second: Node) -> Slip | None:
    """The first node where two forward passes from equal inputs differ; None if they agree to the
    last bit.
    """
    if np.array_equal(first.output, second.output, equal_nan=True):
        return None
    pairs = side_by_side(first, second)
    if pairs is None:
        text = "the two forward passes did not even call the same gates"
        return Slip(second, "nondeterministic", text, is_rule=False)
    one = next(
        one for one, two in pairs if not np.array_equal(one.output, two.output, equal_nan=True)
    )
    users = [node for node in ancestors([first]) if one in node.inputs]
    where = (
        title(one)
        if one.gate or not users
        else f"a constant {one.output.shape} into {title(users[-1])}"
    )
    why = (
        "dropout is on"
        if "dropout" in (scope_label(one.scope) + where).lower()
        else "something random is drawn"
    )
    text = f"two forward passes from the same inputs differ, first in {where}: {why}"
    return Slip(one, "nondeterministic", text, is_rule=False)


def leaking(base: Node, moved: Node, checked: set[Node]) -> Slip | None:
    """A constant that changes when the inputs are moved: it depends on them without being
    recorded.
    """
    pairs = side_by_side(base, moved)
    if pairs is None:
        text = "the program calls other gates when its inputs move by 1e-6: it branches on a value"
        return Slip(base, "branch", text, is_rule=False)
    for one, two in pairs:
        if (
            isinstance(one, Leaf)
            and one not in checked
            and not np.array_equal(one.output, two.output, equal_nan=True)
        ):
            users = [node for node in ancestors([base]) if one in node.inputs]
            ways = {
                "detached": "was detached",
                "no_grad": "was computed inside no_grad",
                "cut": "was cut",
            }
            how = ways.get(one.origin, "was made from a plain array (t.array, t.item() or NumPy)")
            user = f", which goes into {title(users[-1])}," if users else ""
            text = f"a value {one.output.shape}{user} depends on the inputs but {how}: its path carries no gradient"
            return Slip(one, "detached", text, is_rule=False)
    return None


def wrongly_summed(
    root: Node, upstream: Array, swept: dict[Node, Array | LazyGradient]
) -> Slip | None:
    """The first node whose gradient is not the sum of what its consumers send back: a check of the
    engine itself.
    """
    agree = partial(np.allclose, rtol=1e-9, atol=1e-12)
    sent: dict[Node, list[Array]] = {root: [upstream]}
    for node in ancestors([root]):
        if node not in sent or not node.requires_grad:
            continue
        total = np.sum(sent[node], axis=0)
        found = dense(swept.get(node, np.zeros_like(total)))
        if not agree(found, total):
            parts = sent[node]
            text = f"{title(node)} is used {len(parts)} times, and its gradient is not the sum of what comes back"
            if len(parts) > 1 and any(agree(found, part) for part in parts):
                return Slip(node, "= where += belongs", text + ": = instead of +=", is_rule=False)
            return Slip(node, "wrong sum", text, is_rule=False)
        for parent, part in zip(
            node.inputs, rule_on_arrays(node, total) if node.gate else (), strict=True
        ):
            if part is not None:
                sent.setdefault(parent, []).append(part)
    return None
