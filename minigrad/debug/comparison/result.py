"""The result of `mg.compare`: the first difference between two graphs, as an object and as text."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...drawing.columns import two_columns
from ...drawing.render import suffix_of
from ...explorer.pair import pair_page
from ...graph import Node
from ...support.text import printable
from ..anomaly import title
from .alignment import Graph, kind_of

SEEDS = "Use the same data, and call mg.seed(0) before each model is made. Then compare again."

SENTENCES = {
    "equal": "The graphs are equal: all gates, values and gradients agree.",
    "written differently": "The graphs compute the same values and gradients, but are written "
    "differently, first here:",
    "parameter": f"The first difference is a parameter: it has other values. {SEEDS}",
    "input": f"The first difference is an input: it has other values. {SEEDS}",
    "constant": "The first difference is a constant.",
    "shape": "The first difference is a shape.",
    "dtype": "The first difference is a dtype.",
    "gate": "The first difference is a gate: {a} has {x} where {b} has {y}.",
    "only in a": "The first difference is {x}, which only {a} has.",
    "only in b": "The first difference is {y}, which only {b} has.",
    "setting": "The first difference is a setting of {x}.",
    "order": "The first difference is the order of the inputs of {x}.",
    "wiring": "The first difference is an input of a gate: {x} in {a}, and {y} in {b}.",
    "value": "The first difference is a value: {x} computes something else from the same inputs.",
    "cut": "All values agree, but here the gradient stops in only one of the graphs.",
    "gradient": "All values agree. Starting at the loss, this is the first gradient that differs.",
}


Difference = tuple[str, Node | None, Node | None]
"""The kind of the first difference, and a node of each graph."""


@dataclass(repr=False)
class Comparison:
    """The result of `mg.compare`. It is true if the graphs are equal, and `str()` explains it.

    - `kind`: the kind of the first difference. `compare` lists the kinds.
    - `a`, `b`: the nodes of the first difference, or None.
    - `graphs`: both graphs with the partners of their nodes, see `Graph`.
    - `names`: what the text calls the two graphs.
    """

    kind: str
    a: Node | None
    b: Node | None
    graphs: tuple[Graph, Graph]
    names: tuple[str, str]

    @property
    def equal(self) -> bool:
        """Whether all values and gradients are equal."""
        return self.kind in ("equal", "written differently")

    @property
    def backward(self) -> bool:
        """Whether the values are equal, and gradients differ."""
        return self.kind in ("cut", "gradient")

    @property
    def index(self) -> tuple[int, ...] | None:
        """The position of the largest difference, or None if the arrays cannot be compared."""
        if self.equal or not (self.a and self.b):
            return None
        one = self.graphs[0].arrays[self.a]
        other = self.graphs[1].arrays[self.b]
        if one.shape != other.shape or not one.size:
            return None
        one, other = [np.nan_to_num(array.astype(float), nan=1e300) for array in (one, other)]
        largest = np.abs(one - other).argmax()
        return tuple(map(int, np.unravel_index(largest, one.shape)))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the result to a file: .html for a page in which both graphs step together, and .svg,
        .png, .pdf or .dot for a picture in two columns.

        Errors: as for `mg.explore` and `mg.draw`.
        """
        if Path(path).suffix == ".html":
            return pair_page(self, Path(path))
        suffix_of(path)
        return two_columns(self).save(path)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        nodes = [node for node in (self.a, self.b) if node]
        return {
            "equal": self.equal,
            "kind": self.kind,
            "gates": [_called(self.a), _called(self.b)],
            "scopes": ["/".join(node.scope) for node in nodes],
            "sources": [node.source for node in nodes],
            "text": str(self),
        }

    def __bool__(self) -> bool:
        return self.equal

    @property
    def headline(self) -> str:
        """The first sentence of the text."""
        a, b = self.names
        x, y = _called(self.a), _called(self.b)
        return SENTENCES[self.kind].format(a=a, b=b, x=x, y=y)

    def __str__(self) -> str:
        lines = [self.headline]
        if self.kind != "equal":
            lines += [self._described(side, node) for side, node in enumerate((self.a, self.b))]
        if not self.equal:
            graph = self.graphs[0]
            gates = {node for node in graph.partners if node.gate}
            differ = len(gates.intersection(graph.differ))
            agree = len(gates) - differ
            lines.append(f"Pairs of gates: {agree} agree, {differ} differ.")
        return "\n".join(map(printable, lines))

    def _described(self, side: int, node: Node | None) -> str:
        """Return a line about the node of a graph."""
        line = f"  {self.names[side]}: "
        if node is None:
            return line + "nothing"
        graph, index = self.graphs[side], self.index
        user = graph.first_user(node)
        if user and (self.backward or not node.gate):
            line += f"{_called(node)}, used by {title(user, inside=True)}"
        else:
            line += title(node, inside=True)
        if self.kind == "setting":
            line += f", {node.gate!r}"
        line += f"; {node.shape} {node.dtype}"
        if index is None:
            return line
        what = "gradient" if self.backward else "value"
        at = f" at {list(index)}" if index else ""
        value = graph.arrays[node][index]
        return f"{line}; its {what}{at} is {value:.6g}"


def _called(node: Node | None) -> str:
    if node is None or node.gate:
        return kind_of(node)
    return node.name or f"a {kind_of(node)}".replace("a input", "an input")
