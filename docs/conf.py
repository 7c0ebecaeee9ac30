"""Settings of the site that `make site` builds from these pages, the README and the course's
lessons.

python -m sphinx -n -W docs build/site
"""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
# minigrad as it is in this checkout; the extensions of site/
sys.path[:0] = [str(DOCS.parent), str(DOCS / "site")]

import minigrad  # noqa: E402

project = "minigrad"
author = copyright = "The minigrad maintainers"
release = version = minigrad.__version__
language = "en"

extensions = [
    "myst_parser",
    # In docs/site:
    "reference",  # an entry for each public name, made of its docstring, with its source
    "gates",  # the lists of the page of gates
    "pages",  # the README and the lessons, which lie outside of docs/, as pages
    "made",  # the graphs and explorers that minigrad makes for the pages
    "accessible",  # what keyboards and screen readers need
    "cells",  # code that runs in the page
]
cells_pages = ["lessons/lesson_*"]
# index.md lists the pages for readers of the repository
exclude_patterns = ["site", "index.md", "images"]
nitpicky = True
smartquotes = False  # "rolled" is typed with straight quotes

# html_image: the README's picture is an <img> tag. The other two are for the start page.
myst_enable_extensions = ["attrs_block", "colon_fence", "html_image"]
myst_heading_anchors = 4  # links such as errors.md#mg135-... mean what they mean on GitHub

html_theme = "furo"
templates_path = ["site/templates"]
html_static_path = ["site/static"]
html_favicon = "site/static/icon.svg"
pygments_dark_style = "a11y-dark"  # Furo's own underlines names as if they were links
html_title = "minigrad"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
