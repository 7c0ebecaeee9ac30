"""Draw images, kernels and feature maps as heat maps."""

from xml.sax.saxutils import escape

import numpy as np

from minigrad.course.lessons.cells import BLUE, ORANGE, is_dark, table

CELL, LEFT, TOP, GAP = 40, 34, 28, 36  # in pixels
STYLE = """.map { font: 14px "DejaVu Sans", sans-serif; fill: var(--ink, #222) }
.map .title { font-weight: bold } .map .middle, .map .cell { text-anchor: middle } .map .end { text-anchor: end }
.map .cell { font-size: 12px; fill: #000 } .map .strong { fill: #fff }
.map .box { fill: none; stroke: var(--line, #999) }
.map .mark { fill: none; stroke: #c00000; stroke-width: 3 }"""


def panel(array, *boxes, most=0):
    """Return a matrix as a heat map: (SVG, width, height). The largest number is deep blue, and numbers
    below 0 are orange. Each box (row, column, height, width) marks some of the cells. `most` is the number
    with the strongest colour. The default is the largest one.
    """
    array = np.asarray(array, float)
    rows, columns = array.shape
    most = most or max(np.abs(array[np.isfinite(array)]).max(initial=0), 1e-9)
    wide, high = CELL * columns, CELL * rows
    # text on cells is black or white, so the cells need the same background in both colour schemes
    parts = [f'<rect x="{LEFT}" y="{TOP}" width="{wide}" height="{high}" fill="#fff"/>']
    parts += [
        f'<text class="middle" x="{LEFT + CELL * (j + 0.5)}" y="{TOP - 8}">{j}</text>'
        for j in range(columns)
    ]
    parts += [
        f'<text class="end" x="{LEFT - 8}" y="{TOP + CELL * i + 25}">{i}</text>'
        for i in range(rows)
    ]
    for (i, j), value in np.ndenumerate(array):
        x, y = LEFT + CELL * j, TOP + CELL * i
        share, colour = min(abs(value) / most, 1), ORANGE if value < 0 else BLUE
        parts.append(
            f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{colour}" fill-opacity="{share:.2f}"/>'
            f'<text class="cell{" strong" if is_dark(colour, share) else ""}" x="{x + CELL / 2}" y="{y + 25}">'
            f"{_short(value)}</text>"
        )
    for kind, (i, j, height, width) in [
        ("box", (0, 0, rows, columns)),
        *(("mark", box) for box in boxes),
    ]:
        parts.append(
            f'<rect class="{kind}" x="{LEFT + CELL * j}" y="{TOP + CELL * i}" '
            f'width="{CELL * width}" height="{CELL * height}"/>'
        )
    return "".join(parts), LEFT + wide + 2, TOP + high + 2


def _short(value):
    if not np.isfinite(value):
        return str(value)
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "0") else text.replace("0.", ".", 1)


def figure(title, array, *boxes):
    """Return a heat map with a caption, and its numbers for screen readers, as HTML."""
    drawn, wide, high = panel(array, *boxes)
    label = ". Frame: ".join([title, *map(_place, boxes)])
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg class="map" aria-hidden="true" width="{wide}" '
        f'height="{high}" viewBox="0 0 {wide} {high}">{drawn}</svg>{table(label, array)}</figure>\n'
    )


def _place(box):
    """Return in words which cells a frame marks."""
    spans = zip(("row", "column"), box[:2], box[2:], strict=True)
    return ", ".join(
        f"{name} {first}" if count == 1 else f"{name}s {first} to {first + count - 1}"
        for name, first, count in spans
    )


def picture(arrays, shared=False):
    """Return heat maps side by side as an SVG file. `arrays` maps titles to matrices. If `shared`, the same
    number has the same colour in all of them.
    """
    most = max(np.abs(array).max() for array in arrays.values()) if shared else 0
    x, high, parts = 14, 0, []
    for title, array in arrays.items():
        drawn, wide, tall = panel(array, most=most)
        parts.append(f'<text class="title" x="{x}" y="24">{escape(title)}</text>')
        parts.append(f'<g transform="translate({x}, 32)">{drawn}</g>')
        x, high = x + max(wide, 9 * len(title)) + GAP, max(high, tall)
    wide, high = x - GAP + 14, high + 44
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="map" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}">\n<style>{STYLE}</style>\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
