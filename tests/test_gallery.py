"""docs/gallery.md: its examples run, and draw the pictures that it shows, none of them too wide for its page."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"

SHOWN = re.findall(r"\]\(images/gallery/(.*?)\)", (DOCS / "gallery.md").read_text(encoding="utf-8"))


def width(picture: Path) -> int:
    """The width of a PNG in points: pictures have 144 pixels to the inch."""
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    return int.from_bytes(data[16:20], "big") // 2


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
def test_the_examples_draw_what_the_page_shows(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DOCS / "make_gallery.py", tmp_path / "pictures"], check=True)
    assert sorted(SHOWN) == sorted(path.name for path in (tmp_path / "pictures").iterdir())
    # At 900 pixels the smallest text, of 7 points, is at least 7 pixels high.
    assert all(width(tmp_path / "pictures" / name) <= 900 for name in SHOWN)


def test_the_pictures_are_there() -> None:
    assert sorted(SHOWN) == sorted(path.name for path in (DOCS / "images" / "gallery").iterdir())
    assert len(SHOWN) >= 6
    assert all(width(DOCS / "images" / "gallery" / name) <= 900 for name in SHOWN)
