"""Draw two compared graphs in two columns, with partners at the same height.

The picture shows the nodes around the first difference. Its input is the result of `mg.compare`.
"""

from operator import attrgetter
from typing import Any

from ..graph import Node
from .boxes import Box, Line, Link, history, leaf_kind
from .colour import DIFFERS, FIRST, STYLES
from .dot import write
from .drawing import Drawing
from .facts import Gradients
from .labels import Words, size_of

MOST = 18
"""The maximum number of nodes in the first column."""


def two_columns(result: Any) -> Drawing:
    """Draw the result of `mg.compare`. The first difference is marked, and a dotted line joins each
    node with its partner.
    """
    partners: dict[Node, Node] = result.partners
    back = {y: x for x, y in partners.items()}
    marked = {result.a, result.b}
    if result.a is None and result.b is not None:
        right = _around(result.roots[1], result.b)
        left = _beside(result.roots[0], {back.get(y) for y in right}, partners)
    else:
        left = _around(result.roots[0], result.a or result.roots[0])
        seen = {partners.get(x) for x in left} | {result.b}
        right = _beside(result.roots[1], seen, back)
    differ = {node for pair in result.differing() for node in pair}
    words = Words(Gradients([]), values=True, grads=False)
    columns: list[dict[Node, Box]] = []  # both graphs may share nodes, such as parameters
    boxes: list[Box] = []
    links = []
    for name, nodes in zip(_distinct(*result.names), (left, right), strict=True):
        column: dict[Node, Box] = {}
        for node in sorted(nodes, key=attrgetter("serial")):
            role = FIRST if node in marked else ""
            if node in differ and not role:
                role = DIFFERS
            box = _box(node, name, role, words)
            box.number = len(boxes)
            boxes.append(box)
            column[node] = box
            kind = "data" if node.gate else "cut"
            for parent in dict.fromkeys(node.predecessors):
                if parent in column:
                    links.append(Link(column[parent], box, kind))
        columns.append(column)
    caption = result.headline.removesuffix(", first here:").rstrip(".") + "."
    caption += " Dotted lines join gates that do the same work."
    if differ - marked:
        caption += " Values in dashed yellow boxes differ, too."
    text = write(boxes, links, words, caption, None).rstrip()
    lines = [text.removesuffix("}")]
    for x, y in partners.items():
        if x.predecessors and x in columns[0] and y in columns[1]:
            numbers = f"n{columns[0][x].number} -> n{columns[1][y].number}"
            lines.append(f"  {{ rank=same; {numbers} [dir=none, style=dotted]; }}\n")
    dot = "".join([*lines, "}\n"])
    return Drawing(dot, "columns", caption, 0.0)


def _box(node: Node, column: str, role: str, words: Words) -> Box:
    kind = "gate" if node.gate else leaf_kind(node)
    box = Box(kind, (column,), node, [node], role=role)
    box.face = words.face(box)
    if role and box.is_leaf:
        box.face.append(Line(role, 9))
    box.size = size_of(box.face, STYLES[box.style]["shape"])
    return box


def _around(root: Node, start: Node) -> list[Node]:
    """Return the nodes of a graph that are nearest to `start`."""
    nodes = history([root])
    near: dict[Node, list[Node]] = {node: list(node.predecessors) for node in nodes}
    for node in nodes:
        for parent in node.predecessors:
            # a parameter does not lead to other time steps
            if parent.predecessors or parent is start:
                near[parent].append(node)
    found = [start]
    for node in found:  # the list grows during the loop
        new = [other for other in near[node] if other not in found]
        found += new[: MOST - len(found)]
    return found


def _beside(root: Node, seen: set[Node | None], partners: dict[Node, Node]) -> list[Node]:
    """Return the nodes in `seen`, their leaves, and what the other graph does not have there."""
    found: set[Node] = set()
    nodes = history([root])
    for node in nodes:
        before = node.predecessors
        partner = partners.get(node)
        alike = partner is not None and type(partner.gate) is type(node.gate)
        after = any(one in seen for one in before if one.predecessors)
        if node in seen or (after and not alike):
            found.add(node)
            found.update(one for one in before if not one.predecessors)
    return [node for node in nodes if node in found]


def _distinct(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a != b else (f"{a} (a)", f"{b} (b)")
