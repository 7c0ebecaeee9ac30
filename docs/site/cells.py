"""A Sphinx extension for cells: blocks of Python that readers can change and run on the page.

In a page's Markdown, the comment `<!-- cell -->` turns the next block of Python into a cell. On
pages that match the setting `cells_pages`, every block of Python is a cell. A `text` block after a
cell must show exactly the cell's output. Outside the site, such a page is plain Markdown. When the
site is built, the cells of each page run in order, and their output becomes part of the page. In
the browser, the scripts in `web/` run the cells.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import partial
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import runtime
from docutils import nodes
from made import with_title
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

ROOT = Path(__file__).resolve().parents[2]
WEB = Path(__file__).with_name("web")
FOLDER = "_static/cells"
"""The site's folder for the contents of `web/` and for Python."""
KEYS = "Press Ctrl+Enter or Shift+Enter to run the code, and Tab to leave the cell."

logger = logging.getLogger(__name__)


class cell(nodes.General, nodes.Element):
    """A cell. Its first child is the block of code. `shown` is its output, in the format of
    `runner.py`.
    """


def add_cells(app: Sphinx, document: nodes.document) -> None:
    """Find the cells of a page, run them, and store their output."""
    found = [block for block in list(document.findall(nodes.literal_block)) if _is_cell(app, block)]
    if not found:
        return
    for number, (block, shown) in enumerate(
        zip(found, run([block.astext() for block in found]), strict=True), 1
    ):
        made = cell(number=number, count=len(found), shown=shown)
        mark, after = _neighbours(block)
        block.replace_self(made)
        made += block
        if isinstance(mark, nodes.raw):
            mark.parent.remove(mark)
        if isinstance(after, nodes.literal_block) and after["language"] == "text":
            printed = "".join(content for kind, content, _ in shown if kind == "text")
            if after.astext().split() != printed.split():
                logger.warning(
                    "cell %d prints\n%s\nwhich differs from the block after it",
                    number,
                    printed,
                    location=after,
                )
            after.parent.remove(after)
        for content in (content for kind, content, _ in shown if kind == "error"):
            if "error" not in _mark(mark):
                logger.warning("cell %d ended with an error:\n%s", number, content, location=block)


