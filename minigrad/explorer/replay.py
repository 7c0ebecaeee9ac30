"""What the page needs to recompute a small graph by itself, with other numbers in its leaves.

The page has one formula for each kind of gate (web/gates.js). For a gate that only moves elements, it gets the place
that each element comes from; for a gate that works along axes, the group that each element belongs to. So only NumPy
has to deal with indexing, axes and shapes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import gates
from ..fast.kernels import Array
from ..graph import Leaf, Node
from .arrays import numbers

MOST_GATES = 200
MOST_NUMBERS = 100_000
"""In all arrays together: more would make the page slow to open and to recompute."""

_ELEMENTWISE = (
    gates.AddGate, gates.Subtract, gates.Hadamard, gates.Divide, gates.Power, gates.Negate, gates.Exp, gates.Log,
    gates.Sqrt, gates.Sin, gates.Cos, gates.Abs, gates.Maximum, gates.Minimum, gates.Tanh, gates.Sigmoid, gates.ReLU,
    gates.Softplus, gates.Where,
)  # fmt: skip
_MOVING = (
    gates.Slice, gates.Lookup, gates.Reshape, gates.Transpose, gates.BroadcastTo, gates.Concatenate, gates.Stack,
)  # fmt: skip


def _moves(gate: Any, arrays: tuple[Array, ...]) -> dict[str, Any]:
    """Run the gate on the places 0, 1, 2, ... of its inputs' elements instead of their values, to see where they go."""
    varying = arrays[:1] if isinstance(gate, gates.Lookup) else arrays
    starts = np.cumsum([0, *(array.size for array in varying)])
    places = [np.arange(array.size).reshape(array.shape) + start for array, start in zip(varying, starts, strict=False)]
    return {"kind": "move", "places": gate.forward(*places, *arrays[len(varying) :]).reshape(-1).tolist()}


def _groups(kept: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
    count = int(np.prod(kept, dtype=np.int64))
    return list(np.broadcast_to(np.arange(count).reshape(kept), shape).reshape(-1).tolist())


def _reduction(gate: Any, arrays: tuple[Array, ...]) -> dict[str, Any]:
    return {"kind": "reduce", "how": gate.name, "groups": _groups(gate.kept(arrays[0].shape), arrays[0].shape)}


def _normalising(gate: Any, arrays: tuple[Array, ...]) -> dict[str, Any]:
    kept = list(arrays[0].shape)
    kept[gate.axis] = 1
    return {"kind": "normalise", "how": gate.name, "groups": _groups(tuple(kept), arrays[0].shape)}


def _loss(gate: Any, arrays: tuple[Array, ...]) -> dict[str, Any]:
    weights = getattr(gate, "weights", None)
    weights = None if weights is None else numbers(weights)
    return {"kind": "loss", "how": gate.name, "reduction": gate.reduction, "weights": weights}


_KINDS: list[tuple[tuple[type, ...], Callable[[Any, tuple[Array, ...]], dict[str, Any]]]] = [
    (_ELEMENTWISE, lambda gate, arrays: {"kind": "elementwise", "how": gate.name}),
    ((gates.MultiplyGate,), lambda gate, arrays: {"kind": "product"}),
    (_MOVING, _moves),
    ((gates.Sum, gates.Mean, gates.Max, gates.Min), _reduction),
    ((gates.Softmax, gates.LogSoftmax), _normalising),
    ((gates.SoftmaxCrossEntropy, gates.BinaryCrossEntropy, gates.MeanSquaredError, gates.MeanAbsoluteError), _loss),
]


def recipe(gate: Any, arrays: tuple[Array, ...]) -> dict[str, Any] | None:
    """How the page recomputes this call of a gate; None for a gate that it has no formula for.

    >>> recipe(gates.Transpose(), (np.ones((2, 3)),))
    {'kind': 'move', 'places': [0, 3, 1, 4, 2, 5]}
    """
    for classes, make in _KINDS:
        if type(gate) in classes:  # not isinstance: a subclass may compute something else
            return make(gate, arrays)
    return None


def replay(
    nodes: list[Node], index: dict[Node, int], gradients: dict[Node, Any], upstream: list[Any]
) -> dict[str, Any]:
    """Recipes for all gates, all elements of all leaves, and the shapes; or {"why_not": why there are none}."""
    called = [node for node in nodes if node.gate is not None]
    if len(called) > MOST_GATES:
        return {"why_not": f"This graph has {len(called)} gates. The page can recompute graphs of up to {MOST_GATES}."}
    size = sum(node.output.size for node in nodes)
    if size > MOST_NUMBERS:
        return {
            "why_not": f"The arrays of this graph hold {size:,} numbers. The page can recompute up to {MOST_NUMBERS:,}."
        }
    recipes = {index[node]: recipe(node.gate, node.arrays) for node in called}
    unknown = sorted({node.gate.name for node in called if recipes[index[node]] is None and node.gate})
    if unknown:
        return {"why_not": f"The page has no formula for {', '.join(unknown)}, so it cannot recompute this graph."}
    leaves = {index[node]: numbers(node.output) for node in nodes if isinstance(node, Leaf) and node.cut_from is None}
    shapes = [list(node.shape) for node in nodes]
    return {"recipes": recipes, "leaves": leaves, "upstream": upstream, "shapes": shapes}
