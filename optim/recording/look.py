"""Collect the numbers of one backward pass: samples of each part's weights, gradients and outputs, and
the gradient along each edge and at each time step.

Only samples are kept. Their histograms are counted when the range of all steps is known.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.backward import sweep
from minigrad.context import step_of
from minigrad.gradients import dense
from minigrad.graph import Array, Node
from minigrad.support.arrays import norm

from ..diagnosis.reading import SEQUENCES, name
from .parts import ACTIVE, Part, divide

Record = dict[tuple[str, str], Any]
"""The numbers that are kept of a step: {(kind, name of the part): number or array}."""
SAMPLE = 1024
FLAT = 0.97
"""Beyond ±FLAT, the slope 1 - z² of tanh is below 0.06. For a sigmoid σ, z is 2 σ - 1."""
KERNELS = 12


def look(root: Node, after: Mapping[Node, Array], upstream: Any = None) -> Record:
    """Return the numbers of a graph.

    `after` has samples of the parameters after the step, and `upstream` is the gradient with which
    the pass began, 1 by default.
    """
    if upstream is None:
        upstream = np.ones(root.shape, root.dtype)
    parts = divide(root)
    flow = Flow(parts)
    gradients = sweep(root, upstream, rule=flow.rule)
    record = flow.record()
    for part in dict.fromkeys(parts.values()):
        for kind, value in numbers(part, gradients, after).items():
            record[kind, part.name] = value
    single = root.output.size == 1
    record["loss", ""] = float(root.output) if single else math.nan
    return record


class Flow:
    """Measures the gradients between parts and at time steps during a backward pass."""

    def __init__(self, parts: Mapping[Node, Part]) -> None:
        self.parts = parts
        self.edges: dict[str, float] = defaultdict(float)
        self.times: dict[str, dict[int, float]] = defaultdict(dict)

    def rule(self, node: Node, dz: Any) -> list[Any]:
        """Call a gate's backward rule, and measure what it returns."""
        results = node.gate.backward(dz, node.output, *node.arrays)
        gradients = list(results)
        part = self.parts.get(node)
        if part is None:
            return gradients
        times = self.times[part.name]
        place = step_of(node.scope)
        if place and place[1] not in times:
            # the state that the step passes on is its newest gate
            times[place[1]] = norm(dense(dz))
        for number, parent in enumerate(node.inputs):
            source = self.parts.get(parent, part)
            if source is not part:
                gradient = array_of(gradients[number])
                gradients[number] = gradient
                edge = f"{source.name}\n{part.name}"
                length = 0.0 if gradient is None else norm(gradient)
                self.edges[edge] = math.hypot(self.edges[edge], length)
        if name(node) in SEQUENCES:
            gradients[0] = array_of(gradients[0])
            steps = gradients[0].swapaxes(0, 1)
            times.update(enumerate(map(norm, steps)))
        return gradients

    def record(self) -> Record:
        """Return what was measured."""
        record: Record = {}
        for edge, length in self.edges.items():
            record["edge", edge] = length
        for title, lengths in self.times.items():
            steps = range(max(lengths, default=-1) + 1)
            if steps:
                record["time", title] = [lengths.get(t, 0.0) for t in steps]
        return record


def numbers(
    part: Part,
    gradients: Mapping[Node, Any],
    after: Mapping[Node, Array],
) -> dict[str, Any]:
    """Return {kind: number or sample} of a part."""
    slopes = [gradients[one] for one in part.leaves if one in gradients]
    found: dict[str, Any] = {
        "part": (part.gates, part.size),
        "weights": joined([leaf.output for leaf in part.leaves]),
        "gradients": joined([dense(one) for one in slopes]),
        "outputs": sample(part.nodes[-1].output),
        **idle(part),
    }
    old = found["weights"]
    new = [after[leaf] for leaf in part.leaves if leaf in after]
    if new and old.any():
        change = np.concatenate(new) - old
        found["ratio"] = norm(change) / norm(old)
    for node in part.nodes:
        if name(node) == "Convolve":
            W = node.inputs[1].output[:KERNELS]
            found["kernels"] = W[:, 0] if W.ndim > 3 else W
    return found


def idle(part: Part) -> dict[str, float]:
    """Return the share of units of a ReLU that are 0 for all rows, or the share of outputs where a
    tanh or sigmoid is flat.
    """
    active = [node for node in part.nodes if name(node) in ACTIVE]
    if not active:
        return {}
    kind, z = name(active[-1]), active[-1].output
    if kind == "ReLU" and z.ndim > 1:
        filters = z.ndim > 3  # axis 1 of images; units are the last axis
        units = z.swapaxes(1, -1) if filters else z
        rows = units.reshape(-1, units.shape[-1])
        alive = (rows > 0).any(axis=0)
        return {"dead": 1 - alive.mean()}
    if kind == "Sigmoid":
        z = 2 * z - 1
    elif kind not in ("Tanh", "RNNSequence"):
        return {}
    flat = abs(z) > FLAT
    return {"saturated": flat.mean()}


def array_of(gradient: Any) -> Any:
    """Return a rule's gradient as an array."""
    if callable(gradient):
        gradient = gradient()
    return dense(gradient)


def joined(arrays: list[Array]) -> Array:
    """Return samples of all arrays as one array."""
    nothing = np.zeros(0, np.float32)
    return np.concatenate([nothing, *map(sample, arrays)])


def sample(array: Array) -> Array:
    """Return a copy of at most SAMPLE elements, evenly spaced.

    The distance between elements is odd, because rows often have an even length. An even distance
    would then skip some columns.
    """
    distance = math.ceil(array.size / SAMPLE) | 1
    elements = array.reshape(-1)
    return elements[::distance].astype(np.float32)
