"""Runs the Python of a page: `python -m tests.run_page docs/drawing.md`, in an empty folder.

All blocks marked ```python share one namespace. A block with `>>>` is a doctest; what another block
prints must be what a block marked ```text right after it shows. A block marked ```py is a fragment,
there to be read, and is not run.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n*^```text\n(.*?)^```$)?", re.M | re.S)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def run_page(page: Path) -> list[str]:
    """Run a page's blocks, and return what went wrong: what a doctest reports, or other things
    printed than shown.
    """
    names: dict[str, object] = {"__name__": "__main__"}
    wrong: list[str] = []
    for code, shown in BLOCK.findall(page.read_text(encoding="utf-8")):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), 0)
            doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(
                test, out=wrong.append, clear_globs=False
            )
            names = test.globs
        else:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(code, page.name, "exec"), names)
            if shown and printed.getvalue().split() != shown.split():
                wrong.append(f"{code}prints\n{printed.getvalue()}and not\n{shown}")
    return wrong


if __name__ == "__main__":
    wrong = run_page(Path(sys.argv[1]))
    print(*wrong, sep="\n")
    sys.exit(bool(wrong))
