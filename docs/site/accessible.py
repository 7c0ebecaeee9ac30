"""A Sphinx extension that makes the HTML of Sphinx and its theme Furo accessible to users of
keyboards and screen readers.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

DRAWING = re.compile(r"<!-- drawing: (.*?)\s+-->\s*", re.DOTALL)
"""A comment above a drawing that consists of characters."""
ALTERNATIVE = re.compile(r"!\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(")
"""The beginning of a picture in Markdown, with its text alternative."""
NAMES = {"__navigation": "All pages", "__toc": "On this page"}


def accessible(body: str) -> str:
    """Label the side bars in a page's HTML, add buttons that open them (see static/site.js), add a
    link to the first code that can be run and one to a lesson's exercise, remove empty table headings,
    and connect the headings of rows with their rows.
    """
    body = body.replace(
        '<aside class="sidebar-drawer', '<nav aria-label="All pages" class="sidebar-drawer'
    )
    body = body.replace(
        '<aside class="toc-drawer', '<nav aria-label="On this page" class="toc-drawer'
    )
    body = body.replace("</aside>", "</nav>")
    body = re.sub(
        r'<label (class="(?:nav|toc)-overlay-icon[^>]*) for="(\w+)">(.*?)</label>',
        lambda label: (
            f'<button type="button" aria-label="{NAMES[label[2]]}" {label[1]} data-side-bar="{label[2]}">'
            f"{label[3]}</button>"
        ),
        body,
        flags=re.S,
    )
    body = re.sub(
        r'<label (class="overlay[^>]*) for="(\w+)"></label>',
        r'<div \1 data-side-bar="\2"></div>',
        body,
    )
    body = body.replace(
        'class="caption" role="heading"', 'class="caption" role="heading" aria-level="2"'
    )
    if code := re.search(r'<div class="cell"[^>]* id="([\w-]+)"', body):
        skip = f'<a class="skip-to-content muted-link" href="#{code[1]}">Skip to the first code</a>'
        body = body.replace('<div class="page">', f'{skip}\n<div class="page">', 1)
    if '<div class="lesson" id="exercise">' in body:
        skip = '<a class="skip-to-content muted-link" href="#exercise">Skip to the exercise</a>'
        body = body.replace('<div class="page">', f'{skip}\n<div class="page">', 1)
    body = re.sub(r'<th class="head([^"]*)"><p></p></th>', r'<td class="head\1"></td>', body)
    return re.sub(r'<th class="([^"]*\bstub)"', r'<th scope="row" class="\1"', body)


def join_alternatives(app: Sphinx, page: str, source: list[str]) -> None:
    """Write each picture's alternative in one line, because MyST drops the line breaks in it, and with them
    the spaces between words.
    """
    source[0] = ALTERNATIVE.sub(lambda found: f"![{' '.join(found[1].split())}](", source[0])


def mark_row_headings(app: Sphinx, document: nodes.document) -> None:
    """Make the first cells of a table's rows headings if the cell in the corner is empty."""
    for table in document.findall(nodes.tgroup):
        corner = next(table.findall(nodes.entry), None)
        if corner is not None and not corner.astext().strip():
            next(table.findall(nodes.colspec))["stub"] = 1


def describe_drawings(app: Sphinx, document: nodes.document) -> None:
    """Turn each block of text that follows the comment `<!-- drawing: ... -->` into a picture, which
    screen readers describe in the comment's words instead of reading its characters.
    """
    for comment in list(document.findall(nodes.raw)):
        if found := DRAWING.fullmatch(comment.astext()):
            siblings = comment.parent.children
            block = siblings[siblings.index(comment) + 1]
            label = escape(" ".join(found[1].split()))
            pre = f'<pre role="img" aria-label="{label}">{escape(block.astext())}</pre>'
            shown = (
                f'<div class="highlight-none notranslate"><div class="highlight">{pre}</div></div>'
            )
            block.parent.replace(block, nodes.raw("", shown, format="html"))
            comment.parent.remove(comment)


def add_filter(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: object
) -> None:
    """Make `accessible` available to templates/page.html."""
    context["accessible"] = accessible


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the extension. Called by Sphinx."""
    app.connect("html-page-context", add_filter)
    app.connect("source-read", join_alternatives, priority=900)  # after the sources were completed
    app.connect("doctree-read", describe_drawings)
    app.connect("doctree-read", mark_row_headings)
    app.add_css_file("site.css")
    app.add_js_file("site.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
