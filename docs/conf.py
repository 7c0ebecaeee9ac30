"""Sphinx settings for the site. `make site` builds the site from these pages, the README and the
lessons, with this command:

python -m sphinx -n -W docs build/site
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent
# this checkout's minigrad, and the extensions in site/
sys.path[:0] = [str(DOCS.parent), str(DOCS / "site")]

import minigrad  # noqa: E402

project = "minigrad"
author = copyright = "The minigrad maintainers"
release = version = minigrad.__version__
language = "en"
# Where readers find the source code, such as "https://git.example.org/minigrad". If it is empty, the
# site does not link to it.
project_address = os.environ.get("MINIGRAD_PROJECT", "")
# Where the site will be published, such as "https://example.org/minigrad/". It is optional.
html_baseurl = os.environ.get("MINIGRAD_SITE", "")

extensions = [
    "myst_parser",
    # in docs/site:
    "reference",  # makes an entry for each public name from its docstring, and links to its source
    "gates",  # makes the lists in gates.md
    "pages",  # adds pages from outside docs/: the README and the lessons
    "error_pages",  # splits errors.md into one page for each group of codes
    "download",  # builds the wheel for readers, and shows how to install it
    "made",  # draws the pages' explorers
    "finding",  # makes the search put the right page first, and adds the page for wrong addresses
    "accessible",  # improves the HTML for users of keyboards and screen readers
    "cells",  # makes code blocks that readers can run
    "course",  # adds the exercises to the lessons and the progress to the page of the course
]
cells_pages = ["lessons/lesson_*"]
# index.md is the list of pages for the repository; the site does not use it
exclude_patterns = ["site", "index.md", "images"]
nitpicky = True
smartquotes = False  # keep straight quotes, as in "rolled"

# The start page uses these two.
myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 4  # links such as errors.md#mg135-... work as on GitHub

html_theme = "furo"
templates_path = ["site/templates"]
html_static_path = ["site/static"]
html_search_scorer = str(DOCS / "site/search.js")
html_additional_pages = {"404": "404.html"}
html_favicon = "site/static/icon.svg"
pygments_dark_style = "a11y-dark"  # with Furo's default, names are underlined like links
html_title = "minigrad"
# WCAG 2.1.4: a single character must not be a shortcut, because speech input types characters
html_theme_options = {"enable_search_shortcuts": False}
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
