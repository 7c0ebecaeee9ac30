"""The cells of heat maps: the colour of their text, and their numbers as a table for screen readers."""

from html import escape

import numpy as np

BLUE, ORANGE, RED = "#0072b2", "#d55e00", "#c00000"
STYLE = ".numbers { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }"
"""Hides the tables from everyone who sees the heat maps."""


def is_dark(colour, opacity):
    """Whether white text has more contrast than black text on this colour, which covers white with this
    opacity.
    """
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    shown = [1 - (1 - channel) * opacity for channel in channels]
    # relative luminance, as WCAG defines it
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shown]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05


def table(label, cells, down=(), across=()):
    """Return a heat map's numbers, or texts, as an HTML table that only screen readers show. `down` and
    `across` are names of the rows and columns.
    """
    cells = np.asarray(cells)
    shown = [[_text(value) for value in row] for row in cells.tolist()]
    heads = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in _names(across, cells.shape[1]))  # fmt: skip
    rows = "".join(
        f'<tr><th scope="row">{escape(str(name))}</th>{"".join(f"<td>{escape(text)}</td>" for text in row)}</tr>'
        for name, row in zip(_names(down, len(shown)), shown, strict=True)
    )
    return f'<div class="numbers"><table aria-label="{escape(label)}"><tr><td></td>{heads}</tr>{rows}</table></div>'


def _names(names, count):
    return names if len(names) else range(count)


def _text(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:.4g}"
