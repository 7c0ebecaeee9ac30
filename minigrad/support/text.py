"""How text is printed: `printable` for one of the user's, `table` for rows of them, `for_terminal`
for one of ours.

`to_json` is for values that are stored as text.

Names come from checkpoints, scopes and other people's programs. Printed as they are, they could
clear the screen, begin a line that looks like one of ours, or reverse the letters that follow.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def printable(text: str) -> str:
    r"""`text` on one line: control characters and other invisible ones become escapes, those that
    `repr` escapes.

    >>> print(printable("red \x1b[31m"), printable("two\nlines"), printable("größe שלום 名前"))
    red \x1b[31m two\nlines größe שלום 名前
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def for_terminal(text: str) -> str:
    r"""`text` as stdout can show it: what its encoding lacks becomes an escape, and … three dots.

    Only what is meant for `print` goes through this. Python's own streams for errors write such
    escapes themselves.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("…", "...").encode(encoding, "backslashreplace").decode(encoding)
    return text


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], total: Sequence[str], names: int = 1
) -> str:
    """Rows in columns, each cell printable, with rules below `head` and above `total`.

    The first `names` columns are aligned left, those of numbers right.

    >>> print(table(["scope", "gates"], [["rnn", "240"], ["head", "2"]], ["total", "242"]))
    scope  gates
    ------------
    rnn      240
    head       2
    ------------
    total    242
    """
    lines = [[for_terminal(printable(cell)) for cell in line] for line in (head, *rows, total)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = []
    for line in lines:
        left = [cell.ljust(width) for cell, width in zip(line[:names], widths, strict=False)]
        right = [
            cell.rjust(width) for cell, width in zip(line[names:], widths[names:], strict=True)
        ]
        texts.append("  ".join(left + right))
    rule = "-" * len(texts[0])
    return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1]])


def to_json(value: Any) -> str:
    """`value` as JSON, with NumPy's numbers as Python's. Errors: TypeError, ValueError if it cannot
    be exact.

    >>> import numpy as np
    >>> to_json({"rows": np.int64(2**53 + 1), "loss": np.float32(0.1), "sizes": (3, 4)})
    '{"rows": 9007199254740993, "loss": 0.10000000149011612, "sizes": [3, 4]}'
    """

    def number(other: Any) -> bool | int | float:
        python = None if getattr(other, "ndim", 1) else other.item()
        # which NumPy's complex numbers, dates and long doubles are not
        if isinstance(python, bool | int | float):
            return python
        raise TypeError(f"JSON cannot hold a {type(other).__name__} exactly")

    return json.dumps(value, default=number)
