"""Write the text in a picture: short labels on the boxes, and full details in the tooltips.

Names come from the user's program and may contain any characters. `shortened` limits their length,
every `Line` is printable, and `quoted` and `marked_up` escape all characters that Graphviz or a
browser could interpret as markup.
"""

import html
from itertools import takewhile

import numpy as np

from ..context import scope_label, step_of
from ..graph import Leaf, Node
from ..support.text import printable
from .boxes import Box, Line, gate_name
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
    for char, escaped in (("\\", "∖"), ('"', '\\"'), ("&", "&amp;"), ("\n", "\\n")):
        text = text.replace(char, escaped)
    return f'"{text}"'


def marked_up(lines: list[Line], color: str | None = None, left: bool = False) -> str:
    """Return lines as an HTML-like label for Graphviz."""
    rows = []
    for line in lines:
        # Graphviz reads \\ as \, and \N as a node's name.
        text = html.escape(line.text).replace("\\", "&#92;&#92;")
        text = f"<b>{text}</b>" if line.bold else text
        rows.append(f'<font point-size="{line.size:g}">{text}</font>')
    body = "".join(f'{row}<br align="left"/>' for row in rows) if left else "<br/>".join(rows)
    return f'<<font color="{color}">{body}</font>>' if color else f"<{body}>"


def size_of(lines: list[Line], shape: str) -> tuple[float, float]:
    """Return the size of a shape around the lines, (width, height) in points."""
    width, height = extent(lines)
    if shape == "ellipse":
        tall = len(lines) > 2
        return width * (1.3 if tall else 1.22) + 8, height * (1.3 if tall else 1.25) + 4
    if shape == "octagon":
        return width + 44, height + 14
    return width + 14, height + 10 + 4 * (shape == "box3d")


def extent(lines: list[Line]) -> tuple[float, float]:
    """Estimate the size of the lines, (width, height) in points. The width is an upper bound."""
    width = max((sum(map(_wide, line.text)) * line.size for line in lines), default=0)
    return width, sum(line.size * 1.22 for line in lines)


def fixed(size: tuple[float, float]) -> dict[str, str]:
    """Return attributes that give a node a size, (width, height) in points.

    Fixed sizes make the picture independent of the fonts on the machine that draws it.
    """
    width, height = size
    return {"width": f"{width / 72:.3f}", "height": f"{height / 72:.3f}", "fixedsize": "true"}


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
    return (f"{value:,.0f}" if whole else f"{value:.4g}").replace("-", "−")


def shape_of(nodes: list[Node]) -> str:
    """Format the nodes' shape and dtype (float32 as f32). "…" replaces dimensions that differ."""
    shapes = {node.output.shape for node in nodes}
    dtype = nodes[-1].output.dtype
    kind = f"{dtype.kind}{8 * dtype.itemsize}" if dtype.kind in "fiu" else str(dtype)
    if len({len(shape) for shape in shapes}) > 1:
        return f"several shapes {kind}"
    sizes = ["…" if len(set(size)) > 1 else str(size[0]) for size in zip(*shapes, strict=True)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''}) {kind}"


class Words:
    """The text on the boxes of one picture and in their tooltips."""

    def __init__(self, gradients: Gradients, values: bool, grads: bool) -> None:
        self.gradients, self.values, self.grads = gradients, values, grads

    def face(self, box: Box) -> list[Line]:
        """Return the lines of text on a box."""
        if box.is_leaf:
            lines = _leaf(box)
        else:
            lines = _gate(box) if box.kind == "gate" else _scope(box)
            if box.role:
                lines.append(Line(box.role, 9, bold=True))
        if self.values and not (box.kind == "constant" and box.last.output.size == 1):
            lines += _figures([Stats.of(node.output) for node in box.shown])
        if self.grads:
            lines += self._gradient(box)
        return lines

    def _gradient(self, box: Box) -> list[Line]:
        nodes = [node for node in box.shown if node.requires_grad]
        if not nodes:
            return []
        found = [stats for node in nodes if (stats := self.gradients.of(node)) is not None]
        if not found:
            yet = "" if self.gradients.roots or box.starved else " yet: call backward()"
            return [Line(f"no gradient{yet}")]
        label = "‖grad‖" if box.is_leaf else "‖dz‖"
        norms = [stats.norm for stats in found if not np.isnan(stats.norm)]
        return [*([Line(f"{label} {_span(norms)}")] if norms else []), *_broken(found)]

    def tooltip(self, box: Box) -> str:
        """Return the full details of a box, one per line."""
        node = box.last
        lines = [repr(node.gate) if box.kind == "gate" else f"{box.kind} {node.name or box.title}"]
        if len(box.nodes) > 1:
            lines.append(f"{len(box.nodes):,} nodes; the last of them:")
        lines.append(scope_label(node.scope))
        if node.source:
            lines.append(f"recorded at {node.source}")
        lines.append(f"{node.output.shape} {node.output.dtype}, {node.output.nbytes:,} bytes")
        lines.append("value: " + _full(Stats.of(node.output)))
        if self.grads and (stats := self.gradients.of(node)) is not None:
            lines.append("gradient: " + _full(stats))
        return "\n".join(shortened(line, 400) for line in lines)


