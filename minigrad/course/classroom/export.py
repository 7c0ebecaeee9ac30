"""Export the lessons as Jupyter notebooks: the text, the exercise, and a cell that checks it."""

import base64
import re
from typing import Any

from ..checking.lesson import Lesson


def notebook(one: Lesson, source: str) -> dict[str, Any]:
    """Return a lesson's notebook (nbformat 4.5), with `source` in the learner's cell.

    Running this cell saves the lesson's file, so the notebook and the terminal check the same file.
    """
    about = (
        f"## Write it here\n\nRunning the next cell saves your code as `{one.file}`. "
        "The two cells after it run and check that file."
    )
    cells = [
        *_text_cells(one),
        _cell("markdown", about),
        _code(f"%%writefile {one.file}\n{source.rstrip()}"),
        _code(f"%run {one.file}"),
        _code(f"from minigrad.course.commands import check\n\ncheck({one.number})"),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"lesson-{one.number}-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _text_cells(one: Lesson) -> list[dict[str, Any]]:
    """Split the text into Markdown cells and code cells. Omit the printed output, because running
    the code cells prints it.
    """
    cells: list[dict[str, Any]] = []
    for part in re.split(
        r"(^```python\n.*?^```\n(?:\s*^```text\n.*?^```\n)?)",
        one.text,
        flags=re.S | re.M,
    ):
        code = re.match(r"```python\n(.*?)^```\n", part, re.S | re.M)
        if code:
            cells.append(_code(code[1].rstrip()))
        elif part.strip():
            cells.append(_cell("markdown", _with_pictures(one, part.strip())))
    return cells


def _with_pictures(one: Lesson, text: str) -> str:
    """Embed the lesson's pictures in the text, so the notebook works without other files."""

    def embedded(picture: re.Match[str]) -> str:
        data = base64.b64encode((one.folder / picture[2]).read_bytes()).decode()
        return f"![{picture[1]}](data:image/svg+xml;base64,{data})"

    return re.sub(r"!\[([^\]]*)\]\(([\w.-]+)\)", embedded, text)


def _cell(kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {}, "source": text, **more}


def _code(text: str) -> dict[str, Any]:
    return _cell("code", text, execution_count=None, outputs=[])
