"""Compute the numbers in a picture: statistics of arrays, and gradients of inner nodes.

The engine stores gradients only for leaves. To show the gradients of inner nodes, `Gradients`
repeats each `backward` call with its upstream gradient and computes the statistics of every
gradient.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..backward import sweep
from ..derivatives import rule_on_arrays
from ..errors import GradientError
from ..gradients import Gradient, dense, unbroadcast
from ..graph import Array, Leaf, Node
from ..support.arrays import norm
from ..support.text import counted

WHOLE = 12  # arrays with more elements than this are not shown in full


def gates_and_leaves(nodes: Sequence[Node]) -> str:
    """Return the size of a graph, such as "6 gates and 1 leaf"."""
    gates = sum(node.gate is not None for node in nodes)
    leaves = len(nodes) - gates
    return f"{counted(gates, 'gate', 'gates')} and {counted(leaves, 'leaf', 'leaves')}"


@dataclass(frozen=True)
class Stats:
    """Statistics of an array.

    - `low`, `high`, `mean`, `norm`: the statistics of the finite elements. If there are no finite
      elements, these statistics are NaN, except that the norm of an empty array is 0.
    - `broken`: the number of elements that are not finite.
    - `small`: the array itself if it is small and not empty, otherwise None.
    """

    low: float
    high: float
    mean: float
    norm: float
    broken: int
    small: Array | None

    @classmethod
    def of(cls, array: Array | Gradient) -> Self:
        """Compute the statistics of `array` in float64."""
        array = np.asarray(dense(array))
        # In float32, the sum of a million elements has an error in the fourth digit, and pictures
        # show four digits.
        wide = array.astype(np.float64, copy=False).reshape(-1)
        usual = np.isfinite(wide)
        finite = wide if usual.all() else wide[usual]
        small = None
        if 0 < array.size <= WHOLE and array.ndim <= 2 and array.shape[-1:] <= (4,):
            small = array.copy()
        broken = wide.size - finite.size
        if not finite.size:
            length = np.nan if broken else 0.0
            return cls(np.nan, np.nan, np.nan, length, broken, small)
        # Dividing by a power of two is exact, and prevents an overflow of the sum.
        share = 0.5 ** finite.size.bit_length()
        mean = float(np.sum(finite * share) / (finite.size * share))
        low, high = float(finite.min()), float(finite.max())
        return cls(
            low,
            high,
            mean,
            float(norm(finite)),
            broken,
            small,
        )


class Gradients:
    """The gradients of a graph's nodes and edges, summed over all `backward` calls."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.roots = [node for node in nodes if node.upstream is not None]
        self._sums: tuple[dict[Node, Stats], dict[tuple[Node, int], float]] | None = None

    def of(self, node: Node) -> Stats | None:
        """Return the statistics of a node's gradient, or None if the node has no gradient.

        A leaf's gradient is its `.grad`. The gradients of other nodes are recomputed.
        """
        if isinstance(node, Leaf):
            return None if node.grad is None else Stats.of(node.grad)
        return self._swept[0].get(node)

    def along(self, consumer: Node, position: int) -> float:
        """Return the norm of the gradient that `consumer` sent to its input at index `position`, or
        0.
        """
        return self._swept[1].get((consumer, position), 0.0)

    @property
    def _swept(self) -> tuple[dict[Node, Stats], dict[tuple[Node, int], float]]:
        """The sums for `of` and `along`, computed once.

        In Python 3.11, a cached_property would lock all graphs while it runs the rules of one. If
        ranks draw in several threads, and a rule waits for the other ranks, they would wait forever.
        """
        if self._sums is None:
            self._sums = self._sweep()
        return self._sums

    def _sweep(self) -> tuple[dict[Node, Stats], dict[tuple[Node, int], float]]:
        totals: dict[Node, Array] = {}  # summed over all backward calls, like a leaf's `.grad`
        edges: dict[tuple[Node, int], float] = defaultdict(float)
        try:
            for root in self.roots:
                for node, dz in sweep(root, root.upstream, keep=set(self.nodes)).items():
                    if node.gate is None:
                        continue
                    whole = unbroadcast(dense(dz), node.shape)
                    totals[node] = totals[node] + whole if node in totals else whole
                    for position, part in enumerate(rule_on_arrays(node, whole)):
                        if part is not None:
                            edges[node, position] += Stats.of(part).norm
        except GradientError as error:
            if error.code != "MG123":
                raise
            raise GradientError(
                "MG605",
                f"the gradients inside this graph can no longer be drawn: {error.what}",
                where=error.where,
                cause="drawing gradients runs the backward pass again, but a parameter has "
                "changed since the forward pass",
                remedy="draw before the optimizer's step, or leave out grads=True",
            ) from None
        return {node: Stats.of(total) for node, total in totals.items()}, edges
