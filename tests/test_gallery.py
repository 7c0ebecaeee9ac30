"""docs/gallery.md: its examples run, and draw the pictures that it shows, none of them too wide for
its page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


def widths(folder: Path) -> dict[str, int]:
    """The width of each PNG in points: pictures have 144 pixels to the inch."""
    return {
        path.name: int.from_bytes(path.read_bytes()[16:20], "big") // 2 for path in folder.iterdir()
    }


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
def test_the_examples_draw_what_the_page_shows(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.run_page", str(DOCS / "gallery.md")]
    subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(DOCS.parent)}, check=True
    )
    shown = set(
        re.findall(r"\]\(images/gallery/(.*?)\)", (DOCS / "gallery.md").read_text(encoding="utf-8"))
    )
    drawn, stored = widths(tmp_path), widths(DOCS / "images" / "gallery")
    assert drawn.keys() == stored.keys() == shown
    # At 900 pixels the smallest text, of 7 points, is at least 7 pixels high.
    assert max(*drawn.values(), *stored.values()) <= 900
