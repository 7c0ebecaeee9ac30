"""Draw two compared graphs in two columns, with partners at the same height.

The picture shows the nodes around the first difference. Its input is the result of `mg.compare`.
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
"""The maximum number of nodes in a column, not counting the partners of those in the other one."""


def two_columns(result: Any) -> Drawing:
    """Draw the result of `mg.compare`. The first difference is marked, and a dotted line joins each
    node with its partner.
    """
    left, right = result.graphs
    near = _around(left, result.a), _around(right, result.b)
    shown = (
        {*near[0], *_partners(right, near[1])},
        {*near[1], *_partners(left, near[0])},
    )
    words = Words(Gradients([]), values=True, grads=False)
    boxes: list[Box] = []
    links = []
    columns: list[dict[Node, Box]] = []
    for name, nodes in zip(result.names, shown, strict=True):
        column: dict[Node, Box] = {}
        for node in sorted(nodes, key=attrgetter("serial")):
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
    caption = result.headline.removesuffix(", first here:")
    caption += " Dotted lines join gates that do the same work."
    text = write(boxes, links, words, caption, None)
    lines = [text.rstrip().removesuffix("}")]
    for x, box in columns[0].items():
        other = columns[1].get(left.partners.get(x, x))
        if other and x.predecessors:
            pair = f"n{box.number} -> n{other.number}"
            line = f"{{ rank=same; {pair} [dir=none, style=dotted]; }}"
            lines.append(line)
    dot = "\n".join([*lines, "}\n"])
    return Drawing(dot, "columns", caption, 0.0)


def _partners(graph: Any, nodes: list[Node]) -> list[Node]:
    found = map(graph.partners.get, nodes)
    return [node for node in found if node]


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


def _around(graph: Any, start: Node | None) -> list[Node]:
    """Return the nodes of a graph that are nearest to `start`."""
    found = [start or graph.root]
    for node in found:  # the list grows during the loop
        near = [*node.predecessors]
        if near or node is start:  # a parameter does not lead to other time steps
            near += graph.users[node]
        new = [other for other in near if other not in found]
        found += new[: MOST - len(found)]
    return found
