"""Write the text in a picture: short labels on the boxes, and full details in the tooltips.

Names come from the user's program and may contain any characters. `shortened` limits their length,
every `Line` is printable, and `quoted` and `marked_up` escape all characters that Graphviz or a
browser could interpret as markup.
"""

import html
from dataclasses import dataclass

import numpy as np

from ..context import scope_label, step_of
from ..graph import Leaf, Node
from ..support.text import counted, printable
from .boxes import Bold, Box, Line, Point, shared
from .facts import Gradients, Stats

FONT = "Helvetica,Arial,sans-serif"
LONGEST = 28  # the maximum length of a name on a box; a tooltip shows up to 400 characters


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a name as one printable line. If the name is too long, "…" replaces its middle.

    >>> shortened("x" * 40)
    'xxxxxxxxxxxxxxxx…xxxxxxxxxxx'
    """
    return printable(text if len(text) <= longest else f"{text[: longest - 12]}…{text[-11:]}")


def quoted(text: str) -> str:
    r"""Return text as a quoted DOT string.

    & becomes &amp; because Graphviz reads entities in strings. \ becomes the similar character ∖,
    because no escape works everywhere. \N means a node's name, and the tooltips of nodes and
    clusters need different numbers of backslashes.
    """
    text = text.replace("\\", "∖").replace('"', '\\"')
    text = text.replace("&", "&amp;").replace("\n", "\\n")
    return f'"{text}"'


def marked_up(
    lines: list[Line],
    color: str | None = None,
    left: bool = False,
) -> str:
    """Return lines as an HTML-like label for Graphviz."""
    rows = []
    for line in lines:
        # Graphviz reads \\ as \, and \N as a node's name.
        text = html.escape(line.text).replace("\\", "&#92;&#92;")
        if line.bold:
            text = f"<b>{text}</b>"
        rows.append(f'<font point-size="{line.size:g}">{text}</font>')
    body = "<br/>".join(rows)
    if left:
        body = "".join(f'{row}<br align="left"/>' for row in rows)
    return f'<<font color="{color}">{body}</font>>' if color else f"<{body}>"


def size_of(lines: list[Line], shape: str) -> Point:
    """Return the size of a shape around the lines, (width, height) in points."""
    width, height = extent(lines)
    if shape == "ellipse":
        wide, tall = (1.3, 1.3) if len(lines) > 2 else (1.22, 1.25)
        return width * wide + 8, height * tall + 4
    if shape == "octagon":
        return width + 44, height + 14
    if shape == "box3d":
        height += 4
    return width + 14, height + 10


def extent(lines: list[Line]) -> Point:
    """Estimate the size of the lines, (width, height) in points. The width is an upper bound."""
    width = 0.0
    height = 0.0
    for line in lines:
        width = max(
            width,
            sum(map(_wide, line.text)) * line.size,
        )
        height += line.size * 1.22
    return width, height


def fixed(size: Point) -> str:
    """Return attributes that give a node a size, (width, height) in points.

    Fixed sizes make the picture independent of the fonts on the machine that draws it.
    """
    width, height = size
    return f'width="{width / 72:.3f}", height="{height / 72:.3f}", fixedsize="true"'


def _wide(char: str) -> float:
    """Return a character's width in Helvetica, as a fraction of the font size."""
    if char in "ilj.,:;|!'()[]/ ftI":
        return 0.31
    if char in "mwMW%@—…" or ord(char) > 0x2000:
        return 1.0 if ord(char) > 0x2E00 else 0.9
    return 0.7 if char.isupper() else 0.57


def number(value: float) -> str:
    """Format a number with four significant digits, or in full if it is a whole number."""
    whole = float(value).is_integer() and abs(value) < 1e9
    text = f"{value:,.0f}" if whole else f"{value:.4g}"
    return text.replace("-", "−")


def shape_of(nodes: list[Node]) -> str:
    """Format the nodes' shape and dtype (float32 as f32). "…" replaces dimensions that differ."""
    shapes = {node.shape for node in nodes}
    dtype = nodes[-1].dtype
    kind = f"{dtype.kind}{8 * dtype.itemsize}" if dtype.kind in "fiu" else str(dtype)
    if len({len(shape) for shape in shapes}) > 1:
        return f"several shapes {kind}"
    sizes = []
    for first, *others in zip(*shapes, strict=True):
        alike = all(size == first for size in others)
        sizes.append(str(first) if alike else "…")
    comma = "," if len(sizes) == 1 else ""
    return f"({', '.join(sizes)}{comma}) {kind}"


@dataclass
class Words:
    """The text on the boxes of one picture and in their tooltips."""

    gradients: Gradients
    values: bool
    grads: bool

    def face(self, box: Box) -> list[Line]:
        """Return the lines of text on a box."""
        if box.is_leaf:
            lines = _leaf(box)
        else:
            lines = _gate(box) if box.kind == "gate" else _scope(box)
            if box.role:
                lines.append(Bold(box.role, 9))
        if self.values and not _is_number(box):
            lines += _figures([Stats.of(node.output) for node in box.shown])
        if self.grads:
            lines += self._gradient(box)
        return lines

    def _gradient(self, box: Box) -> list[Line]:
        nodes = [node for node in box.shown if node.requires_grad]
        if not nodes:
            return []
        found = [stats for node in nodes if (stats := self.gradients.of(node))]
        if not found:
            waits = not self.gradients.roots and not box.starved
            return [Line("no gradient yet: call backward()" if waits else "no gradient")]
        label = "‖grad‖" if box.is_leaf else "‖dz‖"
        norms = [stats.norm for stats in found if not np.isnan(stats.norm)]
        lines = [Line(f"{label} {_span(norms)}")] if norms else []
        return lines + _broken(found)

    def tooltip(self, box: Box) -> str:
        """Return the full details of a box, one per line."""
        node = box.last
        title = f"{box.kind} {node.name or box.title}"
        lines = [repr(node.gate) if box.kind == "gate" else title]
        if len(box.nodes) > 1:
            lines.append(f"{len(box.nodes):,} nodes; the last of them:")
        lines.append(scope_label(node.scope))
        if node.source:
            lines.append(f"recorded at {node.source}")
        lines.append(f"{node.shape} {node.dtype}, {node.output.nbytes:,} bytes")
        lines.append(f"value: {_full(Stats.of(node.output))}")
        if self.grads and (stats := self.gradients.of(node)):
            lines.append(f"gradient: {_full(stats)}")
        return "\n".join(shortened(line, 400) for line in lines)


