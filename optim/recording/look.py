"""Take the numbers of one backward pass: samples of each part's weights, gradients and outputs, and the
gradient along each edge and at each time step.

Only samples are kept. Their histograms are counted when the range of all steps is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.backward import sweep
from minigrad.context import step_of
from minigrad.gradients import dense
from minigrad.graph import Array, Node

from ..diagnosis.reading import SEQUENCES, name
from .parts import ACTIVE, Part, divide

Record = dict[tuple[str, str], Any]
"""What is kept of a step: {(kind, name of the part): number or array}."""
SAMPLE = 1024
FLAT = 0.97
"""Beyond ±FLAT, the slope 1 - z² of tanh is below 0.06. For a sigmoid σ, z is 2 σ - 1."""
KERNELS = 12


def look(
    root: Node, after: Mapping[Node, Array], upstream: Array | None = None
) -> Record:
    """Return the numbers of a graph. `after` has samples of the parameters after the step."""
    if upstream is None:
        upstream = np.ones(root.shape, root.dtype)
    parts = divide(root)
    record: Record = defaultdict(float)
    times: dict[str, dict[int, float]] = defaultdict(dict)

    def rule(node: Node, dz: Any) -> list[Any]:
        gradients = list(node.gate.backward(dz, node.output, *node.arrays))
        part = parts.get(node)
        if part is None:
            return gradients
        place = step_of(node.scope)
        if place and place[1] not in times[part.name]:  # the newest gate comes first
            times[part.name][place[1]] = norm(dense(dz))
        for number, parent in enumerate(node.inputs):
            source = parts.get(parent, part)
            if source is not part or (name(node) in SEQUENCES and not number):
                gradient = gradients[number]
                gradient = dense(gradient() if callable(gradient) else gradient)
                gradients[number] = gradient
                if gradient is not None and source is not part:
                    edge = "edge", f"{source.name}\n{part.name}"
                    record[edge] = float(np.hypot(record[edge], norm(gradient)))
        if name(node) in SEQUENCES:
            times[part.name] = dict(enumerate(map(norm, gradients[0].swapaxes(0, 1))))
        return gradients

    gradients = sweep(root, upstream, rule=rule)
    for part in dict.fromkeys(parts.values()):
        slopes = [dense(gradients[n]) for n in part.leaves if n in gradients]
        record["weights", part.name] = joined([n.output for n in part.leaves])
        record["gradients", part.name] = joined(slopes)
        record["outputs", part.name] = joined([part.nodes[-1].output])
        record |= idle(part)
        old = joined([n.output for n in part.leaves if n in after])
        if old.any():
            new = np.concatenate([after[n] for n in part.leaves if n in after])
            record["ratio", part.name] = norm(new - old) / norm(old)
        for node in part.nodes:
            if name(node) == "Convolve":
                W = node.inputs[1].output[:KERNELS]
                record["kernels", part.name] = W[:, 0] if W.ndim > 3 else W
    for title, lengths in times.items():
        steps = range(max(lengths) + 1)
        record["time", title] = [lengths.get(t, 0.0) for t in steps]
    record["loss", ""] = float(root.output) if root.output.size == 1 else np.nan
    return record


def idle(part: Part) -> Record:
    """Return the share of units of a ReLU that are 0 for all rows, or the share of the outputs of a
    tanh or sigmoid at which it is flat.
    """
    active = [node for node in part.nodes if name(node) in ACTIVE]
    if not active:
        return {}
    kind, z = name(active[-1]), active[-1].output
    if kind == "ReLU" and z.ndim > 1:
        units = z.swapaxes(1, -1) if z.ndim > 3 else z
        alive = (units > 0).reshape(-1, units.shape[-1]).any(axis=0)
        return {("dead", part.name): 1 - alive.mean()}
    if kind in ("Tanh", "Sigmoid", "RNNSequence"):
        z = 2 * z - 1 if kind == "Sigmoid" else z
        return {("saturated", part.name): (abs(z) > FLAT).mean()}
    return {}


def joined(arrays: list[Array]) -> Array:
    """Return samples of all arrays as one array."""
    return np.concatenate([np.zeros(0, np.float32), *map(sample, arrays)])


def sample(array: Array) -> Array:
    """Return a copy of at most SAMPLE elements, evenly spaced.

    The distance is odd, because rows often have an even length, and then all columns occur.
    """
    distance = -(-array.size // SAMPLE) | 1
    return array.reshape(-1)[::distance].astype(np.float32)


def norm(array: Array) -> float:
    """Return the length, in float64 because the squares of tiny gradients would underflow."""
    return float(np.sqrt(np.square(array, dtype=np.float64).sum()))