def run(sources: list[str]) -> list[list[tuple[str, str, str]]]:
    """Run the cells of one page in a separate process. Returns the output of each cell."""
    command = [sys.executable, str(WEB / "runner.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    given = json.dumps(sources)
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, env=environment, check=True
    )
    shown: list[list[tuple[str, str, str]]] = json.loads(done.stdout)
    return shown


def _is_cell(app: Sphinx, block: nodes.literal_block) -> bool:
    if block.get("language") != "python" or block.astext().startswith(">>>"):
        return False
    return bool(_mark(_neighbours(block)[0])) or any(
        fnmatch(app.env.docname, page) for page in app.config.cells_pages
    )


def _neighbours(block: nodes.Element) -> tuple[nodes.Node | None, nodes.Node | None]:
    """Return the nodes before and after a block."""
    siblings, index = block.parent.children, block.parent.index(block)
    return (
        siblings[index - 1] if index else None,
        siblings[index + 1] if index + 1 < len(siblings) else None,
    )


def _mark(node: nodes.Node | None) -> str:
    """Return the text of the comment that marks a cell: "cell", or "cell: error" for a cell that
    must raise an error. Return "" for other nodes.
    """
    found = (
        re.fullmatch(r"<!-- (cell(?:: error)?) -->\s*", node.astext())
        if isinstance(node, nodes.raw)
        else None
    )
    return found[1] if found else ""


# --- The page ---


def visit_cell(self: HTML5Translator, node: cell) -> None:
    """Write the HTML before the code."""
    self.body.append(f'<div class="cell" id="cell-{node["number"]}"><div class="cell-code">')


def depart_cell(self: HTML5Translator, node: cell) -> None:
    """Write the HTML after the code, with the cell's output."""
    number = node["number"]
    shown = "".join(_html(self, node, *piece) for piece in _joined(node["shown"]))
    self.body.append(
        '</div><div class="cell-output" role="log" aria-label="Output of cell '
        f'{number}">{shown}</div></div>'
    )
    if number == 1:
        self.body.append(_note(self.builder.app, node["count"]))


def _joined(shown: list[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Join consecutive printed lines into one piece."""
    for kind, pieces in groupby(shown, key=lambda piece: piece[0]):
        if kind == "text":
            yield "text", "".join(content for _, content, _ in pieces), ""
        else:
            yield from pieces


def _html(writer: HTML5Translator, node: cell, kind: str, content: str, title: str) -> str:
    """Return the HTML for one piece of a cell's output. cell.js creates the same HTML."""
    if kind in ("text", "error"):
        return f'<pre class="cell-{kind}">{escape(content)}</pre>'
    if kind in ("svg", "png"):
        data = content if kind == "png" else base64.b64encode(content.encode()).decode()
        source = f"data:image/{'png' if kind == 'png' else 'svg+xml'};base64,{data}"
        short, *lines = title.splitlines()
        image = f'<img alt="{escape(short)}" src="{source}">'
        return f'<div class="cell-picture">{image}</div>{_in_words(lines)}'
    if kind == "page":
        name = f"{writer.builder.current_docname.replace('/', '-')}-{node['number']}.html"
        page = f"../../{writer.builder.current_docname}.html"
        content = with_title(content, title, page, writer.document.get("title", "the page"))
        (Path(writer.builder.outdir) / FOLDER / name).write_text(content, encoding="utf-8")
        up = "../" * writer.builder.current_docname.count("/")
        return _explorer(f"{up}{FOLDER}/{name}", title)
    return f'<div class="cell-html">{content}</div>'


def _in_words(lines: list[str]) -> str:
    """Return the HTML of the numbered lines that describe a picture: a list that opens."""
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line.partition('. ')[2])}</li>" for line in lines)
    return (
        f'<details class="cell-words"><summary>The picture in words</summary><ol>{items}</ol>'
        "</details>"
    )


def _explorer(address: str, title: str) -> str:
    return f"""<div class="cell-explorer">
<p><a href="{address}" target="_blank">Open the explorer in a new tab</a></p>
<iframe src="{address}" title="{escape(title)}" sandbox="allow-scripts" loading="lazy"></iframe>
<p tabindex="-1">With the keyboard, Escape leaves the explorer.</p></div>"""


def _note(app: Sphinx, count: int) -> str:
    """Return the note below the first cell of a page, and the data for cell.js."""
    sizes = app.config.cells_python
    size = sum(packed for _, packed, optional in sizes.values() if not optional) / 1e6
    shared = "The cells of a page share their variables. Run first runs all cells above that did not run yet.   "
    note = (
        "You can change and run this code here. Nothing is installed, and no data is sent from "
        f"your computer. The first time you press Run, Python is loaded ({size:.0f} MB). "
        f"{shared if count > 1 else ''}{KEYS}"
        if sizes
        else "This code cannot be run here, because this copy of the site was built without Python."
    )
    return f"""<p class="cells-note served-only" id="cells-keys">{note}</p>
<p class="cells-note needs-server">This code runs only if JavaScript is on and the page comes from a server.
If you opened the page as a file, run <code>python -m http.server</code> in the site's folder and open
<code>http://localhost:8000</code>.</p>
{data(app)}"""


def data(app: Sphinx) -> str:
    """Return the HTML with the data for the scripts of a page with code. A page contains it once."""
    sizes = json.dumps({"sizes": app.config.cells_python or None})
    return f"""<script type="application/json" id="cells">{sizes}</script>
<template id="cell-explorer">{_explorer("", "")}</template>
"""


# --- Python ---


def gather(app: Sphinx, config: Config) -> None:
    """Copy the contents of `web/` into the site, and Python if it is available. Otherwise, the pages
    have no buttons, and `report` explains why.
    """
    folder = Path(app.outdir) / FOLDER
    shutil.copytree(WEB, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    sizes = {}
    try:
        packed = runtime.gather(folder)
        sizes = {
            name: ((folder / name).stat().st_size, size, False) for name, size in packed.items()
        }
    except runtime.Unavailable as error:
        app.connect("build-finished", partial(report, str(error)), priority=1000)
    config.cells_python = sizes


def report(reason: str, app: Sphinx, error: Exception | None) -> None:
    """Say after the build that Python is missing. Readers cannot do anything about it, so the pages do
    not contain the reason.
    """
    print(f"This site has no editor, and its code cannot be run: {reason}")


def add_files(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None
) -> None:
    """Add page.js and cell.css to pages with cells."""
    if document is not None and next(document.findall(cell), None) is not None:
        app.add_css_file("cells/cell.css")
        app.add_js_file("cells/page.js", type="module")


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the extension. Called by Sphinx."""
    skip = (lambda writer, node: None,) * 2
    app.add_config_value("cells_pages", (), "env", [list, tuple])
    app.add_config_value("cells_python", {}, "html", [dict])
    app.add_node(cell, html=(visit_cell, depart_cell), latex=skip, text=skip)
    app.connect("config-inited", gather)
    app.connect("doctree-read", add_cells)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
