"""A Sphinx extension: pages of the site whose sources lie outside of docs/, or go by another name
there.

Links between the pages are written for readers of the repository (`../README.md`, `course.md`), and
lead to the
same pages on the site.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.project import Project

from minigrad.course.lesson import lessons

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "index": ROOT / "docs/site/start.md",
    "readme": ROOT / "README.md",
    "contributing": ROOT / "CONTRIBUTING.md",
    "security": ROOT / "SECURITY.md",
    "changes": ROOT / "CHANGELOG.md",
    **{f"lessons/{lesson.name}": lesson.folder / "text.md" for lesson in lessons()},
}
"""The name of a page on the site, and the file that it is made from."""
SAME = {"index": ROOT / "docs/index.md"}
"""A link to this file leads to that page, though it is made from another file."""


class Pages(Project):
    """Sphinx's list of pages, with those of SOURCES beside the ones that it finds in its own
    folder.
    """

    def discover(self, *patterns: Any) -> set[str]:
        super().discover(*patterns)
        for name, path in [*SOURCES.items(), *SAME.items()]:
            from_docs = Path(os.path.relpath(path, self.srcdir))
            self.docnames.add(name)
            self._path_to_docname |= {path: name, from_docs: name}
            self._docname_to_path.setdefault(name, from_docs)
        return self.docnames


def add_lessons(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the lessons below the course's page in the list of pages."""
    if page == "course":
        names = "\n".join(f"/lessons/{lesson.name}" for lesson in lessons())
        source[0] += f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"


def use_pages(app: Sphinx) -> None:
    """Let Sphinx read the pages of SOURCES too."""
    pages = Pages(app.srcdir, app.config.source_suffix)
    pages.restore(app.env.project)  # what an earlier build knew, or nothing would count as outdated
    app.project = app.env.project = pages


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("builder-inited", use_pages)
    app.connect("source-read", add_lessons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
