"""The numbers in a picture: statistics of arrays, and the gradients of inner nodes, recomputed.

The engine stores gradients only for leaves. To show the others, a picture repeats each `backward`,
with the upstream gradient that it started from, and takes statistics of every gradient.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from ..backward import sweep, unbroadcast
from ..derivatives import rule_on_arrays
from ..errors import GradientError
from ..graph import Array, LazyGradient, Leaf, Node, dense

WHOLE = 12  # the most elements of an array that is shown in full


@dataclass(frozen=True)
class Stats:
    """Range, mean and norm of an array's finite elements, how many are not finite, and the array
    itself if small.

    If there is no finite element, range and mean are NaN, and so is the norm unless the array is
    empty.
    """

    low: float
    high: float
    mean: float
    norm: float
    broken: int
    small: Array | None

    @classmethod
    def of(cls, array: Array | LazyGradient) -> Self:
        """The statistics of `array`, computed in float64."""
        array = np.asarray(dense(array))
        # float32 sums of a million elements are off in the fourth digit, which a picture shows
        wide = array.astype(np.float64, copy=False).reshape(-1)
        finite = wide if np.isfinite(wide).all() else wide[np.isfinite(wide)]
        small = (
            array.copy()
            if array.size <= WHOLE and array.ndim <= 2 and array.shape[-1:] <= (4,)
            else None
        )
        if not finite.size:
            return cls(np.nan, np.nan, np.nan, np.nan if wide.size else 0.0, wide.size, small)
        return cls(
            float(finite.min()), float(finite.max()), float(finite.mean()), float(np.sqrt(finite @ finite)),
            wide.size - finite.size, small,
        )  # fmt: skip


class Gradients:
    """The gradients of every node and along every edge of a graph, from all its `backward`
    calls.
    """

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.roots = [node for node in nodes if node.upstream is not None]

    def of(self, node: Node) -> Stats | None:
        """The statistics of a leaf's `.grad`, or of any other node's recomputed gradient; None if
        there is none.
        """
        if isinstance(node, Leaf):
            return None if node.grad is None else Stats.of(node.grad)
        return self._swept[0].get(node)

    def along(self, consumer: Node, position: int) -> float | None:
        """The norm of what `consumer` sent back to its input number `position`."""
        return self._swept[1].get((consumer, position))

    @cached_property
    def _swept(self) -> tuple[dict[Node, Stats], dict[tuple[Node, int], float]]:
        totals: dict[Node, Array] = {}  # over several backward calls, in nodes as in leaves
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
                "the gradients inside this graph cannot be drawn any more: " + error.what,
                where=error.where,
                cause="drawing sends gradients through the graph again, and its parameters have "
                "changed since",
                remedy="draw before the optimizer's step, or leave out grads=True",
            ) from None
        return {node: Stats.of(total) for node, total in totals.items()}, edges
