"""Write a picture in DOT, Graphviz's language. The same graph always produces the same text.

If a picture has a column for each time step, grid.py computes the positions. Otherwise Graphviz
computes them.
"""

from math import log10
from textwrap import wrap

from ..context import Scope
from .boxes import Box, Line, Link
from .colour import CUT, FILLS, FRAME, INK, PALE, STATE, STYLES
from .grid import Grid, caption_place, point
from .labels import FONT, Words, extent, fixed, marked_up, quoted, scope_title, shortened


def write(
    boxes: list[Box], links: list[Link], words: Words, caption: str, grid: Grid | None
) -> str:
    """Return the DOT text of the picture. `caption` is shown below the picture."""
    general = (
        f'fontname="{FONT}", bgcolor="white", pad="0.15", fontsize="10", '
        'outputorder="edgesfirst", labelloc="b", labeljust="l"'
    )
    lines = wrap(caption, 100, break_long_words=False, break_on_hyphens=False)
    notes = [Line(line, 9) for line in lines]
    if notes:
        general += f", label={marked_up(notes, left=True)}"
    if grid is None:
        # Without newrank, Graphviz ranks each frame separately, and may draw a gate above the
        # gates that use its output.
        general += ', rankdir="BT", newrank="true", nodesep="0.22", ranksep="0.2"'
        body = _clusters(boxes, words)
    else:
        general += f', layout="nop2", bb="{grid.bounds}", {caption_place(extent(notes))}'
        body = []
        for number, (frame, title) in enumerate(grid.frames):
            body.append(f"  subgraph cluster_{number} {{ graph [{frame}]; }}")
            body.append(f"  title{number} [{title}];")
        body += [_box(box, words, f', pos="{point(box.place)}"') for box in boxes]
    out = [
        "digraph minigrad {",
        f"  graph [{general}];",
        f'  node [fontname="{FONT}", fontsize="10", margin="0.09,0.05", height="0.2"];',
        f'  edge [fontname="{FONT}", fontsize="8", color="{INK}", arrowsize="0.6"];',
        *body,
    ]
    norms = {link: _norm(link, words) for link in links}
    largest = max(norms.values(), default=0.0)
    for link, norm in norms.items():
        arrow = [_arrow(link, words.grads, norm, largest)]
        if link.label:
            color = {"cut": CUT, "state": STATE}.get(link.kind, "#222222")
            label = marked_up([Line(shortened(link.label, 60))], color)
            arrow.append(f"label={label}")
        if grid:
            arrow.append(grid.route(link))
        elif link.kind != "data" and link.tail.steps:  # a loop to the next step
            # Without this setting, it could turn the picture upside down.
            arrow.append('constraint="false"')
        attributes = ", ".join(filter(None, arrow))
        out.append(f"  n{link.tail.number} -> n{link.head.number} [{attributes}];")
    return "\n".join([*out, "}\n"])


def _box(box: Box, words: Words, place: str = "") -> str:
    style = {**STYLES[box.style]}
    if box.starved:
        style |= PALE
    label = marked_up(box.face, style.get("fontcolor"))
    look = ", ".join(f'{key}="{value}"' for key, value in style.items())
    tooltip = quoted(words.tooltip(box))
    return f"  n{box.number} [label={label}, {look}, tooltip={tooltip}, {fixed(box.size)}{place}];"


def _clusters(boxes: list[Box], words: Words) -> list[str]:
    """Return the DOT lines for all boxes. Each scope has a frame around its boxes and inner scopes.

    A frame's title is in the lower left, because more arrows would cross it at the top. Graphviz
    calls this position "t", because the picture is drawn from bottom to top.
    """
    inside: dict[Scope, list[str]] = {(): []}  # outer scopes come before inner scopes
    for box in boxes:
        for length in range(1, len(box.scope) + 1):
            inside.setdefault(box.scope[:length], [])
        inside[box.scope].append(_box(box, words))
    for number, scope in reversed(list(enumerate(inside))[1:]):
        title = marked_up(scope_title(scope[-1]))
        fill = FILLS[len(scope) % 2]
        tooltip = quoted(shortened("/".join(scope), 400))
        lines = [
            f"  subgraph cluster_{number} {{",
            f'  graph [label={title}, labelloc="t", style="rounded,filled", color="{FRAME}", '
            f'margin="8", fillcolor="{fill}", tooltip={tooltip}];',
            *inside[scope],
            "  }",
        ]
        inside[scope[:-1]] = lines + inside[scope[:-1]]
    return inside[()]


def _norm(link: Link, words: Words) -> float:
    """Return the largest norm of the gradients sent backward along an arrow, or 0."""
    if not words.grads:
        return 0.0
    norms = [words.gradients.along(use.consumer, use.position) for use in link.uses]
    return max((norm for norm in norms if norm > 0), default=0.0)


def _arrow(link: Link, grads: bool, norm: float, largest: float) -> str:
    """Return an arrow's attributes, except its label and path."""
    if link.kind == "cut":
        return f'color="{CUT}", style="dashed", penwidth="1.5"'
    if link.head.starved:
        pale = PALE["color"]
        return f'color="{pale}"'
    if norm > 0:
        # The largest gradient gets the thickest and darkest arrow. Gradients that are at least a
        # hundred times smaller get the thinnest.
        share = max(1 + log10(norm / largest) / 2, 0.0)
        grey = f"{round(165 - 165 * share):02X}"
        tooltip = f"norm of the gradient sent back: {norm:.6g}"
        return f'color="#{grey * 3}", penwidth="{0.7 + 3.3 * share:.2f}", tooltip="{tooltip}"'
    if grads:
        return 'color="#8A8A8A", style="dotted"'
    return f'color="{STATE}", penwidth="1.4"' if link.kind == "state" else ""
