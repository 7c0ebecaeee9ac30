"""Draw the pictures of docs/gallery.md: run the page's examples, one after the other, in the folder of its pictures.

    python docs/make_gallery.py [FOLDER]

It needs Graphviz. Without a folder it writes to docs/images/gallery.
"""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))


def draw_all(folder: Path) -> None:
    """Run every example of the page; later ones may use the names of earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, Any] = {"__name__": "gallery"}
    with contextlib.chdir(folder):
        for example in re.findall(r"```python\n(.*?)```", (DOCS / "gallery.md").read_text(encoding="utf-8"), re.DOTALL):
            exec(example, names)


if __name__ == "__main__":
    draw_all(Path(*sys.argv[1:]) if len(sys.argv) > 1 else DOCS / "images" / "gallery")
