"""Collect the data that the page needs to recompute a small graph after a leaf is edited.

The page has a formula for each kind of gate (web/gates.js). For a gate that only moves elements,
the data contains the source of each element. For a gate that works along axes, the data contains
the group of each element. The page therefore does not need to handle indexing, axes or shapes.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import gates
from ..graph import Array, Leaf, Node
from .arrays import Json, numbers

MOST_GATES = 200
MOST_NUMBERS = 100_000
"""The maximum total number of array elements. More elements would make the page slow."""

ELEMENTWISE = (
    gates.AddGate, gates.Subtract, gates.Hadamard, gates.Divide, gates.Power, gates.Negate, gates.Exp, gates.Log,
    gates.Sqrt, gates.Sin, gates.Cos, gates.Abs, gates.Maximum, gates.Minimum, gates.Tanh, gates.Sigmoid, gates.ReLU,
    gates.Softplus, gates.GELU, gates.Where,
)  # fmt: skip
MOVING = (
    gates.Slice,
    gates.Windows,
    gates.Lookup,
    gates.Reshape,
    gates.Transpose,
    gates.BroadcastTo,
    gates.Concatenate,
    gates.Stack,
)
REDUCING = (gates.Sum, gates.Mean, gates.Max, gates.Min)
NORMALISING = (gates.Softmax, gates.LogSoftmax)
LOSSES = (
    gates.SoftmaxCrossEntropy,
    gates.BinaryCrossEntropy,
    gates.MeanSquaredError,
    gates.MeanAbsoluteError,
)
TRANSFORMER = (gates.LayerNormalise, gates.ScaledDotProductAttention)
OF_WINDOWS = (gates.MaxPool, gates.Convolve)


def recipe(gate: Any, arrays: tuple[Array, ...]) -> Json | None:
    """Describe how the page recomputes this call to a gate, or return None if it has no formula.

    >>> recipe(gates.Transpose(), (np.ones((2, 3)),))
    {'kind': 'move', 'places': [0, 3, 1, 4, 2, 5]}
    """
    kind = type(gate)  # do not use isinstance, because a subclass may compute something else
    name = gate.name
    shape = arrays[0].shape
    if kind in ELEMENTWISE:
        return {"kind": "elementwise", "how": name}
    if kind is gates.MultiplyGate:
        return {"kind": "product"}
    if kind in MOVING:
        return {"kind": "move", "places": _places(gate, arrays)}
    if kind in REDUCING:
        return {"kind": "reduce", "how": name, "groups": _groups(gate.kept(shape), shape)}
    if kind in NORMALISING:
        kept = list(shape)
        kept[gate.axis] = 1
        return {"kind": "normalise", "how": name, "groups": _groups(kept, shape)}
    if kind in LOSSES:
        weights = getattr(gate, "weights", None)
        if weights is not None:
            weights = numbers(weights)
        return {"kind": "loss", "how": name, "reduction": gate.reduction, "weights": weights}
    if kind in TRANSFORMER:
        return {"kind": name, **vars(gate)}
    if kind in OF_WINDOWS:  # with the elements of each window
        windows = gates.Windows(getattr(gate, "size", arrays[-1].shape[2:]), gate.stride)
        return {"kind": name, "places": _places(windows, arrays[:1])}
    return None


def _places(gate: Any, arrays: tuple[Array, ...]) -> list[int]:
    """Return the index of the input element that each output element comes from.

    This function runs the gate on the numbers 0, 1, 2, ... instead of the inputs' values.
    """
    moved = arrays[:1] if isinstance(gate, gates.Lookup) else arrays
    places = []
    start = 0
    for array in moved:
        places.append(np.arange(start, start + array.size).reshape(array.shape))
        start += array.size
    return numbers(gate.forward(*places, *arrays[len(moved) :]))


def _groups(kept: Sequence[int], shape: tuple[int, ...]) -> list[int]:
    """Return each element's group number. Each group becomes one element of an array of shape
    `kept`.
    """
    groups = np.arange(math.prod(kept)).reshape(kept)
    return numbers(np.broadcast_to(groups, shape))


def replay(nodes: list[Node], index: dict[Node, int], upstream: list[Any]) -> Json:
    """Return the recipes of all gates, the elements of all leaves, and the shapes.

    If the page cannot recompute the graph, return {"why_not": the reason}.
    """
    called = [node for node in nodes if node.gate is not None]
    size = sum(node.output.size for node in nodes)
    if len(called) > MOST_GATES or size > MOST_NUMBERS:
        return {
            "why_not": f"This graph has {len(called):,} gates, and its arrays contain {size:,} "
            f"numbers. The page can recompute up to {MOST_GATES} gates and {MOST_NUMBERS:,} "
            "numbers."
        }
    recipes = {index[node]: recipe(node.gate, node.arrays) for node in called}
    unknown = sorted({node.gate.name for node in called if not recipes[index[node]]})
    if unknown:
        return {
            "why_not": f"The page has no formula for {', '.join(unknown)}, so it cannot "
            "recompute this graph."
        }
    leaves = {}
    for node in nodes:
        if isinstance(node, Leaf) and not node.cut_from:
            leaves[index[node]] = numbers(node.output)
    shapes = [node.shape for node in nodes]
    return {"recipes": recipes, "leaves": leaves, "upstream": upstream, "shapes": shapes}
