"""The texts in a picture: short ones on the face of each box, everything in its tooltip.

Names come from the user's program and may contain anything. `shortened` bounds their length, every `Line` is printable,
and `quoted` and `marked_up` escape all that Graphviz or a browser could take for markup.
"""

import html
from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..context import place
from ..graph import Leaf, Node
from ..support.text import printable
from .boxes import Box, Link, gate_name, name_steps
from .facts import Gradients, Stats

FONT = "Helvetica,Arial,sans-serif"
LONGEST = 28  # characters of a name on the face of a box; its tooltip has up to 400


class Markup(str):
    """A label in Graphviz's own markup. Any other string is text, whatever it begins with."""

    __slots__ = ()


@dataclass
class Line:
    """One line of text, `size` in points; `bold` comes before `text`, in bold."""

    text: str
    size: float = 8.5
    bold: str = ""

    def __post_init__(self) -> None:
        self.text, self.bold = printable(self.text), printable(self.bold)


def shortened(text: str, longest: int = LONGEST) -> str:
    """A name on one line, as `printable` makes it, with "…" for a long middle.

    >>> shortened("x" * 40)
    'xxxxxxxxxxxxxxxx…xxxxxxxxxxx'
    """
    return printable(text if len(text) <= longest else f"{text[: longest - 12]}…{text[-11:]}")


def quoted(text: str) -> str:
    r"""A DOT string. & becomes &amp; because Graphviz reads entities in strings. \ becomes ∖, which only looks like it:

    \N would stand for a node's name, and how often \ must be doubled differs between nodes' and clusters' tooltips.
    """
    for char, escaped in (("\\", "∖"), ('"', '\\"'), ("&", "&amp;"), ("\n", "\\n")):
        text = text.replace(char, escaped)
    return f'"{text}"'


def marked_up(lines: list[Line], color: str | None = None, left: bool = False) -> Markup:
    """Lines as an HTML-like label of Graphviz."""
    rows = []
    align = ' align="left"' if left else ""
    for line in lines:
        bold = f"<b>{_html(line.bold)}</b>" if line.bold else ""
        gap = " " if line.bold and line.text else ""
        rows.append(f'<font point-size="{line.size:g}">{bold}{gap}{_html(line.text)}</font>')
    body = "".join(f"{row}<br{align}/>" for row in rows) if left else "<br/>".join(rows)
    return Markup(f'<<font color="{color}">{body}</font>>' if color else f"<{body}>")


def size_of(lines: list[Line], shape: str) -> tuple[float, float]:
    """(width, height) in points of a shape that holds the lines."""
    width, height = extent(lines)
    if shape == "ellipse":
        tall = len(lines) > 2
        return width * (1.3 if tall else 1.22) + 8, height * (1.3 if tall else 1.25) + 4
    if shape == "octagon":
        return width + 44, height + 14
    return width + 14, height + 10 + 4 * (shape == "box3d")


def _html(text: str) -> str:
    return html.escape(text).replace("\\", "&#92;&#92;")  # Graphviz reads \\ as \, and \N as a node's name


def extent(lines: list[Line]) -> tuple[float, float]:
    """(width, height) of the lines in points, erring on the wide side."""
    width = max(
        (sum(map(_wide, line.bold + " " * bool(line.bold) + line.text)) * line.size for line in lines), default=0
    )
    return width, sum(line.size * 1.22 for line in lines)


def _wide(char: str) -> float:
    """A character's width in Helvetica, as a fraction of the font size."""
    if char in "ilj.,:;|!'()[]/ ftI":
        return 0.31
    if char in "mwMW%@—…" or ord(char) > 0x2000:
        return 1.0 if ord(char) > 0x2E00 else 0.9
    return 0.7 if char.isupper() else 0.57


def number(value: float) -> str:
    """Four significant digits; whole numbers in full."""
    whole = float(value).is_integer() and abs(value) < 1e9
    return (f"{value:,.0f}" if whole else f"{value:.4g}").replace("-", "−")


