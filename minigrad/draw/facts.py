"""Numbers for a picture: what an array holds, and the gradients, recomputed. Knows no boxes and no Graphviz.

The engine keeps gradients of leaves alone. A picture of the others sends each seed that `backward` was given through
the graph once more, and keeps of every gradient its few numbers, never the array.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..backward import sweep, unbroadcast
from ..errors import GradientError
from ..graph import Leaf, Node, state
from ..pieces import Array, Deferred

WHOLE = 12  # elements of an array that is shown whole


@dataclass(frozen=True)
class Stats:
    """Range, mean and norm of an array's finite elements, how many are not finite, and the array itself if small."""

    low: float
    high: float
    mean: float
    norm: float
    broken: int
    small: Array | None

    @classmethod
    def of(cls, array: Array | Deferred) -> Stats:
        """The numbers of `array`, computed in float64."""
        array = array.dense() if isinstance(array, Deferred) else np.asarray(array)
        # float32 sums of a million elements are off in the fourth digit, which a picture shows
        wide = array.astype(np.float64, copy=False).reshape(-1)
        finite = wide if np.isfinite(wide).all() else wide[np.isfinite(wide)]
        small = array.copy() if array.size <= WHOLE and array.ndim <= 2 and array.shape[-1:] <= (4,) else None
        if not finite.size:
            return cls(0.0, 0.0, 0.0, 0.0, wide.size, small)
        return cls(
            float(finite.min()), float(finite.max()), float(finite.mean()), float(np.sqrt(finite @ finite)),
            wide.size - finite.size, small,
        )  # fmt: skip


class Gradients:
    """The gradients of a graph, of every node and along every edge, as its `backward` calls sent them."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.seeded = [node for node in nodes if node.seed is not None]

    def of(self, node: Node) -> Stats | None:
        """The gradient of a leaf is its `.grad`, of any other node what its seeds give; None where there is none."""
        if isinstance(node, Leaf):
            return None if node.grad is None else Stats.of(node.grad)
        return self._swept[0].get(node)

    def along(self, consumer: Node, position: int) -> float | None:
        """The norm of what `consumer` sent back to its input number `position`."""
        return self._swept[1].get((consumer, position))

    @cached_property
    def _swept(self) -> tuple[dict[Node, Stats], dict[tuple[Node, int], float]]:
        totals: dict[Node, Stats] = {}
        edges: dict[tuple[Node, int], float] = {}
        earlier: dict[Node, Array] = {}  # gradients of several backward calls add up, in nodes as in leaves
        several = len(self.seeded) > 1

        def watch(node: Node, dz: Array | Deferred) -> None:
            whole = _whole(dz, node)
            for position, norm in _parts(node, whole):
                edges[node, position] = edges.get((node, position), 0.0) + norm
            if several:
                earlier[node] = whole = whole + earlier.get(node, 0.0)
            totals[node] = Stats.of(whole)

        before, state.on_gradient = state.on_gradient, watch
        try:
            for root in self.seeded:
                sweep(root, root.seed)
        except GradientError as error:
            if error.code != "MG123":
                raise
            raise GradientError(
                "MG605",
                "the gradients inside this graph cannot be drawn any more: " + error.what,
                where=error.where,
                cause="drawing sends gradients through the graph again, and its parameters have changed since",
                remedy="draw after backward() and before the optimizer's step, or draw without grads=True",
            ) from None
        finally:
            state.on_gradient = before
        return totals, edges


def _whole(gradient: Array | Deferred, node: Node) -> Array:
    """A gradient as the engine passes it on, in the shape of the node's output: the engine puts off both."""
    array = gradient.dense() if isinstance(gradient, Deferred) else np.asarray(gradient)
    return np.asarray(unbroadcast(array, node.output.shape))


def _parts(node: Node, dz: Array) -> list[tuple[int, float]]:
    """(position, norm) of what a node sends to each input that wants a gradient."""
    if node.gate is None:
        return []
    norms = []
    for position, (parent, part) in enumerate(
        zip(node.inputs, node.gate.backward(dz, node.output, *node.arrays), strict=True)
    ):
        if parent.requires_grad and part is not None:
            norms.append((position, Stats.of(_whole(part() if callable(part) else part, parent)).norm))
    return norms
