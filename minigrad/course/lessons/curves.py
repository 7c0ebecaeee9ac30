"""Draw loss curves for the lessons' pages and pictures."""

from collections.abc import Mapping, Sequence

import numpy as np


def curves(
    series: Mapping[str, Sequence[float] | np.ndarray],
    height: int = 330,
    most: float = 1.0,
    faint: str = "",
) -> str:
    """Return an SVG plot of loss curves, {name: losses}. Losses above `most` are clipped.

    The curve called `faint` is drawn thin and pale, for losses that jump at every step.
    """
    colours = ("#1f5fbf", "#d9730d", "#2e8b57", "#8a2f6b")
    dashes = ("", "7 4", "", "2 3")
    steps = max(map(len, series.values()))
    bottom, top = height - 45, 45
    parts = [
        f'<rect width="700" height="{height}" fill="white"/>',
        '<text x="10" y="25">loss</text>',
    ]
    for part in (0, 0.25, 0.5, 0.75, 1):
        y = bottom - part * (bottom - top)
        parts.append(f'<line x1="55" x2="680" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        parts.append(f'<text x="48" y="{y + 5:.0f}" text-anchor="end">{part * most:g}</text>')
    for fifth in range(6):
        x = 55 + 125 * fifth
        parts.append(
            f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{steps * fifth // 5}</text>'
        )
    parts.append(f'<text x="367" y="{bottom + 39}" text-anchor="middle">step</text>')
    for number, (name, losses) in list(enumerate(series.items()))[::-1]:
        with np.errstate(all="ignore"):
            heights = np.clip(np.nan_to_num(losses, nan=most, posinf=most) / most, 0, 1)
        points = " ".join(
            f"{55 + 625 * k / steps:.1f},{bottom - v * (bottom - top):.1f}"
            for k, v in enumerate(heights)
        )
        colour, width = ("#8fc7a0", 1) if name == faint else (colours[number], 2.5)
        look = f'stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dashes[number]}"'
        parts.append(f'<polyline points="{points}" fill="none" {look}/>')
        x, y = 380, 62 + 22 * number
        parts.append(f'<line x1="{x}" x2="{x + 40}" y1="{y - 5}" y2="{y - 5}" {look}/>')
        parts.append(f'<text x="{x + 50}" y="{y}">{name}</text>')
    style = (
        'width="100%" style="max-width: 700px" font-family="sans-serif" font-size="15" fill="#222"'
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {height}" {style}>{"".join(parts)}</svg>\n'
