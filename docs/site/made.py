"""A Sphinx extension that draws explorers with minigrad at each build and adds them to the site's
pages.

The explorers are the same pages that users get: one page for each lesson's solution, and the pages
of the examples. The site's pages link to them, and embed them only on request. Otherwise, keyboard
users would have to tab through them.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import os
import re
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import minigrad as mg
from minigrad.course.checking.lesson import Lesson
from minigrad.course.checking.registry import lessons

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = {
    "explorer-expression.png": "expression",
    "explorer-accumulate.png": "rnn",
    "explorer-folded.png": "imdb",
}
"""{picture in docs/explorer.md: the page of examples/explore_graph.py that it shows}."""
EXAMPLE_TITLES = {
    "expression": "Explore tanh(a * b + c)",
    "rnn": "Explore a recurrent network over five steps",
    "imdb": "Explore a training step on movie reviews",
}
"""{page of examples/explore_graph.py: its title on the site}."""
OF_A_LESSON = """

## The page of a correct solution

The check makes a page from the results of your functions. For a correct solution, the page shows
this:

"""


def explorer(address: str, title: str) -> str:
    """Return HTML with a link to an explorer and a frame that shows it when opened."""
    after = f"after-{Path(address).stem}"
    return (
        f'\n<div class="explorer">\n<p><a href="{address}">Open it on a separate '
        'page</a></p>\n<details><summary>Open it here</summary><a class="past" '
        f'href="#{after}">Skip the frame</a>\n<iframe src="{address}" title="{escape(title)}" '
        f'loading="lazy"></iframe></details>\n<div id="{after}"></div>\n</div>\n'
    )


def add_explorers(app: Sphinx, page: str, source: list[str]) -> None:
    """Add the explorers to the lessons' pages and to docs/explorer.md."""
    name = page.removeprefix("lessons/")
    if name in {one.name for one in lessons()}:
        source[0] += OF_A_LESSON + explorer(
            f"../made/{name}.html", "A correct solution, step by step"
        )
    elif page == "explorer":
        for picture, name in EXAMPLES.items():
            frame = explorer(f"made/{name}.html", EXAMPLE_TITLES[name])
            source[0] = re.sub(
                rf"^!\[.*\]\(images/{picture}\)\n", rf"\g<0>{frame}\n", source[0], flags=re.M
            )


def make(app: Sphinx, error: Exception | None) -> None:
    """Draw all explorers into the site's folder `made`."""
    if error is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "made"
    folder.mkdir(exist_ok=True)
    for lesson in lessons():
        draw_lesson(lesson, folder / f"{lesson.name}.html")
    sys.path.insert(0, str(ROOT / "examples"))
    example = importlib.import_module("explore_graph")
    for name in EXAMPLES.values():
        mg.seed(0)
        silently(example.PAGES[name], folder / f"{name}.html")
    for path in folder.glob("*.html"):
        place = f"lessons/{path.stem}" if path.stem.startswith("lesson_") else "explorer"
        page = app.env.titles[place].astext()
        title = EXAMPLE_TITLES.get(path.stem) or f"{page}, a correct solution"
        path.write_text(
            with_title(path.read_text(encoding="utf-8"), title, f"../{place}.html", page),
            encoding="utf-8",
        )


def with_title(explorer: str, title: str, address: str, page: str) -> str:
    """Return an explorer's HTML with a title and a link back to the page of the site that links to it.
    The link removes itself if the explorer is in a frame of that page.
    """
    script = "if (window.parent !== window) document.getElementById('back').remove();"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    explorer = re.sub(
        "<title>.*?</title>",
        lambda _: f"<title>{escape(title)} · minigrad</title>",
        explorer,
        count=1,
    )
    if 'name="color-scheme"' not in explorer:  # without it, links are dark blue on a dark page
        scheme = '<meta name="color-scheme" content="light dark">'
        explorer = explorer.replace("<title>", f"{scheme}<title>", 1)
    explorer = explorer.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    back = f'<nav id="back" aria-label="Site"><a href="{address}">Back to {escape(page)}</a></nav>'
    place = "<header>" if "<header>" in explorer else "<body>"
    return explorer.replace(place, f"{place}\n  {back}\n  <script>{script}</script>", 1)


def draw_lesson(lesson: Lesson, path: Path) -> None:
    """Draw the page that `minigrad course check` makes for the lesson's solution."""
    solution = importlib.import_module(f"minigrad.course.lessons.{lesson.name}.solution")
    lesson.check.page(solution, path, None)


def silently(function: Callable[..., Any], *arguments: Any) -> None:
    """Call the function and discard its output."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        function(*arguments)


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the extension. Called by Sphinx."""
    app.connect("source-read", add_explorers)
    app.connect("build-finished", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
