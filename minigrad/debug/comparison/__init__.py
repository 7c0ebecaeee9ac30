"""Compare two recorded graphs: `compare` finds the first difference between them.

The graphs are aligned (alignment.py, pairs.py). Then the partners are compared in the order in which
they were computed (faults.py). A difference is a cause only if what it was computed from is equal.
Some differences do not change the results (causes.py).
"""

from collections import Counter

from ...errors import DtypeError, MinigradError
from ...gates.fused.sequence import _Sequence
from ...gates.fused.unfuse import UNFUSED, unfuse
from ...tensor import Tensor
from . import causes
from .alignment import Side, kind_of
from .faults import Fault, find_faults
from .pairs import Pairs
from .result import Comparison as Comparison

STRUCTURE = frozenset({"gate", "only in a", "only in b", "wiring", "order"})
"""Differences that do not matter if both graphs compute the same from there on. If there are any,
the same holds for those with a question mark. For example, "setting?" is a setting, such as keepdims,
that other gates can make up for, and "shape?" the shape of an input, which may be one step of a
sequence or the whole sequence."""


def compare(
    a: Tensor, b: Tensor, names: tuple[str, str] = ("a", "b")
) -> Comparison:
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
        Counter(
            type(node.gate)
            for node in Side(one.node).nodes
            if type(node.gate) in UNFUSED
        )
        for one in (a, b)
    ]
    if result.equal or fused[0] == fused[1]:
        return result
    try:
        small = _compare(unfuse(a), unfuse(b), names)
    except MinigradError:  # a parameter has changed since the forward pass
        return result
    # Small gates help next to a formula by hand, where most of them have partners. If a fused gate
    # was left out or replaced, it is easier to recognize as a whole.
    fewer = _without_partner(small) < _without_partner(result)
    # A sequence stacks its steps in another way than a layer, which matters only for gradients.
    if any(issubclass(gate, _Sequence) for gate in fused[0] | fused[1]):
        fewer = result.kind == "gradient"
    return small if small.equal or fewer else result


def _without_partner(result: Comparison) -> int:
    """Count the nodes of both graphs without a partner of the same kind."""
    alike = [
        x for x, y in result.partners.items() if kind_of(x) == kind_of(y)
    ]
    return sum(len(Side(root).nodes) for root in result.roots) - 2 * len(
        alike
    )


def _compare(a: Tensor, b: Tensor, names: tuple[str, str]) -> Comparison:
    pairs = Pairs(Side(a.node), Side(b.node))
    faults = sorted(find_faults(pairs), key=lambda fault: fault.rank)
    rewritable = {one.kind for one in faults} & STRUCTURE | {"dtype?"}
    if len(rewritable) > 1:
        rewritable |= {one.kind for one in faults if one.kind.endswith("?")}
    rewritten = []
    fault = None
    for one in faults:
        if one.kind not in rewritable or causes.matters(pairs, one):
            fault = one
            break
        rewritten.append(one)
    if fault is not None and fault.kind == "shape?":
        # One step of the data and the whole sequence have different shapes. Other weights matter more.
        fault = next(
            (one for one in faults if one.kind == "parameter"), fault
        )
    by_chance = False
    if fault is None and rewritten and not causes.alike_elsewhere(pairs):
        fault, by_chance = rewritten[0], True
    if fault is None and (fault := causes.gradient_fault(pairs)):
        inputs = [one for one in rewritten if one.kind == "input?"]
        fault = inputs[0] if inputs else fault
    kind = "written differently" if rewritten else "equal"
    shown = fault or (
        rewritten[0]
        if rewritten
        else Fault(len(pairs.a.nodes), kind, (None, None))
    )
    return Comparison(
        kind=shown.kind.rstrip("?") if fault else kind,
        a=shown.nodes[0],
        b=shown.nodes[1],
        users=shown.users,
        roots=(a.node, b.node),
        partners=pairs.partners,
        names=names,
        by_chance=by_chance,
        group=causes.group(pairs, shown),
        gradients=pairs.gradients
        if fault and fault.kind == "gradient"
        else None,
        **causes.counts(pairs, shown),
    )
