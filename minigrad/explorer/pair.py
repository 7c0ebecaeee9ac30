"""Two explorers on one page that step together: the page of a comparison (`mg.compare`)."""

import html
from pathlib import Path
from typing import Any

from ..drawing.boxes import history
from ..tensor import from_node
from . import explore
from .page import as_json, build_pair, save


def pair_page(result: Any, path: Path) -> Path:
    """Write the page for the result of `mg.compare`. It opens at the first difference.

    Errors: as for `explore`.
    """
    index = [
        {node: number for number, node in enumerate(history([graph.root]))}
        for graph in result.graphs
    ]
    data = {
        "names": result.names,
        "partners": [(index[0][x], index[1][y]) for x, y in result.graphs[0].partners.items()],
        "first": [index[0].get(result.a), index[1].get(result.b)],
        "direction": "backward" if result.backward else "forward",
    }
    frames = [
        f'<section><h2><bdi>{html.escape(name)}</bdi></h2><iframe sandbox="allow-scripts" '
        f'title="the graph of {html.escape(name, quote=True)}" '
        f'srcdoc="{html.escape(explore(from_node(graph.root)).html, quote=True)}"></iframe></section>'
        for name, graph in zip(result.names, result.graphs, strict=True)
    ]
    parts = {
        "title": html.escape(" and ".join(result.names)),
        "text": html.escape(str(result)),
        "frames": "\n".join(frames),
        "data": as_json(data),
    }
    save(build_pair(parts), path)
    return path
