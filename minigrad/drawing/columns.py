"""Draw two compared graphs in two columns, with partners at the same height.

The picture begins at the first difference. Its input is the result of `mg.compare`.
"""

from operator import attrgetter
from typing import Any

from ..graph import Node
from .boxes import Box, Line, Link, leaf_kind
from .colour import DIFFERS, FIRST, STYLES
from .dot import write
from .drawing import Drawing
from .facts import Gradients
from .labels import Words, size_of

MOST = 12
"""The maximum number of nodes in a column, not counting their inputs."""


def two_columns(result: Any) -> Drawing:
    """Draw the result of `mg.compare`. The first difference is marked, and a dotted line joins each
    node with its partner.
    """
    words = Words(Gradients([]), values=True, grads=False)
    boxes: list[Box] = []
    links = []
    columns: list[dict[Node, Box]] = []
    for name, graph, first in zip(
        result.names,
        result.graphs,
        (result.a, result.b),
        strict=True,
    ):
        column: dict[Node, Box] = {}
        for node in _shown(graph, first):
            box = _box(node, name, result, words)
            box.number = len(boxes)
            boxes.append(box)
            column[node] = box
            kind = "data" if node.gate else "cut"
            links += [
                Link(column[parent], box, kind)
                for parent in dict.fromkeys(node.predecessors)
                if parent in column
            ]
        columns.append(column)
    caption = result.headline.replace(", first here:", ".")
    caption += " Dotted lines join gates that do the same work."
    text = write(boxes, links, words, caption, None)
    lines = [text.rstrip().removesuffix("}")]
    partners = result.graphs[0].partners
    for x, box in columns[0].items():
        other = columns[1].get(partners.get(x, x))
        if other and x.predecessors:
            pair = f"n{box.number} -> n{other.number}"
            line = f"{{ rank=same; {pair} [dir=none, style=dotted]; }}"
            lines.append(line)
    dot = "\n".join([*lines, "}\n"])
    return Drawing(dot, "columns", caption, 0.0)


def _shown(graph: Any, first: Node | None) -> list[Node]:
    """Return the first nodes that differ, or else the last nodes, and their inputs."""
    front = graph.differ or graph.nodes[1 - MOST :]
    if first is not None:
        front = [first, *front]
    shown = set(front[:MOST])
    for node in front[:MOST]:
        shown.update(node.predecessors)
    return sorted(shown, key=attrgetter("serial"))


def _box(node: Node, column: str, result: Any, words: Words) -> Box:
    kind = "gate" if node.gate else leaf_kind(node)
    role = ""
    if any(node in graph.differ for graph in result.graphs):
        role = DIFFERS
    if node in (result.a, result.b):
        role = FIRST
    box = Box(kind, (column,), node, [node], role=role)
    box.face = words.face(box)
    if role and box.is_leaf:
        box.face.append(Line(role, 9))
    box.size = size_of(box.face, STYLES[box.style]["shape"])
    return box
