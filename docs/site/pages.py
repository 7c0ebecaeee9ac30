"""A Sphinx extension for pages whose source file is outside docs/ or has a different name.

Links between the pages use paths in the repository (`../README.md`, `course.md`). On the site, they
lead to the corresponding pages.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from error_pages import ERRORS, groups
from sphinx.application import Sphinx
from sphinx.project import Project

from minigrad.course.checking import key
from minigrad.course.checking.registry import FOLDER, VARIABLE, lessons, milestones

ROOT = Path(__file__).resolve().parents[2]
OWN = lessons() if os.environ.get(VARIABLE) else ()
"""A teacher's lessons. The site contains them and the course's lessons."""
os.environ.pop(VARIABLE, None)
LESSONS = *lessons(), *OWN
for own in OWN:
    key.require_current(own)
    if not own.name.startswith("lesson_") or sum(one.number == own.number for one in LESSONS) > 1:
        raise ValueError(
            f"rename {own.folder}: the site needs a name such as lesson_21_slope, and a new number"
        )
SOURCES = {
    "index": ROOT / "docs/site/start.md",
    "readme": ROOT / "README.md",
    "contributing": ROOT / "CONTRIBUTING.md",
    "security": ROOT / "SECURITY.md",
    "changes": ROOT / "CHANGELOG.md",
    **{f"lessons/{lesson.name}": lesson.folder / "text.md" for lesson in LESSONS},
    **{f"milestones/{one.name}": one.folder / "text.md" for one in milestones()},
    "ending": FOLDER.parent / "ending.md",
}
"""{name of a page on the site: its source file}."""
SAME = {"index": ROOT / "docs/index.md"}
"""{name of a page: another file whose links lead to this page}."""
PARTS = dict.fromkeys(groups(), ERRORS)
"""{name of a page: the file that contains it}. Links to the file lead to the file's own page."""

CHANGE = (
    "Change a number in this program and press *Run*. The gradients and the picture change with it."
)


class Pages(Project):
    """Sphinx's list of pages, with the pages of SOURCES, SAME and PARTS added."""

    def discover(self, *patterns: Any) -> set[str]:
        super().discover(*patterns)
        for name, path in [*SOURCES.items(), *SAME.items()]:
            from_docs = Path(os.path.relpath(path, self.srcdir))
            self.docnames.add(name)
            self._path_to_docname |= {path: name, from_docs: name}
            self._docname_to_path.setdefault(name, from_docs)
        for name, path in PARTS.items():
            self.docnames.add(name)
            self._docname_to_path[name] = Path(os.path.relpath(path, self.srcdir))
        return self.docnames


def adapt(app: Sphinx, page: str, source: list[str]) -> None:
    """List the lessons, the ending and the milestones below the page of the course in the navigation. Give the README
    the title that the navigation shows, and remove its picture, which the cell below it shows too.
    """
    if page == "readme":
        source[0] = source[0].replace("# minigrad\n", "# First steps\n", 1)
        source[0] = re.sub(
            "^<img .*>$",
            CHANGE,
            source[0],
            count=1,
            flags=re.M,
        )
    if page == "course":
        source[0] += listed([*(f"lessons/{one.name}" for one in LESSONS), "ending", "milestones"])
    if page == "milestones":
        source[0] += listed([f"milestones/{one.name}" for one in milestones()])


def listed(names: list[str]) -> str:
    """Return the Markdown that lists pages in the navigation, below the page that contains it."""
    names = [f"/{name}" for name in names]
    return "\n".join(["\n```{toctree}", ":hidden:", "", *names, "```", ""])


def use_pages(app: Sphinx) -> None:
    """Make Sphinx read the pages of SOURCES and PARTS."""
    pages = Pages(app.srcdir, app.config.source_suffix)
    pages.restore(app.env.project)  # the pages of the last build, needed to find outdated pages
    app.project = app.env.project = pages


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the extension. Called by Sphinx."""
    app.connect("builder-inited", use_pages)
    app.connect("source-read", adapt)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
