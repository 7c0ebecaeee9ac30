"""All places where two graphs differ, except in values that only follow from other differences."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from ...errors import MinigradError
from ...graph import Node
from .alignment import COMMUTATIVE, kind_of
from .pairs import Pairs
from .result import close

ADDRESSES = frozenset(
    {"axis", "axes", "to", "key", "widths", "stride", "subscripts", "scale"}
)
"""Settings that can be written in several ways, such as axis=1 and axis=-1. They are equal if both
gates compute the same from random numbers."""


class Fault(NamedTuple):
    """A place where the graphs differ: the two nodes, and if they are leaves, their users."""

    rank: float
    kind: str
    nodes: tuple[Node | None, Node | None]
    users: tuple[Node | None, Node | None] = (None, None)


def find_faults(pairs: Pairs) -> Iterator[Fault]:
    """Yield all places where the graphs differ, except in values that only follow."""
    ranks: dict[Node, float] = {}
    for y in pairs.b.nodes:
        before = max([ranks[q] for q in y.predecessors], default=-1.0)
        ranks[y] = (
            pairs.a.rank[pairs.back[y]]
            if y in pairs.back
            else before + 1e-6
        )
        if kind_of(y) and y not in pairs.back:
            yield Fault(
                ranks[y],
                "cut" if kind_of(y) == "cut" else "only in b",
                (None, y),
            )
    roots = pairs.a.root, pairs.b.root
    if not any(map(kind_of, roots)) and (kind := _of_inputs(pairs, *roots)):
        yield Fault(-1, kind, roots)
    for x in pairs.a.nodes:
        if not kind_of(x):
            continue
        partner = pairs.partners.get(x)
        if partner is None:
            kind = "cut" if kind_of(x) == "cut" else "only in a"
            yield Fault(pairs.a.rank[x], kind, (x, None))
            continue
        for kind, nodes in _of_pair(pairs, x, partner):
            users = (None, None) if nodes == (x, partner) else (x, partner)
            yield Fault(pairs.a.rank[x], kind, nodes, users)


def _of_pair(
    pairs: Pairs, x: Node, y: Node
) -> Iterator[tuple[str, tuple[Node, Node]]]:
    if kind_of(x) != kind_of(y):
        yield "cut" if "cut" in (kind_of(x), kind_of(y)) else "gate", (x, y)
        return
    inputs = pairs.inputs[x, y]
    exchanged = _exchanged(pairs, x, y)
    if exchanged or len(x.predecessors) != len(y.predecessors):
        yield "order" if exchanged else "wiring", (x, y)
        return
    for p, q in inputs:
        kind = _of_inputs(pairs, p, q)
        if kind == "wiring":
            yield kind, (x, y)
        elif kind:
            yield kind, (p, q)
    setting = _setting(pairs, x, y)
    if setting:
        yield setting, (x, y)
    if not all(pairs.same(p, q) and p.dtype == q.dtype for p, q in inputs):
        return
    if x.shape != y.shape and not setting:
        yield "shape", (x, y)
    elif x.dtype != y.dtype:
        yield "dtype", (x, y)
    elif (
        not setting
        and not pairs.same(x, y)
        and not _computes_the_same(pairs, x, y)
    ):
        yield "value", (x, y)


def _exchanged(pairs: Pairs, x: Node, y: Node) -> bool:
    """Return whether only the order of the inputs differs."""
    before, after = x.predecessors, y.predecessors
    if not 1 < len(before) == len(after) <= 4 or kind_of(x) in COMMUTATIVE:
        return False
    agree = [
        all(map(pairs.correspond, before, order))
        for order in permutations(after)
    ]
    return any(agree) and not agree[0]


def _of_inputs(pairs: Pairs, p: Node, q: Node) -> str:
    """Return how two inputs in the same place differ, or ""."""
    if kind_of(p) and kind_of(q):
        known = p in pairs.partners and q in pairs.back
        return "wiring" if known and not pairs.correspond(p, q) else ""
    if kind_of(p) or kind_of(q):
        leaf, other = (q, p) if kind_of(p) else (p, q)
        if not leaf.requires_grad and pairs.same(p, q):
            return "cut"
        return (
            "wiring"
            if other in pairs.partners or other in pairs.back
            else ""
        )
    if not pairs.same(p, q):
        usual = pairs.partners.get(p, q), pairs.back.get(q, p)
        if pairs.same(p, usual[0]) or pairs.same(usual[1], q):
            return "wiring"  # the other graph uses the same leaf elsewhere
    parameter = p.requires_grad or q.requires_grad
    if p.shape != q.shape:
        return "shape" if parameter else "shape?"
    if p.dtype != q.dtype:
        return "dtype" if "f" in (p.dtype.kind, q.dtype.kind) else "dtype?"
    if pairs.same(p, q):
        return ""
    if parameter:
        return "parameter"
    return "input?" if p.name or p.output.ndim else "constant?"


def _setting(pairs: Pairs, x: Node, y: Node) -> str:
    """Return "setting" if the settings differ, "setting?" if that may not matter, or ""."""
    if type(x.gate) is not type(y.gate) or x.gate is None:
        return ""  # gates of different classes with the same name
    mine, other = vars(x.gate), vars(y.gate)
    differ = {
        key for key in mine if not _same_setting(mine[key], other.get(key))
    }
    if (
        not differ
        or differ <= ADDRESSES
        and _computes_the_same(pairs, x, y, at_random=True)
    ):
        return ""
    return (
        "setting?"
        if differ <= ADDRESSES | {"keepdims", "reduction"}
        else "setting"
    )


def _computes_the_same(
    pairs: Pairs, x: Node, y: Node, at_random: bool = False
) -> bool:
    """Return whether both gates compute the same from the arrays of x, or from random ones."""
    arrays = list(x.arrays[: len(x.inputs)])
    if at_random:
        random = np.random.default_rng(0)
        for place, array in enumerate(arrays):
            if (
                array.dtype.kind == "f"
                and place not in x.gate.constant_inputs
            ):
                arrays[place] = random.normal(size=array.shape)
    with np.errstate(all="ignore"):
        try:
            one, other = [
                np.asarray(node.gate.value(*arrays)) for node in (x, y)
            ]
        except (ValueError, IndexError, MinigradError):
            return False
    return close(one, other)


def _same_setting(one: Any, other: Any) -> bool:
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(
            map(_same_setting, one, other)
        )
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    # Two functions cannot be compared. The gates' values decide.
    return callable(one) and callable(other) or bool(one == other)
