"""A Sphinx extension that adds entries to the site's search.

The search finds pages by the words in their text. An entry leads readers to the right page even if
many other pages contain the word. `search.js` ranks the results.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

WORDS = {
    "install": ["install minigrad", "pip install", "download", "wheel"],
    "course": ["course", "exercises", "backpropagation", "tutorial"],
    "lessons/lesson_01_by_hand": ["the chain rule"],
    "lessons/lesson_04_sweep": ["the backpropagation sweep"],
    "lessons/lesson_13_bptt": ["backpropagation in time"],
}
"""{page: words that lead to it}. A longer entry ranks lower for the same word."""


def add_entries(app: Sphinx, document: nodes.document) -> None:
    """Add the entries of a page: its words in WORDS, and the error codes in its headings."""
    page = app.env.docname
    found = [(word, "") for word in WORDS.get(page, ())]
    if page.startswith("errors/"):
        for section in document.findall(nodes.section):
            if code := re.match(r"MG\d{3}(?= )", section[0].astext()):
                found.append((code[0], section["ids"][0]))
    entries = [("single", word, place, "main", None) for word, place in found]
    document += addnodes.index(entries=entries)


def add_root(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: object
) -> None:
    """Tell templates/404.html where the site is published."""
    context["site"] = app.config.html_baseurl or "/"


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the extension. Called by Sphinx."""
    app.connect("doctree-read", add_entries)
    app.connect("html-page-context", add_root)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