def _gate(box: Box) -> list[Line]:
    node = box.last
    name, symbol = gate_name(node), getattr(node.gate, "symbol", "")
    if not symbol or symbol == name.lower():
        lines = [Line(shortened(name, 14), 12, bold=True)]
    else:
        lines = [Line(shortened(symbol, 14), 12, bold=True), Line(shortened(name))]
    lines.append(Line(shape_of(box.nodes)))
    names = {one.name for one in box.nodes}
    if node.name and len(names) == 1 and node.name != box.role:
        lines.append(Line(shortened(node.name, 20), 9, bold=True))
    return lines


def _leaf(box: Box) -> list[Line]:
    first, last = box.nodes[0], box.last
    name = first.name or ""
    if first is not last:
        title = box.kind
        if first.name and last.name:
            title = f"{shortened(first.name, 14)} … {shortened(last.name, 14)}"
            pairs = zip(first.name.split(".")[::-1], last.name.split(".")[::-1], strict=False)
            if ending := [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]:
                title = shortened(".".join(ending[::-1]))  # equal blocks: the same name in each
        return [Line(f"{title} ×{len(box.nodes)}", 10, bold=True), Line(shape_of(box.nodes))]
    if last.output.size == 1 and box.kind == "constant":
        return [Line(f"{name} =" * bool(name) + number(last.output.item()), 10)]
    path, dot, last_part = (name or box.kind).rpartition(".")
    # Do not split names such as "." and "a.", because Graphviz rejects empty text.
    if not path or not last_part:
        path, last_part = "", name or box.kind
    above = [Line(shortened(path + dot), 7)] if path else []
    return [*above, Line(shortened(last_part), 10, bold=True), Line(shape_of(box.nodes), 7)]


def _scope(box: Box) -> list[Line]:
    # a frame already says how often its contents repeat, so the box describes one time
    nodes = box.nodes[: len(box.nodes) // len(box.steps)] if box.framed else box.nodes
    held = f"{len(nodes):,} gate{'s' * (len(nodes) > 1)}"
    if len(box.steps) > 1 and not box.framed:
        what = "steps" if step_of(box.last.scope) else "scopes"
        held = f"{len(box.steps)} {what}, {held}"
    used = {parent for node in nodes for parent in node.inputs}
    sizes = [leaf.output.size for leaf in used if isinstance(leaf, Leaf) and leaf.requires_grad]
    held += f", {sum(sizes):,} parameters" if sizes else ""
    lines = [Line(shortened(box.title), 11, bold=True), Line(held)]
    lines.append(Line(f"→ {shape_of([box.last])}"))
    if box.note:
        lines.append(Line(shortened(box.note, 40)))
    return lines


def _figures(stats: list[Stats]) -> list[Line]:
    """Describe the values of a box.

    A small array is shown in full. A larger array is summarized by its range, mean and norm. For
    several arrays, the lines show one common range and the range of the norms.
    """
    if len(stats) == 1 and (small := stats[0].small) is not None and small.size:
        if not small.ndim:
            return [Line("= " + number(float(small)), 9, bold=True)]
        rows = np.atleast_2d(small)
        return [Line("[" + "  ".join(number(float(value)) for value in row) + "]") for row in rows]
    finite = [one for one in stats if not np.isnan(one.low)]
    lines = []
    if finite:
        low, high = min(one.low for one in finite), max(one.high for one in finite)
        mean = f"mean {number(finite[0].mean)}, " if len(stats) == 1 else ""
        lines.append(Line(f"{number(low)} … {number(high)}"))
        lines.append(Line(f"{mean}norm {_span([one.norm for one in finite])}"))
    return lines + _broken(stats)


def _broken(stats: list[Stats]) -> list[Line]:
    """Return a line with the number of NaN or infinite elements, if there are any."""
    count = sum(one.broken for one in stats)
    return [Line(f"{count:,} not finite", 9, bold=True)] if count else []


def _span(values: list[float]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} … {high}"


def _full(stats: Stats) -> str:
    text = f"from {stats.low:.6g} to {stats.high:.6g}, mean {stats.mean:.6g}, norm {stats.norm:.6g}"
    if np.isnan(stats.low):
        text = "no finite number" if stats.broken else "empty"
    return f"{text}, {stats.broken:,} not finite" if stats.broken else text


def scope_title(name: str, longest: int = 40) -> list[Line]:
    """Return the title for the frame of a scope."""
    return [Line(shortened(name, longest), 9.5, bold=True)]
