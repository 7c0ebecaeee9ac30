"""Writes a picture as text in DOT, Graphviz's language. The same program always gives the same text.

If a picture has a column for each time step, its positions come from grid.py; otherwise Graphviz finds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from textwrap import wrap

from ..context import Scope
from .boxes import Box, Link, View, shared
from .colour import CUT, INK, PALE, STATE, STYLES, Scale, on_scale
from .grid import Grid
from .labels import FONT, Line, Markup, Words, extent, marked_up, number, quoted, scope_title, shortened
from .points import point

KINDS = {
    "gate": "a gate", "parameter": "a parameter", "input": "an input", "constant": "a constant",
    "scope": "a scope's gates", "fold": "gates left out", "output": "an output", "loss": "the loss",
}  # fmt: skip


@dataclass(frozen=True)
class Colouring:
    """What boxes are coloured by: a number for each, and a title that says what the number is."""

    title: str
    values: Mapping[Box, float]

    @cached_property
    def scale(self) -> Scale:
        return Scale(list(self.values.values()))


def write(
    view: View, words: Words, *, caption: str = "", legend: bool = False, colouring: Colouring | None = None,
    grid: Grid | None = None,
) -> str:  # fmt: skip
    """The whole DOT text. `caption` goes beneath the picture."""
    out = ["digraph minigrad {"]
    general = {
        "rankdir": "BT",
        "newrank": "true",  # otherwise frames are ranked apart, and a gate may stand above what it feeds
        "nodesep": "0.22",
        "ranksep": "0.34",
        "fontname": FONT,
        "bgcolor": "white",
        "pad": "0.15",
    }
    if grid is not None:
        general = {"layout": "nop2", "fontname": FONT, "bgcolor": "white", "pad": "0.15", "bb": grid.bounds}
    general |= {"fontsize": "10", "outputorder": "edgesfirst", "labelloc": "b", "labeljust": "l"}
    notes = [Line(line, 9) for line in wrap(caption, 100, break_long_words=False, break_on_hyphens=False)]
    if notes:
        general["label"] = marked_up(notes, left=True)
        if grid is not None:
            general |= grid.caption(extent(notes))
    out.append(f"  graph {_attributes(general)};")
    out.append(f"  node {_attributes({'fontname': FONT, 'fontsize': '10', 'margin': '0.09,0.05', 'height': '0.2'})};")
    out.append(f"  edge {_attributes({'fontname': FONT, 'fontsize': '8', 'color': INK, 'arrowsize': '0.6'})};")
    faces = {box: _face(box, words, colouring, grid) for box in view.boxes}
    if grid is None:
        tree = _tree(view.boxes)
        titles = {scope: f"title{number_}" for number_, scope in enumerate(tree)}
        _clusters(out, tree, titles, faces)
        out += _climbs(view, titles)
    else:
        for number_, frame in enumerate(grid.frames):
            out.append(f"  subgraph cluster_{number_} {{ graph {_attributes(frame)}; }}")
        out += [f"  {box.id} {faces[box]};" for box in view.boxes]
    heaviest = Scale([norm for link in view.links if (norm := _norm(link, words)) is not None])
    for link in view.links:
        out.append(f"  {link.tail.id} -> {link.head.id} {_attributes(_arrow(link, words, heaviest, grid))};")
    if legend:
        out += _legend(view, grid)
    if colouring:
        out.append(_scale(colouring, grid))
    out.append("}")
    return "\n".join(out) + "\n"


def _attributes(values: Mapping[str, str]) -> str:
    pairs = (f"{key}={value if isinstance(value, Markup) else quoted(value)}" for key, value in values.items())
    return f"[{', '.join(pairs)}]"


def _face(box: Box, words: Words, colouring: Colouring | None, grid: Grid | None) -> str:
    style = dict(STYLES[box.style])
    text = None
    if box.starved:
        style |= PALE
        text = PALE["fontcolor"]
    if colouring:
        style["fillcolor"] = "#FFFFFF"
        if box in colouring.values:
            style["fillcolor"], text = on_scale(colouring.scale(colouring.values[box]))
    values = {"label": marked_up(words.face(box), text), **style, "tooltip": words.tooltip(box)}
    values.pop("fontcolor", None)
    # Sizes are set here, so that a picture does not depend on the fonts of the machine that draws it.
    width, height = box.size
    values |= {"width": f"{width / 72:.3f}", "height": f"{height / 72:.3f}", "fixedsize": "true"}
    if grid is not None:
        values["pos"] = point(box.place)
    return _attributes(values)


def _tree(boxes: list[Box]) -> dict[Scope, list[Box]]:
    """The boxes by scope, in the order of first appearance, outer scopes before inner ones."""
    tree: dict[Scope, list[Box]] = {(): []}
    for box in boxes:
        for length in range(1, len(box.scope) + 1):
            tree.setdefault(box.scope[:length], [])
        tree[box.scope].append(box)
    return tree


def _clusters(out: list[str], tree: dict[Scope, list[Box]], titles: dict[Scope, str], faces: dict[Box, str]) -> None:
    """Write each scope as a frame around its boxes and inner scopes. Scopes nest to any depth, hence the stack."""
    children: dict[Scope, list[Scope]] = {scope: [] for scope in tree}
    for scope in tree:
        if scope:
            children[scope[:-1]].append(scope)
    stack: list[tuple[Scope, bool]] = [((), False)]
    while stack:
        scope, done = stack.pop()
        pad = "  " * (len(scope) + 1)
        if done:
            out.append(pad[2:] + "}")
            continue
        if scope:
            out.append(f"{pad[2:]}subgraph cluster_{titles[scope]} {{")
            frame = {
                "label": "", "style": "rounded,filled", "color": "#9A9A9A", "margin": "8",
                "fillcolor": "#F7F7F7" if len(scope) % 2 else "#EFEFEF", "tooltip": shortened("/".join(scope), 400),
            }  # fmt: skip
            name = scope_title(scope[-1])
            width, height = (f"{size / 72:.3f}" for size in extent(name))
            title = {"label": marked_up(name), "shape": "plaintext", "fixedsize": "true", "width": width}
            title |= {"height": height, "tooltip": frame["tooltip"]}
            out += [f"{pad}graph {_attributes(frame)};", f"{pad}{titles[scope]} {_attributes(title)};"]
            stack.append((scope, True))
        out += [f"{pad}{box.id} {faces[box]};" for box in tree[scope]]
        stack += [(child, False) for child in reversed(children[scope])]


def _climbs(view: View, titles: dict[Scope, str]) -> list[str]:
    """Invisible lines that hold a title above all boxes of its frame, and below what an arrow out of the frame feeds.

    A title is a node, because Graphviz leads arrows around nodes, but through the label of a frame.
    """
    place = {box: number_ for number_, box in enumerate(view.boxes)}
    newest = {box.scope[:length]: place[box] for box in view.boxes for length in range(len(box.scope) + 1)}
    ways = [(link.tail, link.head) for link in view.links if not _loops(link)]
    lines: dict[tuple[str, str], str] = {}
    for tail, head in [*ways, *((box, None) for box in view.boxes if box.role)]:
        outer = len(shared(tail.scope, head.scope)) if head else 0
        left = [tail.scope[:length] for length in range(len(tail.scope), outer, -1)]
        lines |= dict.fromkeys(pairwise([tail.id, *(titles[scope] for scope in left)]), "")
        if head and left and newest[left[-1]] < place[head]:  # otherwise data come back into the frame
            lines[titles[left[-1]], head.id] = ", weight=0"
    return [f"  {tail} -> {head} [style=invis{weight}];" for (tail, head), weight in lines.items()]


def _loops(link: Link) -> bool:
    """Whether an arrow leads to the next time step within boxes that stand for several."""
    return link.kind != "data" and bool(link.tail.steps)


def _norm(link: Link, words: Words) -> float | None:
    """The largest norm of the gradients that came back along an arrow."""
    if not words.grads:
        return None
    norms = (words.gradients.along(use.consumer, use.position) for use in link.uses)
    return max((norm for norm in norms if norm is not None), default=None)


def _arrow(link: Link, words: Words, heaviest: Scale, grid: Grid | None) -> dict[str, str]:
    values: dict[str, str] = {}
    if link.label and (grid is None or grid.has_label(link)):
        color = {"cut": CUT, "state": STATE}.get(link.kind, "#222222")
        values["label"] = marked_up([Line(shortened(link.label, 60), 8)], color)
    if link.kind == "cut":
        values |= {"color": CUT, "style": "dashed", "penwidth": "1.5"}
    elif link.head.starved:
        values["color"] = PALE["color"]
    elif (norm := _norm(link, words)) is not None:
        share = heaviest(norm)
        grey = round(165 - 165 * share)
        values |= {"color": f"#{grey:02X}{grey:02X}{grey:02X}", "penwidth": f"{0.7 + 3.3 * share:.2f}"}
    elif words.grads:
        values |= {"color": "#8A8A8A", "style": "dotted"}
    elif link.kind == "state":
        values |= {"color": STATE, "penwidth": "1.4"}
    if grid is None and _loops(link):
        values["constraint"] = "false"  # the loop to the next step must not turn the picture upside down
    values["tooltip"] = words.link_tooltip(link)
    if "label" in values:
        values["labeltooltip"] = values["tooltip"]
    return values | (grid.route(link) if grid is not None else {})


def _legend(view: View, grid: Grid | None) -> list[str]:
    """A sample of each kind of box that the picture has."""
    kinds = [kind for kind in STYLES if any(box.style == kind for box in view.boxes)]
    samples = [("way", {"shape": "plaintext"}, "read upwards: gradients come back down")]
    samples += [(kind, dict(STYLES[kind]), KINDS[kind]) for kind in kinds]
    if any(box.starved for box in view.boxes):
        samples.append(("pale", {**STYLES["gate"], **PALE}, "no gradient: behind a cut"))
    for kind, color, words in (
        ("cut", CUT, "dashed red: a cut, no gradient passes"),
        ("state", STATE, "blue: a state, on its way to the next time step"),
    ):
        if any(link.kind == kind for link in view.links):
            samples.append((kind, {"shape": "plaintext", "fontcolor": color}, words))
    frame = {"label": marked_up([Line("", 9.5, "legend")]), "style": "rounded", "color": "#9A9A9A"}
    widths = [extent([Line(words, 9)])[0] for _, _, words in samples]
    spots = grid.legend(widths, frame) if grid is not None else [{}] * len(samples)
    rows = ["  subgraph cluster_legend {", f"    graph {_attributes(frame)};"]
    for (name, style, words), spot in zip(samples, spots, strict=True):
        label = marked_up([Line(words, 9)], style.pop("fontcolor", None))
        rows.append(f"    legend_{name} {_attributes({'label': label, **style, **spot})};")
    if grid is None:  # stacked, because a row of samples would be wider than most pictures
        rows += [f"    legend_{two[0]} -> legend_{one[0]} [style=invis];" for one, two in pairwise(samples)]
    return [*rows, "  }"]


def _scale(colouring: Colouring, grid: Grid | None) -> str:
    scale = colouring.scale
    cells = "".join(f'<td width="22" height="12" bgcolor="{on_scale(step / 9)[0]}"></td>' for step in range(10))
    title = shortened(colouring.title, 80) + (", by its logarithm" if scale.logarithmic else "")
    label = Markup(
        '<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">'
        f'<tr><td colspan="10">{marked_up([Line(title, 9)])[1:-1]}</td></tr><tr>{cells}</tr>'
        f'<tr><td colspan="5" align="left"><font point-size="9">{number(scale.low)}</font></td>'
        f'<td colspan="5" align="right"><font point-size="9">{number(scale.high)}</font></td></tr></table>>'
    )
    values = {"shape": "plaintext", "label": label}
    if grid is not None:
        values |= grid.corner()
    return f"  scale {_attributes(values)};"
