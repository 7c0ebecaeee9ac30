"""Compare two recorded graphs: `compare` finds the first difference between them.

The graphs are aligned (alignment.py). Then the partners are compared in the order in which they
were computed. A difference is a cause only if what it was computed from is equal.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from ..backward import sweep
from ..context import enable_grad
from ..errors import DtypeError, MinigradError
from ..gates.fused.sequence import _Sequence
from ..gates.fused.unfuse import UNFUSED, unfuse
from ..gradients import dense
from ..graph import Node
from ..replay import again
from ..tensor import Tensor
from .alignment import COMMUTATIVE, Side, align, kind_of
from .difference import ROUNDING, Comparison, close

ADDRESSES = frozenset({"axis", "axes", "to", "key", "widths", "stride", "subscripts", "scale"})
"""Settings that can be written in several ways, such as axis=1 and axis=-1. They are equal if both
gates compute the same from random numbers."""

STRUCTURE = frozenset({"gate", "only in a", "only in b", "wiring", "order"})
"""Differences that do not matter if both graphs compute the same from there on. If there are any,
the same holds for those with a question mark. For example, "setting?" is a setting, such as keepdims,
that other gates can make up for, and "shape?" the shape of an input, which may be one step of a
sequence or the whole sequence."""


class _Fault(NamedTuple):
    rank: float
    kind: str
    nodes: tuple[Node | None, Node | None]
    users: tuple[Node | None, Node | None] = (None, None)


def compare(a: Tensor, b: Tensor, names: tuple[str, str] = ("a", "b")) -> Comparison:
    """Find the first difference between the graphs of two Tensors, usually two losses.

    The gates of `a` and `b` are aligned: a gate that only one graph has does not hide that the
    gates after it are alike. The result's `kind` is "equal", or the first of these differences,
    in the order in which `a` was computed:

    - "parameter", "input", "constant": a leaf has other values
    - "shape", "dtype": a leaf or an output has another shape or dtype
    - "gate": another gate; "only in a", "only in b": a gate that the other graph does not have
    - "setting": the same gate with another setting, such as an axis
    - "order", "wiring": the same gate with its inputs exchanged, or with another input
    - "value": the same gate computes another value from the same inputs
    - "cut": the gradient stops in only one of the graphs
    - "gradient": all values are equal; this is the first gradient that differs, starting at the loss

    If both graphs compute the same values and gradients with other gates, the result is equal, and
    its kind is "written differently". Names, scopes, the order of independent statements and the
    order of the terms of a sum or product do not matter. `names` are used in the text.

    The result is true if the graphs are equal, and `print` explains it. `save(path)` writes a page
    (.html) in which both graphs step together, or a picture (.svg, .png) in two columns.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> print(compare((x.tanh() * 2).sum(), (x.sigmoid() * 2).sum()))
    The first difference is a gate: a has Tanh where b has Sigmoid.
      a: Tanh (at the top level); (2,) float32; its value at [1] is 0.964028
      b: Sigmoid (at the top level); (2,) float32; its value at [1] is 0.880797
    The largest difference is 0.08323 at [1].
    Pairs of gates: 0 before it are equal, 2 after it differ.

    Errors: DtypeError for anything but Tensors (MG760); GradientError if the values are equal and a
    parameter has changed since the forward pass (MG123).
    Source: Zeller and Hildebrandt, Simplifying and isolating failure-inducing input (2002), for the
    aim; alignment.py names the method's.

    Since: 0.2.
    """
    for one in (a, b):
        if not isinstance(one, Tensor):
            raise DtypeError(
                "MG760",
                f"compare needs two Tensors, not {type(one).__name__}",
                cause="arrays and numbers do not record how they were computed",
                remedy="pass the losses themselves, not their .array or .item()",
            )
    result = _compare(a, b, names)
    fused = [
        Counter(type(node.gate) for node in Side(one.node).nodes if type(node.gate) in UNFUSED)
        for one in (a, b)
    ]
    if result.equal or fused[0] == fused[1]:
        return result
    try:
        small = _compare(unfuse(a), unfuse(b), names)
    except MinigradError:  # a parameter has changed since the forward pass
        return result
    # A sequence in one gate is compared step by step. Other gates are easier to recognize as a whole.
    steps = any(isinstance(node.gate, _Sequence) for node in (result.a, result.b) if node)
    return small if small.equal or steps else result


def _compare(a: Tensor, b: Tensor, names: tuple[str, str]) -> Comparison:
    pairing = _Pairing(Side(a.node), Side(b.node))
    faults = sorted(pairing.faults(), key=lambda fault: fault.rank)
    rewritable = {one.kind for one in faults} & STRUCTURE | {"dtype?"}
    if len(rewritable) > 1:
        rewritable |= {one.kind for one in faults if one.kind.endswith("?")}
    rewritten = []
    fault = None
    for one in faults:
        if one.kind not in rewritable or pairing.matters(one):
            fault = one
            break
        rewritten.append(one)
    by_chance = False
    if fault is None and rewritten and not pairing.alike_elsewhere():
        fault, by_chance = rewritten[0], True
    if fault is None and (fault := pairing.gradient_fault()):
        inputs = [one for one in rewritten if one.kind == "input?"]
        fault = inputs[0] if inputs else fault
    kind = "written differently" if rewritten else "equal"
    shown = fault or (
        rewritten[0] if rewritten else _Fault(len(pairing.a.nodes), kind, (None, None))
    )
    return Comparison(
        kind=shown.kind.rstrip("?") if fault else kind,
        a=shown.nodes[0],
        b=shown.nodes[1],
        users=shown.users,
        roots=(a.node, b.node),
        partners=pairing.partners,
        names=names,
        by_chance=by_chance,
        group=pairing.group(shown),
        gradients=pairing.gradients if fault and fault.kind == "gradient" else None,
        **pairing.counts(shown),
    )


class _Pairing:
    """Two graphs, and the partner in `b` of each node of `a` that has one."""

    def __init__(self, a: Side, b: Side) -> None:
        self.a, self.b = a, b
        self.partners = align(a, b)
        self.back = {y: x for x, y in self.partners.items()}
        self.gradients: tuple[dict[Node, Any], dict[Node, Any]] = {}, {}
        self._equal: dict[tuple[Node, Node], bool] = {}
        self._pair_replaced()
        self.inputs = {(x, y): self._inputs(x, y) for x, y in self.partners.items()}
        used = [pair for pairs in self.inputs.values() for pair in pairs]
        parameters = [
            [node for node in side.nodes if node.gate is None and node.requires_grad]
            for side in (a, b)
        ]
        # A gate without a partner, such as a fused one, may be the only consumer of a parameter.
        alike = [(p, q) for p in parameters[0] for q in parameters[1] if self.same(p, q)]
        alike.sort(key=lambda pair: pair[0].name != pair[1].name)
        equal = [(p, q) for p, q in used if self.same(p, q)]
        for p, q in (*equal, *alike, *used):
            if kind_of(p) or kind_of(q) or p in self.partners or q in self.back:
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

    def _correspond(self, p: Node, q: Node) -> bool:
        if self.partners.get(p) is q or self.a.classes[p] == self.b.classes[q]:
            return True
        return not kind_of(p) and not kind_of(q) and self.same(p, q)

    def _likeness(self, p: Node, q: Node) -> float:
        if kind_of(p) or kind_of(q):
            return 4 * (self.partners.get(p) is q)
        return 2 * self.same(p, q) + (p.shape == q.shape) + (p.name == q.name) / 2

    def _inputs(self, x: Node, y: Node) -> list[tuple[Node, Node]]:
        """Return the pairs of inputs of two partners. The terms of a sum may be exchanged."""
        straight = list(zip(x.predecessors, y.predecessors, strict=False))
        if kind_of(x) in COMMUTATIVE and len(straight) == 2:
            swapped = list(zip(x.predecessors, y.predecessors[::-1], strict=True))
            return max(
                straight, swapped, key=lambda pairs: sum(self._likeness(*one) for one in pairs)
            )
        return straight

    def _pair_replaced(self) -> None:
        """Pair gates without partners that have a common input or a common consumer."""
        tests = (lambda x, y: repr(x.gate) == repr(y.gate), self.same, lambda x, y: True)
        for test in tests:
            rest = [y for y in self.b.nodes if kind_of(y) and y not in self.back]
            for x in self.a.nodes:
                if not kind_of(x) or x in self.partners:
                    continue
                scores = {y: self._neighbours(x, y) for y in rest if test(x, y)}
                best = max(scores, key=scores.__getitem__, default=None)
                if best is not None and scores[best] > 0:
                    self._pair(x, best)
                    rest.remove(best)

    def _neighbours(self, x: Node, y: Node) -> float:
        before = [p for p in x.predecessors if any(self._correspond(p, q) for q in y.predecessors)]
        after = {self.partners.get(user) for user in self.a.consumers[x]}
        after &= set(self.b.consumers[y])
        common = len(before) + len(after) + (x is self.a.root and y is self.b.root)
        return common and 2 * common + (x.shape == y.shape) + (kind_of(x) == kind_of(y))

    # ---- what differs ----

    def faults(self) -> Iterator[_Fault]:
        """Yield all places where the graphs differ, except in values that only follow."""
        ranks: dict[Node, float] = {}
        for y in self.b.nodes:
            before = max([ranks[q] for q in y.predecessors], default=-1.0)
            ranks[y] = self.a.rank[self.back[y]] if y in self.back else before + 1e-6
            if kind_of(y) and y not in self.back:
                yield _Fault(ranks[y], "cut" if kind_of(y) == "cut" else "only in b", (None, y))
        for x in self.a.nodes:
            if not kind_of(x):
                continue
            partner = self.partners.get(x)
            if partner is None:
                kind = "cut" if kind_of(x) == "cut" else "only in a"
                yield _Fault(self.a.rank[x], kind, (x, None))
                continue
            for kind, nodes in self._of_pair(x, partner):
                users = (None, None) if nodes == (x, partner) else (x, partner)
                yield _Fault(self.a.rank[x], kind, nodes, users)

    def _of_pair(self, x: Node, y: Node) -> Iterator[tuple[str, tuple[Node, Node]]]:
        if kind_of(x) != kind_of(y):
            yield "cut" if "cut" in (kind_of(x), kind_of(y)) else "gate", (x, y)
            return
        pairs = self.inputs[x, y]
        exchanged = self._exchanged(x, y)
        if exchanged or len(x.predecessors) != len(y.predecessors):
            yield "order" if exchanged else "wiring", (x, y)
            return
        for p, q in pairs:
            kind = self._of_inputs(p, q)
            if kind == "wiring":
                yield kind, (x, y)
            elif kind:
                yield kind, (p, q)
        setting = self._setting(x, y)
        if setting:
            yield setting, (x, y)
        if not all(self.same(p, q) and p.dtype == q.dtype for p, q in pairs):
            return
        if x.shape != y.shape and not setting:
            yield "shape", (x, y)
        elif x.dtype != y.dtype:
            yield "dtype", (x, y)
        elif not setting and not self.same(x, y) and not self._computes_the_same(x, y):
            yield "value", (x, y)

    def _exchanged(self, x: Node, y: Node) -> bool:
        """Return whether only the order of the inputs differs."""
        before, after = x.predecessors, y.predecessors
        if not 1 < len(before) == len(after) <= 4 or kind_of(x) in COMMUTATIVE:
            return False
        agree = [all(map(self._correspond, before, order)) for order in permutations(after)]
        return any(agree) and not agree[0]

    def _of_inputs(self, p: Node, q: Node) -> str:
        """Return how two inputs in the same place differ, or ""."""
        if kind_of(p) and kind_of(q):
            known = p in self.partners and q in self.back
            return "wiring" if known and not self._correspond(p, q) else ""
        if kind_of(p) or kind_of(q):
            leaf, other = (q, p) if kind_of(p) else (p, q)
            if not leaf.requires_grad and self.same(p, q):
                return "cut"
            return "wiring" if other in self.partners or other in self.back else ""
        parameter = p.requires_grad or q.requires_grad
        if p.shape != q.shape:
            return "shape" if parameter else "shape?"
        if p.dtype != q.dtype:
            return "dtype" if "f" in (p.dtype.kind, q.dtype.kind) else "dtype?"
        if self.same(p, q):
            return ""
        if parameter:
            return "parameter"
        return "input?" if p.name or p.output.ndim else "constant?"

    def _setting(self, x: Node, y: Node) -> str:
        """Return "setting" if the settings differ, "setting?" if that may not matter, or ""."""
        if type(x.gate) is not type(y.gate) or x.gate is None:
            return ""  # gates of different classes with the same name
        mine, other = vars(x.gate), vars(y.gate)
        differ = {key for key in mine if not _same_setting(mine[key], other.get(key))}
        if not differ or differ <= ADDRESSES and self._computes_the_same(x, y, at_random=True):
            return ""
        return "setting?" if differ <= ADDRESSES | {"keepdims", "reduction"} else "setting"

    def _computes_the_same(self, x: Node, y: Node, at_random: bool = False) -> bool:
        """Return whether both gates compute the same from the arrays of x, or from random ones."""
        arrays = list(x.arrays[: len(x.inputs)])
        if at_random:
            random = np.random.default_rng(0)
            for place, array in enumerate(arrays):
                if array.dtype.kind == "f" and place not in x.gate.constant_inputs:
                    arrays[place] = random.normal(size=array.shape)
        with np.errstate(all="ignore"):
            try:
                one, other = [np.asarray(node.gate.value(*arrays)) for node in (x, y)]
            except (ValueError, IndexError, MinigradError):
                return False
        return close(one, other)

    # ---- which differences matter ----

    def matters(self, fault: _Fault) -> bool:
        """Return whether a difference reaches the end of a graph without passing equal values."""
        roots = {self.a.root: self.b.root}, {self.b.root: self.a.root}
        sides = (self.a, self.partners | roots[0]), (self.b, self.back | roots[1])
        for node, (side, partners) in zip(fault.nodes, sides, strict=True):
            waiting = [node] if node else []
            seen = set(waiting)
            for one in waiting:
                other = partners.get(one)
                pair = (one, other) if side is self.a else (other, one)
                if other is not None and one.dtype == other.dtype and self.same(*pair):
                    continue
                if one is side.root:
                    return True
                waiting += [user for user in side.consumers[one] if user not in seen]
                seen.update(side.consumers[one])
        return False

    def alike_elsewhere(self) -> bool:
        """Return whether the graphs also agree for other values of the parameters.

        For example, a ReLU changes nothing if all of its inputs happen to be positive.
        """
        random = np.random.default_rng(0)
        for step in (0.1, 1.0, 1.0, 1.0, 1.0):
            values: dict[Node, Tensor] = {}
            for leaf in (*self.a.nodes, *self.b.nodes):
                if leaf.gate is None and leaf.requires_grad and leaf not in values:
                    size = np.abs(leaf.output).max(initial=0) or 1.0
                    moved = leaf.output + step * size * random.normal(size=leaf.shape)
                    values[leaf] = Tensor(moved.astype(leaf.dtype))
                    if leaf in self.partners:
                        partner = self.partners[leaf]
                        values[partner] = Tensor(moved.astype(partner.dtype))
            with np.errstate(all="ignore"):
                one = again(self.a.root, values)[self.a.root].array
                other = again(self.b.root, values)[self.b.root].array
            finite = np.isfinite(one).all() and np.isfinite(other).all()
            if finite and not close(one, other):
                return False
        return True

    def gradient_fault(self) -> _Fault | None:
        """Return the first gradient that differs, starting at the roots, or None."""
        roots = self.a.root, self.b.root
        if not all(root.requires_grad for root in roots):
            return None
        for side, found in zip((self.a, self.b), self.gradients, strict=True):
            start = side.root.upstream
            start = np.ones_like(side.root.output) if start is None else start
            with enable_grad():
                swept = sweep(side.root, start, keep=set(side.nodes))
            found.update({node: np.asarray(dense(one)) for node, one in swept.items()})
        largest = max((np.abs(one).max(initial=0) for one in self.gradients[0].values()), default=0)
        # Only a difference that reaches a leaf counts: rewritten gates have other inner gradients.
        differing: set[Node] = set()
        for x in self.a.nodes:
            same = x in self.partners and self.same_gradient(x, 0.01 * largest)
            ends = x.gate is None and x in self.partners
            if not same and (ends or not differing.isdisjoint(x.inputs)):
                differing.add(x)
        for x in reversed(self.a.nodes):
            y = self.partners.get(x)
            if x in differing and y is not None and self.same(x, y):
                user = next(iter(self.a.consumers[x]), None)
                users = (user, self.partners.get(user)) if user else (None, None)
                return _Fault(self.a.rank[x], "gradient", (x, y), users)
        return None

    def same_gradient(self, x: Node, least: float = 0.0) -> bool:
        """Return whether a node and its partner have equal gradients. A missing one is zero."""
        y = self.partners[x]
        one = self.gradients[0].get(x, np.zeros(x.shape))
        return close(one, self.gradients[1].get(y, np.zeros(y.shape)), least=least)

    def group(self, fault: _Fault) -> list[Node]:
        """Return the gate that only one graph has, and those that follow without a partner."""
        side, partners = (self.b, self.back) if fault.nodes[0] is None else (self.a, self.partners)
        found = [node for node in fault.nodes if node and None in fault.nodes]
        for node in found:  # the list grows during the loop
            found += [
                user for user in side.consumers[node] if user not in partners and user not in found
            ]
        return found

    def counts(self, shown: _Fault) -> dict[str, int]:
        """Count the pairs of gates before a difference that are equal, and those after it that
        differ.
        """
        pairs = [(x, y) for x, y in self.partners.items() if x.gate]
        if shown.kind == "gradient":
            later = [x for x, _ in pairs if self.a.rank[x] > shown.rank]
            earlier = [x for x, _ in pairs if self.a.rank[x] < shown.rank]
            return {
                "before": len(later),
                "follows": sum(not self.same_gradient(x) for x in earlier),
            }
        before = [one for one in pairs if self.a.rank[one[0]] < shown.rank]
        after = [one for one in pairs if self.a.rank[one[0]] > shown.rank]
        return {
            "before": sum(self.same(*one) for one in before),
            "follows": sum(not self.same(*one) for one in after),
        }


def _same_setting(one: Any, other: Any) -> bool:
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_same_setting, one, other))
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    # Two functions cannot be compared. The gates' values decide.
    return callable(one) and callable(other) or bool(one == other)