def _is_number(box: Box) -> bool:
    """Return whether a box is a constant whose value is its name."""
    return box.kind == "constant" and box.last.output.size == 1


def _gate(box: Box) -> list[Line]:
    node = box.last
    name = node.gate.name
    symbol = getattr(node.gate, "symbol", "")
    lines: list[Line] = [Bold(shortened(name, 14), 12)]
    if symbol and symbol != name.lower():
        lines = [
            Bold(shortened(symbol, 14), 12),
            Line(shortened(name)),
        ]
    lines.append(Line(shape_of(box.nodes)))
    alike = len({one.name for one in box.nodes}) == 1
    if node.name and alike and node.name != box.role:
        lines.append(Bold(shortened(node.name, 20), 9))
    return lines


def _leaf(box: Box) -> list[Line]:
    shape = shape_of(box.nodes)
    count = len(box.nodes)
    if count > 1:
        return [Bold(f"{_common_name(box)} ×{count}", 10), Line(shape)]
    name = box.last.name
    if _is_number(box):
        value = number(box.last.output.item())
        return [Line(f"{name} ={value}" if name else value, 10)]
    name = name or box.kind
    path, dot, end = name.rpartition(".")
    lines: list[Line] = [
        Line(shortened(path + dot), 7),
        Bold(shortened(end), 10),
    ]
    if not path or not end:  # a name such as "a.", because Graphviz rejects empty text
        lines = [Bold(shortened(name), 10)]
    lines.append(Line(shape, 7))
    return lines


def _common_name(box: Box) -> str:
    """Return a name for a box with several leaves."""
    first = box.nodes[0].name
    last = box.last.name
    if not first or not last:
        return box.kind
    names = [name.split(".")[::-1] for name in (first, last)]
    ending = shared(*names)
    if ending:  # equal blocks: the same name in each
        return shortened(".".join(ending[::-1]))
    return f"{shortened(first, 14)} … {shortened(last, 14)}"


def _scope(box: Box) -> list[Line]:
    nodes = box.nodes
    if box.framed:  # the frame says how often its contents repeat; the box describes them once
        nodes = nodes[: len(nodes) // len(box.steps)]
    held = counted(len(nodes), "gate", "gates")
    if len(box.steps) > 1 and not box.framed:
        what = "steps" if step_of(box.last.scope) else "scopes"
        held = f"{len(box.steps)} {what}, {held}"
    used = {parent for node in nodes for parent in node.inputs}
    parameters = [one for one in used if isinstance(one, Leaf) and one.requires_grad]
    if parameters:
        size = sum(one.output.size for one in parameters)
        held += f", {size:,} parameters"
    lines = [
        Bold(shortened(box.title), 11),
        Line(held),
        Line(f"→ {shape_of([box.last])}"),
    ]
    if box.note:
        lines.append(Line(shortened(box.note, 40)))
    return lines


def _figures(stats: list[Stats]) -> list[Line]:
    """Describe the values of a box.

    A small array is shown in full. A larger array is summarized by its range, mean and norm. For
    several arrays, the lines show one common range and the range of the norms.
    """
    first = stats[0]
    alone = len(stats) == 1
    small = first.small
    if alone and small is not None:
        if not small.ndim:
            return [Bold(f"= {number(small.item())}", 9)]
        rows = [map(number, row) for row in np.atleast_2d(small).tolist()]
        return [Line(f"[{'  '.join(row)}]") for row in rows]
    lines = []
    finite = [one for one in stats if not np.isnan(one.low)]
    if finite:
        low = number(min(one.low for one in finite))
        high = number(max(one.high for one in finite))
        norm = _span([one.norm for one in finite])
        mean = f"mean {number(first.mean)}, " if alone else ""
        lines = [
            Line(f"{low} … {high}"),
            Line(f"{mean}norm {norm}"),
        ]
    return lines + _broken(stats)


def _broken(stats: list[Stats]) -> list[Line]:
    """Return a line with the number of NaN or infinite elements, if there are any."""
    count = sum(one.broken for one in stats)
    return [Bold(f"{count:,} not finite", 9)] if count else []


def _span(values: list[float]) -> str:
    low = number(min(values))
    high = number(max(values))
    if low == high:
        return low
    return f"{low} … {high}"


def _full(stats: Stats) -> str:
    text = f"from {stats.low:.6g} to {stats.high:.6g}, mean {stats.mean:.6g}, norm {stats.norm:.6g}"
    if np.isnan(stats.low):
        text = "no finite number" if stats.broken else "empty"
    return f"{text}, {stats.broken:,} not finite" if stats.broken else text


def scope_title(name: str, longest: int = 40) -> list[Line]:
    """Return the title for the frame of a scope."""
    return [Bold(shortened(name, longest), 9.5)]
