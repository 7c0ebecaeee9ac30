"""Compare two recorded graphs: `compare` finds the first difference between them.

Both graphs are walked from the end to the leaves, as far as the values differ. The first nodes of what
was found have equal inputs, so they are the cause (alignment.py). If all values agree, the gradients
are walked in the same way from the leaves to the loss.
"""

from ...errors import DtypeError, MinigradError
from ...gates.fused.unfuse import UNFUSED, unfuse
from ...graph import Node, ancestors
from ...tensor import Tensor
from .alignment import Alignment, kind_of
from .gradients import find_gradients
from .result import Comparison as Comparison

Found = tuple[str, Node | None, Node | None]


def compare(
    a: Tensor,
    b: Tensor,
    names: tuple[str, str] = ("a", "b"),
) -> Comparison:
    """Find the first difference between the graphs of two Tensors, usually two losses.

    Equal values show which nodes of the graphs do the same work. The result's `kind` is "equal", or
    the first of these differences, in the order of the computation:

    - "parameter", "input", "constant": a leaf has other values
    - "shape", "dtype": a leaf has another shape or dtype
    - "gate": another gate; "only in a", "only in b": a gate that the other graph does not have
    - "setting": the same gate with another setting, such as an axis
    - "order", "wiring": the same gate with its inputs exchanged, or with another input
    - "value": a gate with the same name and inputs computes another value
    - "cut": all values are equal, but the gradient stops in only one of the graphs
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
    Pairs of gates: 0 agree, 3 differ.

    Errors: DtypeError for anything but Tensors (MG760); GradientError if the values are equal and a
    parameter has changed since the forward pass (MG123).
    Source: Zeller and Hildebrandt, Simplifying and isolating failure-inducing input (2002), for the
    aim.

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
    if result.equal or _fused(a) == _fused(b):
        return result
    try:
        small = _compare(unfuse(a), unfuse(b), names)
    except MinigradError:  # a parameter has changed since the forward pass
        return result
    # Small gates help next to a formula by hand, where most of them have partners. If a fused gate
    # was left out or replaced, it is easier to recognize as a whole.
    return min(result, small, key=lambda one: len(one.new))


def _fused(tensor: Tensor) -> list[str]:
    nodes = ancestors([tensor.node])
    fused = [node for node in nodes if type(node.gate) in UNFUSED]
    return sorted(map(kind_of, fused))


def _compare(a: Tensor, b: Tensor, names: tuple[str, str]) -> Comparison:
    pairs = Alignment(a.node, b.node)
    left, right = pairs.a, pairs.b
    new = [graph.new() for graph in (left, right)]
    if left.differ or right.differ:
        kind, x, y = _first_value(pairs)
    else:
        kind, x, y = find_gradients(pairs)
    if kind == "gradient":
        kind, x, y = _cause(pairs, x, y)
    if kind == "equal" and any(new):
        kind = "written differently"
        x, y = _first_gate(new[0]), _first_gate(new[1])
    return Comparison(
        kind=kind,
        a=x,
        b=y,
        users=[left.user(x), right.user(y)],
        arrays=[
            left.arrays[x] if x else None,
            right.arrays[y] if y else None,
        ],
        roots=(a.node, b.node),
        names=names,
        partners=left.partners,
        differ={*left.differ, *right.differ},
        new={*new[0], *new[1]},
    )


def _first_value(pairs: Alignment) -> Found:
    """Return the first difference if the values differ.

    Gates before the first partners were put in, left out or replaced.
    """
    x, y = map(_first_gate, pairs.before)
    if x and y:
        pairs.pair(x, y)
        return "gate", x, y
    if x or y:
        return "only in a" if x else "only in b", x, y
    return _kind(pairs, *pairs.first)


def _cause(pairs: Alignment, x: Node | None, y: Node | None) -> Found:
    """Return the first difference if gradients differ, which may be too small to change values, such as
    another epsilon.
    """
    one, other = pairs.a.user(x), pairs.b.user(y)
    if one and other and kind_of(one) == kind_of(other):
        cause = _kind(pairs, one, other)
        settings = repr(one.gate) != repr(other.gate)
        if settings or cause[0] == "constant":
            return cause
    return "gradient", x, y


def _first_gate(nodes: list[Node]) -> Node | None:
    return next((node for node in nodes if node.gate), None)


def _kind(pairs: Alignment, x: Node, y: Node) -> Found:
    """Return how two nodes of the same kind with equal inputs differ."""
    kind = kind_of(x)
    if x.shape != y.shape and x.gate is None:
        return "shape", x, y
    if x.gate is None:
        return kind if x.dtype == y.dtype else "dtype", x, y
    left = [pairs.values[one] for one in x.predecessors]
    right = [pairs.values[one] for one in y.predecessors]
    if sorted(left) != sorted(right):
        inputs = zip(x.predecessors, y.predecessors, strict=False)
        for p, q in inputs:
            if pairs.values[p] != pairs.values[q]:
                constants = kind_of(p) == kind_of(q) == "constant"
                return "constant" if constants else "wiring", p, q
        return "wiring", x, y
    if left != right:
        return "order", x, y
    same = type(x.gate) is type(y.gate)
    return "setting" if same else "value", x, y
