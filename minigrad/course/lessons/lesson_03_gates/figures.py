"""Draw this lesson's figure: python -m minigrad.course.lessons.lesson_03_gates.figures."""

from pathlib import Path

import numpy as np


def curve(function, colour, dashes=""):
    xs = np.linspace(-2.5, 2.5, 101)
    points = " ".join(
        f"{270 + 95 * x:.1f},{110 - 72 * y:.1f}"
        for x, y in zip(xs, function(xs), strict=True)
        if y > -2.6
    )
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}"/>'


def main():
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 320" font-family="sans-serif" '
        'font-size="15">',
        '<rect width="700" height="320" fill="white"/>',
    ]
    for x in range(-2, 3):
        parts.append(f'<path d="M{270 + 95 * x} 20V290" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{270 + 95 * x}" y="310" text-anchor="middle">{x}</text>')
    for y in (1, 0, -1, -2):
        parts.append(
            f'<path d="M32 {110 - 72 * y}H508" stroke="{"#888" if y == 0 else "#e3e3e3"}"/>'
        )
        parts.append(f'<text x="26" y="{115 - 72 * y}" text-anchor="end">{y}</text>')
    for place, (name, function, colour, dashes) in enumerate(
        [
            ("z = tanh(x)", np.tanh, "#333333", ""),
            ("its slope, 1 - z²", lambda x: 1 - np.tanh(x) ** 2, "#1d5fc0", ""),
            ("1 - x²", lambda x: 1 - x * x, "#c0392b", "7 5"),
        ]
    ):
        parts.append(curve(function, colour, dashes))
        y = 40 + 30 * place
        parts.append(
            f'<path d="M524 {y - 5}h28" stroke="{colour}" stroke-width="2.5" '
            f'stroke-dasharray="{dashes}"/>'
        )
        parts.append(f'<text x="560" y="{y}">{name}</text>')
    (Path(__file__).parent / "tanh.svg").write_text(
        "\n".join([*parts, "</svg>\n"]), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
