"""Draw a learner's graph as an SVG image, for services that show images but run no scripts."""

import base64
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ..checking.lesson import Lesson
from ..checking.sandbox import draw_page

DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.S)
"""The graph in the page of the explorer."""
MOST = 150
"""The maximum number of nodes in a picture."""
WIDE, HIGH = 130, 64
"""The distance between nodes, in pixels."""
COLOURS = {"gate": "#e8eefc", "parameter": "#fdf0d5", "input": "#eeeeee"}


def picture(lesson: Lesson, text: str, modules: Mapping[str, str], failed: str) -> dict[str, str]:
    """Return the picture of a file's graph, as {"label": words, "url": data URL}. The dict is empty if
    the lesson's page shows no graph, or if it cannot be drawn. `failed` is the wrong function, or ''.
    """
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        try:
            if not draw_page(lesson, Path(lesson.file), text, failed, page, modules):
                return {}
            (data,) = DATA.findall(page.read_text("utf-8"))
            nodes = json.loads(data)["nodes"]
            image = as_svg(nodes)
        except Exception:  # the learner's file may have changed the page
            return {}
    names = ", ".join(map(label, nodes))
    url = base64.b64encode(image.encode()).decode()
    return {
        "label": f"Lesson {lesson.number}, your graph, from its inputs to its result: {names}",
        "url": f"data:image/svg+xml;base64,{url}",
    }


def label(node: Mapping[str, Any]) -> str:
    """Return the name of a leaf, or of a gate."""
    return str(node.get("name") or node.get("gate") or node["kind"])[:40]


def as_svg(nodes: list[dict[str, Any]]) -> str:
    """Return the picture of the nodes in an explorer's page, with a line from each input to its gate.

    Errors: ValueError for too many nodes.
    """
    if not 0 < len(nodes) <= MOST:
        raise ValueError(f"a picture shows at most {MOST} nodes")
    wide, high = defaultdict[int, float](float), defaultdict[int, float](float)
    for node in nodes:
        column, band = node["column"], node["band"]
        wide[column] = max(wide[column], node["offset"] + 1)
        high[band] = max(high[band], node["row"] + 1)

    def place(node: Mapping[str, Any]) -> tuple[float, float]:
        left = sum(wide[i] for i in wide if i < node["column"]) + node["offset"]
        above = sum(high[i] for i in high if i < node["band"]) + node["row"]
        return (left + 0.5) * WIDE, (above + 0.5) * HIGH

    lines, boxes = [], []
    for node in nodes:
        x, y = place(node)
        for number in node.get("inputs", ()):
            start_x, start_y = place(nodes[number])
            lines.append(f'<path d="M{start_x:g} {start_y:g} L{x:g} {y:g}"/>')
        words = label(node)
        shown = words if len(words) < 16 else f"{words[:14]}…"
        boxes.append(
            f'<rect x="{x - 58:g}" y="{y - 17:g}" width="116" height="34" rx="6" '
            f'fill="{COLOURS.get(node["kind"], "white")}"/>'
            f'<text x="{x:g}" y="{y + 5:g}" stroke="none" fill="#111">{escape(shown)}</text>'
        )
    size = sum(wide.values()) * WIDE, sum(high.values()) * HIGH
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]:g}" height="{size[1]:g}">'
        '<rect width="100%" height="100%" fill="white"/>'
        f'<g stroke="#555" stroke-width="1.5" fill="none">{"".join(lines)}</g>'
        '<g stroke="#555" font-family="sans-serif" font-size="14" text-anchor="middle">'
        f"{''.join(boxes)}</g></svg>"
    )
