"""Draw matrices as heat maps: weights, and who sees whom."""

from xml.sax.saxutils import escape

import numpy as np

from minigrad.course.lessons.cells import BLUE, ORANGE, RED, is_dark, table

CELL, LEFT, TOP, GAP = 40, 34, 28, 36  # in pixels
STYLE = """.map { font: 14px "DejaVu Sans", sans-serif; fill: var(--ink, #222) }
.map .title { font-weight: bold } .map .middle, .map .cell { text-anchor: middle } .map .end { text-anchor: end }
.map .cell { font-size: 12px; fill: #000 } .map .strong { fill: #fff }
.map .box { fill: none; stroke: var(--line, #999) }"""


def panel(cells, down=(), across=(), wrong=None, most=None):
    """Return a heat map as (SVG, width, height), with names for its rows and columns.

    `most` is deep blue, by default the largest number, and numbers below 0 are orange. Booleans are full or empty
    cells. The cells in `wrong` are red and contain "!".
    """
    cells = np.asarray(cells)
    rows, columns = cells.shape
    most = largest(cells) if most is None else most
    wide, high = CELL * columns, CELL * rows
    # text on cells is black or white, so the cells need the same background in both colour schemes
    parts = [f'<rect x="{LEFT}" y="{TOP}" width="{wide}" height="{high}" fill="#fff"/>']
    parts += [f'<text class="middle" x="{LEFT + CELL * (j + 0.5)}" y="{TOP - 8}">{escape(str(name))}</text>'
             for j, name in enumerate(across or range(columns))]  # fmt: skip
    for i, name in enumerate(down or range(rows)):
        y = TOP + CELL * i
        parts.append(f'<text class="end" x="{LEFT - 8}" y="{y + 25}">{escape(str(name))}</text>')
        for j, value in enumerate(cells[i].tolist()):
            x, text = LEFT + CELL * j, "" if cells.dtype == bool else _short(value)
            share, colour = min(abs(value) / most, 1), ORANGE if value < 0 else BLUE
            if wrong is not None and wrong[i, j]:
                share, colour, text = 1, RED, "!"
            strong = " strong" if is_dark(colour, share) else ""
            parts.append(
                f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{colour}" fill-opacity="{share:.2f}"/>'
                f'<text class="cell{strong}" x="{x + CELL / 2}" y="{y + 25}">{text}</text>'
            )
    parts.append(f'<rect class="box" x="{LEFT}" y="{TOP}" width="{wide}" height="{high}"/>')
    return "".join(parts), LEFT + wide + 2, TOP + high + 2


def largest(*arrays):
    """Return the largest finite absolute value in all arrays, or 1e-9 if there is none."""
    return max(1e-9, *(np.abs(one[np.isfinite(one)]).max(initial=0) for one in arrays))


def _short(value):
    if not np.isfinite(value):
        return str(value)
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "0") else text.replace("0.", ".", 1)


def figure(title, cells, down=(), across=(), wrong=None, **more):
    """Return a heat map with a caption, and its numbers for screen readers, as HTML."""
    drawn, wide, high = panel(cells, down, across, wrong, **more)
    numbers = np.asarray(cells).astype(object)
    if wrong is not None:
        numbers[wrong] = "wrong (red)"
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg class="map" aria-hidden="true" width="{wide}" '
        f'height="{high}" viewBox="0 0 {wide} {high}">{drawn}</svg>{table(title, numbers, down, across)}</figure>\n'
    )


def picture(panels):
    """Return heat maps side by side as an SVG file. `panels` maps titles to arguments of `panel`."""
    x, high, parts = 2, 0, []  # three maps fit into a lesson's page
    for title, arguments in panels.items():
        drawn, wide, tall = panel(*arguments)
        parts.append(f'<text class="title" x="{x}" y="24">{escape(title)}</text>')
        parts.append(f'<g transform="translate({x}, 32)">{drawn}</g>')
        x, high = x + max(wide, 9 * len(title)) + GAP, max(high, tall)
    size = f"{x - GAP + 2} {high + 44}"
    wide, high = size.split()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="map" width="{wide}" height="{high}" viewBox="0 0 {size}">\n'
        f'<style>{STYLE}</style>\n<rect width="100%" height="100%" fill="white"/>\n{chr(10).join(parts)}\n</svg>\n'
    )
