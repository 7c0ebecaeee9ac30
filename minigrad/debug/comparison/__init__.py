"""Compare two recorded graphs: `compare` finds the first difference between them.

Both graphs are searched from the end toward the leaves, as long as the values differ. The earliest
nodes that differ have equal inputs, so they are the cause (alignment.py). If all values agree, the
gradients are searched in the same way, from the leaves toward the loss.
"""

from ...errors import DtypeError, MinigradError
from ...gates.fused.unfuse import UNFUSED, unfuse
from ...graph import Node, ancestors
from ...tensor import Tensor
from .alignment import Alignment, kind_of
from .gradients import first_gradient
from .result import Comparison as Comparison
from .result import Difference


def compare(
    a: Tensor,
    b: Tensor,
    names: tuple[str, str] = ("a", "b"),
) -> Comparison:
    """Find the first difference between the graphs of two Tensors, usually two losses.

    Equal values show which nodes of the graphs do the same work. The result's `kind` is "equal", or
    the first of these differences, in the order of the computation:

    - "parameter", "input", "constant": a leaf has different values
    - "shape", "dtype": a leaf has a different shape or dtype
    - "gate": a different gate; "only in a", "only in b": a gate that the other graph does not have
    - "setting": the same gate with a different setting, such as an axis
    - "order", "wiring": the same gate with its inputs exchanged, or with a different input
    - "value": a gate with the same name and inputs computes a different value
    - "cut": all values are equal, but the gradient stops in only one of the graphs
    - "gradient": all values are equal; this is the first gradient that differs, starting at the loss

    If both graphs compute the same values and gradients with different gates, the result is equal,
    and its kind is "written differently". Names, scopes, the order of independent statements and
    the order of the terms of a sum or product do not matter. The text calls the graphs by their
    `names`.

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
    except MinigradError:
        # A parameter has changed since the forward pass.
        return result
    # If the other graph contains the formula of a fused gate, most small gates have partners, so
    # they are easier to compare. If the fused gate was left out or replaced, the whole gate is
    # easier to recognize.
    return min(result, small, key=_unlike)


def _fused(tensor: Tensor) -> list[str]:
    nodes = ancestors([tensor.node])
    fused = [node for node in nodes if type(node.gate) in UNFUSED]
    return sorted(map(kind_of, fused))


def _unlike(result: Comparison) -> int:
    return sum(len(graph.new()) for graph in result.graphs)


def _compare(a: Tensor, b: Tensor, names: tuple[str, str]) -> Comparison:
    pairs = Alignment(a.node, b.node)
    new = pairs.a.new(), pairs.b.new()
    if pairs.values[a.node] != pairs.values[b.node]:
        kind, x, y = _first_value(pairs)
    else:
        kind, x, y = first_gradient(pairs)
    if kind == "gradient":
        kind, x, y = _cause(pairs, x, y)
    if kind == "equal" and any(new):
        kind = "written differently"
        x, y = [next(iter(nodes), None) for nodes in new]
    return Comparison(kind, x, y, (pairs.a, pairs.b), names)


def _first_value(pairs: Alignment) -> Difference:
    """Return the first difference if the values differ.

    If the first gate has no partner, it was added, left out or replaced.
    """
    x = next(iter(pairs.a.differ), None)
    y = next(iter(pairs.b.differ), None)
    left = x in pairs.a.partners
    right = y in pairs.b.partners
    if x and y and left == right:
        pairs.pair(x, y)
        return _kind(pairs, x, y)
    if x and not left:
        return "only in a", x, None
    return "only in b", None, y


def _cause(pairs: Alignment, x: Node | None, y: Node | None) -> Difference:
    """Return the first difference if gradients differ. It may be too small to change values, such as a
    different epsilon.
    """
    users = pairs.a.first_user(x), pairs.b.first_user(y)
    for one, other in (x, y), users:
        if one and other and kind_of(one) == kind_of(other):
            cause = _kind(pairs, one, other)
            settings = repr(one.gate) != repr(other.gate)
            if settings or cause[0] == "constant":
                return cause
    return "gradient", x, y


def _kind(pairs: Alignment, x: Node, y: Node) -> Difference:
    """Return how two nodes in the same place differ."""
    if kind_of(x) != kind_of(y):
        return "gate", x, y
    if not x.predecessors:
        if x.shape != y.shape:
            return "shape", x, y
        same = x.dtype == y.dtype
        return kind_of(x) if same else "dtype", x, y
    left = [pairs.values[one] for one in x.predecessors]
    right = [pairs.values[one] for one in y.predecessors]
    if sorted(left) == sorted(right):
        same = type(x.gate) is type(y.gate)
        kind = "setting" if same else "value"
        return kind if left == right else "order", x, y
    for p, q in zip(x.predecessors, y.predecessors, strict=False):
        if pairs.values[p] != pairs.values[q]:
            leaves = not (p.predecessors or q.predecessors)
            known = p in pairs.a.partners or q in pairs.b.partners
            if leaves and not (known and p.output.ndim):
                return _kind(pairs, p, q)
            return "wiring", p, q
    return "wiring", x, y
