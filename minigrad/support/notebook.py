"""Output for notebooks: HTML tables, and Matplotlib figures that display without a magic command.

Tables set no colours, so they are legible in light and dark themes. All text is escaped.
"""

import io
import sys
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from ..errors import OptionError, pip_install

CELL = "padding:.15em .7em;border-top:1px solid rgba(128,128,128,.35)"


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table with a title above. Numbers are right-aligned.

    >>> table("1 < 2", ["name"], [["W"]])[:67]
    '<div style="color:inherit"><b style="white-space:pre-wrap">1 &lt; 2'
    """

    def cell(content: object) -> str:
        side, text = "left", str(content)
        if isinstance(content, int):
            side, text = "right", f"{content:,}"
        elif isinstance(content, float):
            side, text = "right", f"{content:.6g}"
        return f'<td style="text-align:{side};{CELL}">{escape(text)}</td>'

    def heading(name: str) -> str:
        return f'<th style="text-align:left;padding:.15em .7em">{escape(name)}</th>'

    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return (
        f'<div style="color:inherit"><b style="white-space:pre-wrap">{escape(title)}</b>'
        f'<table style="background:none;color:inherit;margin:.4em 0;border-collapse:collapse">'
        f"<thead><tr>{''.join(map(heading, head))}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def new_figure(what: str, width: float, height: float) -> Any:
    """Return an empty Matplotlib figure, sized in inches, that a notebook displays.

    Errors: OptionError MG706 if Matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise OptionError(
            "MG706",
            f"{what} needs matplotlib, which is not installed",
            cause="matplotlib is an optional dependency (the extra `plot`)",
            remedy=f"install it with `{pip_install('matplotlib')}`",
        ) from None

    class Plot(Figure):
        # a Figure displays itself only if a magic command has chosen a backend
        def _repr_png_(self) -> bytes:
            content = io.BytesIO()
            self.savefig(content, format="png", dpi=110)
            return content.getvalue()

    return Plot(figsize=(width, height), layout="constrained")


def shell() -> Any:
    """Return the IPython shell or notebook kernel that runs this code, or None."""
    interactive = sys.modules.get("IPython")
    return None if interactive is None else interactive.get_ipython()


def cell_of(filename: str) -> str | None:
    """Return IPython's name for the cell compiled as this file, such as "Cell In[5]", or None.

    On the website's pages, cells are named "Cell 5".
    """
    if filename.startswith("Cell "):
        return filename
    name = getattr(getattr(shell(), "compile", None), "format_code_name", lambda _: None)(filename)
    return " ".join(name) if name else None