def shape_of(nodes: list[Node], short: bool = False) -> str:
    """Shape and dtype, with … for a size that differs between the nodes; `short` writes float32 as f32."""
    shapes = {node.output.shape for node in nodes}
    dtype = nodes[-1].output.dtype
    kind = f"{dtype.kind}{8 * dtype.itemsize}" if short and dtype.kind in "fiu" else str(dtype)
    if len({len(shape) for shape in shapes}) > 1:
        return f"several shapes {kind}"
    sizes = ["…" if len(set(size)) > 1 else str(size[0]) for size in zip(*shapes, strict=True)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''}) {kind}"


def symbol_of(node: Node) -> str:
    """The symbol of a node's gate in formulas, or ""."""
    return getattr(node.gate, "symbol", "")


class Words:
    """The texts of one picture: on boxes, and in the tooltips of boxes and arrows."""

    def __init__(self, gradients: Gradients, values: bool, grads: bool, compact: bool = False) -> None:
        self.gradients, self.values, self.grads = gradients, values, grads
        self.compact = compact  # forty columns side by side have no room for long lines
        self._faces: dict[Box, list[Line]] = {}

    def face(self, box: Box) -> list[Line]:
        """The lines on the box."""
        if box in self._faces:
            return self._faces[box]
        if box.is_leaf:
            lines = self._leaf(box)
        else:
            lines = self._gate(box) if box.kind == "gate" else self._scope(box)
            if box.role:
                lines.append(Line("", 9, box.role))
        if self.values and not (box.kind == "constant" and box.last.output.size == 1):
            lines += _figures([Stats.of(node.output) for node in box.shown])
        if self.grads:
            lines += self._gradient(box)
        self._faces[box] = lines
        return lines

    def _gate(self, box: Box) -> list[Line]:
        node = box.last
        name, symbol = gate_name(node), symbol_of(node)
        plain = not symbol or symbol == name.lower()
        title = Line("" if plain else shortened(name), 11, shortened(name if plain else symbol, 14))
        lines = [title, Line(shape_of(box.nodes))]
        if self.compact:
            lines = [Line("", 12, title.bold), *([Line(title.text, 8)] if title.text else [])]
            lines.append(Line(shape_of(box.nodes, short=True), 8))
        names = {one.name for one in box.nodes}
        own = shortened(node.name, 20) if node.name and len(names) == 1 else ""
        if own and own != box.role:
            lines.append(Line("", 9, own))
        return lines

    def _leaf(self, box: Box) -> list[Line]:
        first, last = box.nodes[0], box.last
        names = [node.name or "" for node in (first, last)]
        if first is not last:
            title = f"{shortened(names[0], 14)} … {shortened(names[1], 14)}" if all(names) else box.kind
            return [Line(f"×{len(box.nodes)}", 10, title), Line(shape_of(box.nodes))]
        if last.output.size == 1 and box.kind == "constant":
            return [Line(f"{names[0]} =" * bool(names[0]) + number(last.output.item()), 10)]
        if self.compact:
            path, dot, name = (names[0] or box.kind).rpartition(".")
            above = [Line(shortened(path + dot), 7)] if path else []
            return [*above, Line("", 10, shortened(name)), Line(shape_of(box.nodes, short=True), 7)]
        return [Line("", 10, shortened(names[0] or box.kind)), Line(shape_of(box.nodes))]

    def _scope(self, box: Box) -> list[Line]:
        gates = f"{len(box.nodes):,} gate{'s' * (len(box.nodes) > 1)}"
        if box.steps:
            gates = f"{len(box.steps)} steps, {gates}" if len(box.steps) > 1 else gates
        lines = [Line("", 11, shortened(box.title)), Line(gates)]
        if box.kind == "scope" or box.band is None:
            kinds = Counter(symbol_of(node) or gate_name(node) for node in box.nodes)
            some = [f"{shortened(kind, 14)} {count}" for kind, count in kinds.most_common(3)]
            lines.append(Line(", ".join(some) + (", …" if len(kinds) > 3 else "")))
        if numbers := sum(leaf.output.size for leaf in parameters([box])):
            lines.append(Line(f"{numbers:,} parameters"))
        lines.append(Line(f"→ {shape_of([box.last], self.compact)}"))
        if box.note:
            lines.append(Line(shortened(box.note, 40)))
        return lines

    def _gradient(self, box: Box) -> list[Line]:
        nodes = [node for node in box.shown if node.requires_grad]
        if not nodes:
            return []
        found = [stats for node in nodes if (stats := self.gradients.of(node)) is not None]
        if box.starved and not any(isinstance(node, Leaf) and found for node in nodes):
            return [Line("no gradient")]  # the caption says why
        if not found:
            return [Line("no gradient yet: call backward()" if not self.gradients.roots else "no gradient reached it")]
        label = "‖grad‖" if box.is_leaf else "‖dz‖"
        norms = [stats.norm for stats in found if not np.isnan(stats.norm)]
        return [*([Line(f"{label} {_span(norms)}")] if norms else []), *_broken(found)]

    def tooltip(self, box: Box) -> str:
        """Everything that is known about a box, line by line."""
        node = box.last
        lines = [f"{node.gate!r}" if box.kind == "gate" else f"{box.kind} {node.name or box.title}".strip()]
        if len(box.nodes) > 1:
            steps = f", steps {name_steps(box.steps)}" if box.steps else ""
            lines.append(f"{len(box.nodes):,} nodes{steps}; the last of them:")
        lines.append(f"{place(node.scope)}")
        if node.source:
            lines.append(f"recorded at {node.source}")
        lines.append(f"{node.output.shape} {node.output.dtype}, {node.output.nbytes:,} bytes")
        lines.append("value: " + _full(Stats.of(node.output)))
        if self.grads and node.requires_grad and (stats := self.gradients.of(node)) is not None:
            lines.append("gradient: " + _full(stats))
        if box.starved:
            lines.append("no gradient comes here: it lies behind a cut")
        return "\n".join(shortened(line, 400) for line in lines)

    def link_tooltip(self, link: Link) -> str:
        """Where an arrow leads, and the norm of the gradient that came back along it."""
        producer, consumer, position, _ = link.uses[-1]
        ends = [node.name or gate_name(node) or "constant" for node in (producer, consumer)]
        lines = [f"{ends[0]} → {ends[1]}, input {position}", f"{producer.output.shape} {producer.output.dtype}"]
        if self.grads and (norm := self.gradients.along(consumer, position)) is not None:
            lines.append(f"norm of the gradient sent back: {norm:.6g}")
        return "\n".join(shortened(line, 400) for line in lines)


