"""Make text safe for the terminal and for files.

Use `printable` for a user's text, `table` for rows of text, `for_terminal` for minigrad's own text,
and `to_json` for values stored as text.

Names come from checkpoints, scopes and other programs. Without escaping, a name could clear the
screen, imitate a line of minigrad's output, or reverse the text that follows.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def printable(text: str) -> str:
    r"""Return `text` on one line, with control and other invisible characters as `repr` escapes.

    >>> print(printable("red \x1b[31m"), printable("two\nlines"), printable("größe שלום 名前"))
    red \x1b[31m two\nlines größe שלום 名前
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "leaf", "leaves"), counted(2000, "leaf", "leaves")
    ('1 leaf', '2,000 leaves')
    """
    return f"{number:,} {one if number == 1 else many}"


def for_terminal(text: str) -> str:
    r"""Return `text` for `print`, with escapes in place of characters that stdout cannot encode.

    If there are any such characters, … also becomes three dots. Text for stderr does not need this
    function, because Python's stderr escapes such characters itself.
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
    """Return a text table of printable cells, with rules below `head` and above `total`.

    The first `names` columns are left-aligned, the others right-aligned.

    >>> print(table(["scope", "gates"], [["rnn", "240"], ["head", "2"]], ["total", "242"]))
    scope  gates
    ------------
    rnn      240
    head       2
    ------------
    total    242
    """
    columns = []
    for number, column in enumerate(zip(head, *rows, total, strict=True)):
        cells = [for_terminal(printable(cell)) for cell in column]
        width = max(map(len, cells))
        justify = str.ljust if number < names else str.rjust
        columns.append([justify(cell, width) for cell in cells])
    lines = list(map("  ".join, zip(*columns, strict=True)))
    rule = "-" * len(lines[0])
    lines.insert(1, rule)
    lines.insert(-1, rule)
    return "\n".join(lines)


def to_json(value: Any) -> str:
    """Return `value` as JSON, with NumPy numbers as Python numbers.

    Errors: TypeError or ValueError if JSON cannot represent the value exactly.

    >>> import numpy as np
    >>> to_json({"rows": np.int64(2**53 + 1), "loss": np.float32(0.1), "sizes": (3, 4)})
    '{"rows": 9007199254740993, "loss": 0.10000000149011612, "sizes": [3, 4]}'
    """

    def number(other: Any) -> bool | int | float:
        python = None if getattr(other, "ndim", 1) else other.item()
        # excludes NumPy's complex numbers, dates and long doubles
        if isinstance(python, bool | int | float):
            return python
        raise TypeError(f"JSON cannot represent {type(other).__name__} exactly")

    return json.dumps(value, default=number)


def json_text(value: Any) -> str:
    """Return a value as the text of a JSON file that people read: on several lines, with all
    characters of Unicode.
    """
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
