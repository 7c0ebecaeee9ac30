"""Draw slopes.svg: both losses, and their slopes at the score of the right class.

python -m minigrad.course.lessons.lesson_08_losses.figures
"""

from pathlib import Path

import numpy as np

P = np.linspace(0.004, 1, 250)
LOSSES = {"cross entropy, -log p": -np.log(P), "squared error, (1 - p)²": (1 - P) ** 2}
SLOPES = {"cross entropy": P - 1, "squared error": -2 * P * (1 - P) ** 2}
COLOURS = ("#c25a00", "#1d5fc0")


def panel(left, title, curves, low, high, ticks, labels):
    """Draw one chart with p from 0 to 1 below. `labels` are the positions of the curves' names."""

    def at(p, value):
        return left + 45 + 260 * p, 260 - 210 * (value - low) / (high - low)

    parts = [f'<text x="{left + 10}" y="28" font-weight="bold">{title}</text>']
    for tick in ticks:
        x, y = at(0, tick)
        parts.append(f'<line x1="{x}" x2="{x + 260}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 8}" y="{y + 5:.1f}" text-anchor="end">{tick:g}</text>')
    for p in (0, 0.5, 1):
        parts.append(f'<text x="{at(p, 0)[0]}" y="282" text-anchor="middle">{p:g}</text>')
    parts.append(f'<text x="{left + 175}" y="304" text-anchor="middle">p of the right class</text>')
    for (name, values), colour, (x, y) in zip(curves.items(), COLOURS, labels, strict=True):
        points = [at(p, v) for p, v in zip(P, values, strict=True) if low <= v <= high]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        )
        parts.append(
            f'<text x="{at(x, y)[0]:.1f}" y="{at(x, y)[1]:.1f}" fill="{colour}">{name}</text>'
        )
    return "".join(parts)


def svg():
    parts = [
        '<rect width="690" height="320" fill="white"/>',
        panel(10, "the loss", LOSSES, 0, 5, range(6), [(0.2, 2.2), (0.45, 1.2)]),
        panel(
            350,
            "its slope at the right score",
            SLOPES,
            -1,
            0,
            (-1, -0.5, 0),
            [(0.38, -0.78), (0.13, -0.08)],
        ),
    ]
    style = 'font-family="sans-serif" font-size="14" fill="#222"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 690 320" width="690" {style}>{"".join(parts)}</svg>\n'


if __name__ == "__main__":
    (Path(__file__).parent / "slopes.svg").write_text(svg(), encoding="utf-8")
