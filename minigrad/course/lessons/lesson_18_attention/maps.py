"""Draw matrices as SVG pictures: weights as heat maps, and who sees whom."""

from xml.sax.saxutils import escape

import numpy as np

CELL, LEFT, TOP, GAP = 40, 44, 62, 36  # in pixels
STYLE = """<style>
.map { font: 14px "DejaVu Sans", sans-serif; fill: var(--ink, #222) }
.map .title { font-weight: bold } .map .middle { text-anchor: middle } .map .end { text-anchor: end }
.map .cell { font-size: 12px; text-anchor: middle } .map .strong { fill: #fff }
.map .box { fill: none; stroke: var(--line, #999) }
</style>"""


def named(down, across):
    """Return names for rows and columns as strings."""
    return [str(one) for one in down], [str(one) for one in across]


def panel(title, cells, down=None, across=None, wrong=None):
    """Return a heat map as (SVG, width, height). `cells` are numbers; the largest is deep blue.

    Booleans are drawn as full and empty cells. The cells in `wrong` are red and marked with "!".
    """
    cells = np.asarray(cells)
    rows, columns = cells.shape
    down, across = down or [str(i) for i in range(rows)], across or [str(i) for i in range(columns)]
    most = max(float(np.abs(cells).max(initial=0)), 1e-9)
    y = 18.0
    parts = []
    for line in title.splitlines():
        parts.append(f'<text class="title" x="0" y="{y}">{escape(line)}</text>')
        y += 18
    parts += [f'<text class="middle" x="{LEFT + CELL * (j + 0.5)}" y="{TOP - 6}">{escape(name)}</text>'
              for j, name in enumerate(across)]  # fmt: skip
    for i, name in enumerate(down):
        top = TOP + CELL * i
        parts.append(f'<text class="end" x="{LEFT - 8}" y="{top + 25}">{escape(name)}</text>')
        for j in range(columns):
            value, bad = cells[i, j], wrong is not None and wrong[i, j]
            share = 0.85 * abs(float(value)) / most
            if cells.dtype == bool:
                text, share = ("!" if bad else ""), 0.85 * bool(value)
            else:
                text = _short(float(value))
            colour = "#c00000" if bad else "#d55e00" if value < 0 else "#0072b2"
            left = LEFT + CELL * j
            parts.append(
                f'<rect x="{left}" y="{top}" width="{CELL}" height="{CELL}" fill="{colour}" '
                f'fill-opacity="{0.85 if bad else share:.2f}"/>'
                f'<text class="cell{" strong" * (share > 0.45 or bool(bad))}" x="{left + CELL / 2}" '
                f'y="{top + 25}">{text}</text>'
            )
    parts.append(
        f'<rect class="box" x="{LEFT}" y="{TOP}" width="{CELL * columns}" height="{CELL * rows}"/>'
    )
    wide = max([LEFT + CELL * columns, *(9 * len(line) for line in title.splitlines())])
    return "".join(parts), wide, TOP + CELL * rows + 4


def _short(value):
    if not np.isfinite(value):
        return str(value)
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
    return text.removesuffix(".00").replace("0.", ".", 1) if text != "0.00" else "0"


def figure(*arguments, **named_arguments):
    """Return one heat map as an SVG picture for a page."""
    drawn, wide, high = panel(*arguments, **named_arguments)
    label = escape(arguments[0].replace("\n", " "), {'"': "&quot;"})
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="map" role="img" aria-label="{label}" width="{wide}" '
        f'height="{high}" viewBox="0 0 {wide} {high}">{drawn}</svg>'
    )


def picture(panels):
    """Return several heat maps side by side as an SVG file. `panels` contains arguments of `panel`."""
    x, high, parts = 12, 0, []
    for arguments in panels:
        drawn, wide, tall = panel(*arguments)
        parts.append(f'<g transform="translate({x}, 6)">{drawn}</g>')
        x, high = x + wide + GAP, max(high, tall)
    wide, high = x - GAP + 12, high + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="map" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}">\n{STYLE}\n<rect width="100%" height="100%" fill="white"/>\n'
        f"{chr(10).join(parts)}\n</svg>\n"
    )