def parameters(boxes: list[Box]) -> list[Node]:
    """The parameters that the gates of some boxes use, each once."""
    used = {parent: None for box in boxes for node in box.nodes for parent in node.inputs}
    return [leaf for leaf in used if isinstance(leaf, Leaf) and leaf.requires_grad]


def _figures(stats: list[Stats]) -> list[Line]:
    """A small array in full; a larger one as range, mean and norm; several as their common range and their norms."""
    if len(stats) == 1 and (small := stats[0].small) is not None and small.size:
        if not small.ndim:
            return [Line("", 9, "= " + number(float(small)))]
        return [Line("[" + "  ".join(number(float(value)) for value in row) + "]") for row in np.atleast_2d(small)]
    finite = [one for one in stats if not np.isnan(one.low)]
    lines = []
    if finite:
        norm = f"norm {_span([one.norm for one in finite])}"
        lines.append(Line(f"{number(min(one.low for one in finite))} … {number(max(one.high for one in finite))}"))
        lines.append(Line(f"mean {number(finite[0].mean)}, {norm}" if len(stats) == 1 else norm))
    return lines + _broken(stats)


def _broken(stats: list[Stats]) -> list[Line]:
    """A line that says how many elements are NaN or infinite, if any are."""
    count = sum(one.broken for one in stats)
    return [Line("", 9, f"{count:,} not finite")] if count else []


def _span(values: list[float]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} … {high}"


def _full(stats: Stats) -> str:
    text = f"from {stats.low:.6g} to {stats.high:.6g}, mean {stats.mean:.6g}, norm {stats.norm:.6g}"
    if np.isnan(stats.low):
        text = "no finite number" if stats.broken else "empty"
    return f"{text}, {stats.broken:,} not finite" if stats.broken else text


def scope_title(name: str) -> list[Line]:
    """The title of a scope's frame."""
    return [Line("", 9.5, shortened(name, 40))]
