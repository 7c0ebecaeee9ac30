"""A Sphinx extension that builds minigrad's wheel for readers to download, and shows how to install
it.

The comment `<!-- get minigrad -->` in a page's Markdown marks where the instructions appear. They
contain the address of the wheel. `site.js` completes it in the browser, because the site does not know
where it will be published. Without JavaScript, the instructions use the setting `html_baseurl`.

If the setting `project_address` is not empty, the instructions also contain the address of the source
code.
"""

from __future__ import annotations

import subprocess
import sys
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "downloads"
"""The site's folder for the wheel."""
MARK = "<!-- get minigrad -->"


def build(app: Sphinx) -> None:
    """Build the complete wheel, with the course and the reviews, into the site."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    for old in folder.glob("*.whl"):
        old.unlink()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExtensionError(f"minigrad's wheel cannot be built: {done.stderr.strip()}")


def instructions(app: Sphinx, page: str) -> str:
    """Return the HTML that explains how to get minigrad, for a page of the site."""
    (wheel,) = (Path(app.outdir) / FOLDER).glob("*.whl")
    up = "../" * page.count("/")
    link = f"{up}{FOLDER}/{wheel.name}"
    address = urljoin(app.config.html_baseurl, f"{FOLDER}/{wheel.name}")
    shown = (
        f'<span data-address="{link}">{address if app.config.html_baseurl else wheel.name}</span>'
    )
    size = f"{wheel.stat().st_size / 1e6:.0f} MB"
    project = escape(app.config.project_address)
    checkout = (
        f'<p>The source code is at <a href="{project}">{project}</a>. To get a checkout, type '
        f'<code class="literal">git clone {project}</code>.</p>'
        if project
        else ""
    )
    lines = f"python3 -m venv .venv\n. .venv/bin/activate\npython -m pip install {shown}"
    return f"""
<div class="get">
<p>These commands install minigrad from this site, with the course and the movie reviews ({size}). You
need Python 3.11 or later.</p>
<div class="highlight"><pre>{lines}</pre></div>
<p>On Windows, the first two commands are <code class="literal">py -m venv .venv</code> and
<code class="literal">.venv\\Scripts\\activate</code>. To draw pictures without
<a href="{up}install.html#graphviz">Graphviz</a>, also type
<code class="literal">python -m pip install graphviz-pure</code>. You can also <a href="{link}" download>download the
package</a> and install the file.</p>
{checkout}</div>
"""


def insert(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the comment on a page with the instructions."""
    if app.builder.format == "html" and MARK in source[0]:
        source[0] = source[0].replace(MARK, instructions(app, page))


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the extension. Called by Sphinx."""
    app.add_config_value("project_address", "", "env", [str])
    app.connect("builder-inited", build)
    app.connect("source-read", insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
