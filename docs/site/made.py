"""A Sphinx extension: what minigrad itself draws for the site, anew at each build, and where pages
show it.

Pages to step through a graph are the ones that a user gets: of each lesson's right answer, and of
the examples. They are linked, and open inside of a page only when asked to, so that nobody who
moves by keyboard has to pass through one.
"""

from __future__ import annotations

import contextlib
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
from minigrad.course.lesson import Lesson, lessons

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = {
    "explorer-expression.png": "expression",
    "explorer-accumulate.png": "rnn",
    "explorer-folded.png": "imdb",
}
"""A picture of docs/explorer.md, and the page of examples/explore_graph.py that it is a picture
of."""
OF_A_LESSON = """

## What a right answer shows

`minigrad course check` draws a page from what your functions compute. This is the one of a right answer:

"""


def explorer(address: str, title: str) -> str:
    """HTML: a link to a page that steps through a graph, and a frame that shows it here when it is
    opened.
    """
    after = f"after-{Path(address).stem}"
    return (
        f'\n<div class="explorer">\n<p><a href="{address}">Open it on a page of its '
        'own</a></p>\n<details><summary>Open it here</summary><a class="past" '
        f'href="#{after}">Past the frame</a>\n<iframe src="{address}" title="{escape(title)}" '
        f'loading="lazy"></iframe></details>\n<div id="{after}"></div>\n</div>\n'
    )


def add_explorers(app: Sphinx, page: str, source: list[str]) -> None:
    """Let the lessons' pages, and that of the explorer, show what is made for them."""
    if page.startswith("lessons/"):
        name = page.removeprefix("lessons/")
        source[0] += OF_A_LESSON + explorer(
            f"../made/{name}.html", "What a right answer shows, step by step"
        )
    elif page == "explorer":
        for picture, name in EXAMPLES.items():
            frame = explorer(f"made/{name}.html", f"The explorer: {name}")
            source[0] = re.sub(
                rf"^!\[.*\]\(images/{picture}\)\n", rf"\g<0>{frame}\n", source[0], flags=re.M
            )


def make(app: Sphinx, error: Exception | None) -> None:
    """Draw everything into the folder `made` of the site."""
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
    start = Path(__file__).with_name("start.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", start, re.M | re.S)
    with contextlib.chdir(folder):
        silently(exec, compile(code, "start.md", "exec"), {})


def draw_lesson(lesson: Lesson, path: Path) -> None:
    """The page that `minigrad course` draws of the lesson's solution."""
    solution = importlib.import_module(f"minigrad.course.lessons.{lesson.name}.solution")
    lesson.check.page(solution, path, None)


def silently(function: Callable[..., Any], *arguments: Any) -> None:
    """Call it, and drop what it prints."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        function(*arguments)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("source-read", add_explorers)
    app.connect("build-finished", make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
