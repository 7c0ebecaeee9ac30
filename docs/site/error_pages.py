"""A Sphinx extension that splits docs/errors.md into pages: one page with all codes, and one page for
each group of codes.

In the repository, docs/errors.md is a single page. On the site, `errors.html` keeps its introduction
and lists all codes. Each row has the anchor that the code's section has in docs/errors.md, so old links
still lead to the code.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docstrings import slug
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

ERRORS = Path(__file__).resolve().parents[1] / "errors.md"
GROUP = re.compile(r"^## (?=MG\dxx: )", re.M)


def groups() -> dict[str, str]:
    """Return {name of the page: its text} for the groups of docs/errors.md."""
    parts = GROUP.split(ERRORS.read_text(encoding="utf-8"))[1:]
    return {f"errors/{part[:5].lower()}": part for part in parts}


def split(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the text of docs/errors.md with the part that belongs on this page."""
    if page == "errors":
        introduction, examples = GROUP.split(source[0])[0].split("\nThe tests run these examples")
        source[0] = (
            f"{introduction}\n{_codes()}\n## The examples\n\nThe tests run the examples{examples}"
        )
    elif page.startswith("errors/"):
        text = re.sub(
            r"^### (?=MG\d{3} )",
            "## ",
            groups()[page],
            flags=re.M,
        )
        title, _, rest = text.partition("\n")
        source[0] = (
            f"# Errors {title}\n\n[Errors](errors.md) explains the parts of a message, lists all codes, "
            f"and shows the imports that the examples need.\n{rest}"
        )


def _codes() -> str:
    """Return the list of all codes, by group."""
    lines = []
    for text in groups().values():
        lines.append(f"## {text.splitlines()[0]}\n")
        for title in re.findall(r"^### (MG\d{3} .+)$", text, re.M):
            lines.append(f"- [{title}](errors.md#{slug(title)})")
        lines.append("")
    pages = "\n".join(f"{text.splitlines()[0]} </{page}>" for page, text in groups().items())
    return "\n".join([*lines, f"```{{toctree}}\n:hidden:\n\n{pages}\n```\n"])


def lead_to_the_page(app: Sphinx, document: nodes.document) -> None:
    """Make links to a code in docs/errors.md lead to the page of the code's group, and give each row
    of the list the code's anchor.
    """
    for link in document.findall(addnodes.pending_xref):
        code = re.match(r"mg\d(?=\d\d-)", link.get("reftargetid") or "")
        if link["refdomain"] == "doc" and link["reftarget"] == "errors" and code:
            link["reftarget"] = f"errors/{code[0]}xx"
            if app.env.docname == "errors" and isinstance(link.parent.parent, nodes.list_item):
                link.parent.parent["ids"].append(link["reftargetid"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the extension. Called by Sphinx."""
    app.connect("source-read", split)
    app.connect("doctree-read", lead_to_the_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
