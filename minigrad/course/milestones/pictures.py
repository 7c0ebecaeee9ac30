"""Draw the page of a trained network: its losses, and what it has learned."""

from html import escape

import numpy as np

from minigrad.course.lessons.cells import BLUE, ORANGE, is_dark, table
from minigrad.course.lessons.cells import STYLE as HIDDEN
from minigrad.course.lessons.curves import curves
from minigrad.support.files import save_text

STYLE = (
    """:root { color-scheme: light dark; --paper: #faf9f6; --ink: #22242a; --line: #767a84 }
@media (prefers-color-scheme: dark) { :root { --paper: #16181d; --ink: #e8e6e1; --line: #8b909b } }
body { margin: 0 auto; max-width: 46rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 17px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
h1 { font-size: 1.5rem; line-height: 1.2 } h2 { font-size: 1.1rem }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem } figure { margin: 0; max-width: 100% }
figcaption { margin-bottom: 0.4rem } svg { max-width: 100%; height: auto }
.map { font: 13px "DejaVu Sans", sans-serif; fill: var(--ink); background: #fff }
.map text { text-anchor: middle; fill: #000 } .map .light { fill: #fff }
.map .box { fill: none; stroke: var(--line) }
"""
    + HIDDEN
)


def page_of(picture):
    """Return a milestone's `page`, which writes an HTML file. `picture` turns what `learn` returned into
    the HTML of its figures.
    """

    def page(file, path, failed, answers):
        (found,) = answers
        losses = np.array(found["losses"])
        width = len(losses) // 100 + 1
        around = np.convolve(losses, np.ones(width), "same")
        means = around / np.convolve(np.ones(len(losses)), np.ones(width), "same")
        drawn = curves({"loss": means}, most=np.ceil(means.max() * 2.5) / 2.5)
        about = f"The loss in {len(losses)} steps falls from {losses[0]:.3g} to {found['loss']:.3g}"
        title = escape((file.__doc__ or "").partition(".")[0])
        save_text(
            path,
            f'<!doctype html>\n<html lang="en"><meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
            f"<style>{STYLE}</style>\n<main><h1>{title}</h1>\n"
            f"<p>Trained by your own engine in {found['seconds']:.1f} seconds: {escape(found['told'])}.</p>\n"
            f"<h2>The loss</h2>\n{labelled(drawn, about)}\n"
            f'<h2>What it has learned</h2>\n<div class="figures">{picture(found)}</div>\n</main></html>\n',
        )

    return page


def labelled(svg, about):
    """Return an SVG image with a text alternative."""
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(about)}" ', 1)


def heat(title, cells, size=40, most=0.0, down=(), across=()):
    """Return a matrix as a heat map with a caption. Positive numbers are blue and negative ones orange.

    The largest number, or `most` if it is passed, has the full colour. The numbers are shown in
    cells of at least 36 pixels. `down` and `across` are names of the rows and columns.
    """
    cells = np.atleast_2d(np.asarray(cells, float))
    most = most or max(np.abs(cells).max(), 1e-9)
    left, top = (30 if down else 1), (22 if across else 1)
    parts = [
        f'<text x="{left + size * (j + 0.5)}" y="16">{escape(str(name))}</text>'
        for j, name in enumerate(across)
    ]
    parts += [
        f'<text x="14" y="{top + size * (i + 0.5) + 5}">{escape(str(name))}</text>'
        for i, name in enumerate(down)
    ]
    for (i, j), value in np.ndenumerate(cells):
        x, y, share = left + size * j, top + size * i, min(abs(value) / most, 1)
        colour = ORANGE if value < 0 else BLUE
        parts.append(
            f'<rect x="{x}" y="{y}" width="{size}" height="{size}" fill="{colour}" fill-opacity="{share:.2f}"/>'
        )
        if size >= 36:
            tone = ' class="light"' if is_dark(colour, share) else ""
            parts.append(
                f'<text{tone} x="{x + size / 2}" y="{y + size / 2 + 5}">{value:.2f}</text>'
            )
    wide, high = size * cells.shape[1], size * cells.shape[0]
    parts.append(f'<rect class="box" x="{left}" y="{top}" width="{wide}" height="{high}"/>')
    wide, high = left + wide + 1, top + high + 1
    return figure(title, "".join(parts), wide, high, table(title, cells, down, across))


def figure(title, drawn, wide, high, numbers=""):
    """Return a drawing in SVG with a caption. Its text alternative is the caption, or the `numbers` as a
    table.
    """
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    svg = f'<svg class="map" {size}>{drawn}</svg>'
    svg = svg.replace("<svg", '<svg aria-hidden="true"', 1) if numbers else labelled(svg, title)
    return f"<figure><figcaption>{escape(title)}</figcaption>{svg}{numbers}</figure>\n"


def regions(title, classes, points, labels):
    """Draw the class that a network predicts at each place of a square from -1.1 to 1.1, and labelled
    points.
    """
    size, pixels = 7, 7 * len(classes)
    parts = [
        f'<rect x="{size * j}" y="{size * i}" width="{size}" height="{size}" '
        f'fill="{ORANGE if one else BLUE}" fill-opacity="0.35"/>'
        for (i, j), one in np.ndenumerate(classes)
    ]
    for (x, y), label in zip(points, labels, strict=True):
        across, down = pixels * (x + 1.1) / 2.2, pixels * (1.1 - y) / 2.2
        shape = (
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{BLUE}"/>'
            if label == 0
            else f'<path d="M{across - 3:.1f} {down - 3:.1f}l6 6m0 -6l-6 6" stroke="#a03e00" stroke-width="2"/>'
        )
        parts.append(shape)
    return figure(title, "".join(parts), pixels, pixels)


def words(title, texts):
    """Return texts as a list with a caption."""
    items = ", ".join(escape(text) for text in texts)
    return f"<figure><figcaption>{escape(title)}</figcaption><p><b>{items}</b></p></figure>\n"
