"""Draw rows.svg: the table's gradient in the text's example, computed with the solution.

python -m minigrad.course.lessons.lesson_11_words.figures
"""

from pathlib import Path

import numpy as np

from minigrad.course.lessons.lesson_11_words.check import TEXT
from minigrad.course.lessons.lesson_11_words.solution import lookup_backward

WORDS = ["padding", "unknown", "film", "good", "not", "bad"]
DZ = np.array([[1.0, 0.0], [0.0, 2.0], [10.0, 1.0]])


def svg():
    """Draw the text's positions on the left and the table's gradient on the right, with a line from
    each position to its row.
    """
    gradient = lookup_backward(DZ, TEXT, len(WORDS))
    parts = ['<rect width="700" height="270" fill="white"/>']
    parts.append('<text x="40" y="30" font-weight="bold">dz: a row for each position</text>')
    parts.append('<text x="420" y="30" font-weight="bold">dW: a row for each word</text>')
    for i, (word, row) in enumerate(zip(WORDS, gradient, strict=True)):
        parts += _row(420, 45 + 34 * i, f"{i} {word}", row)
    for place, (i, row) in enumerate(zip(TEXT, DZ, strict=True)):
        y = 70 + 55 * place
        parts += _row(40, y, WORDS[i], row)
        parts.append(
            f'<line x1="215" y1="{y + 14}" x2="412" y2="{45 + 34 * i + 14}" stroke="#888" '
            'stroke-width="1.5"/>'
        )
    style = 'font-family="sans-serif" font-size="15" fill="#222"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 270" width="700" {style}>{"".join(parts)}</svg>\n'


def _row(x, y, word, numbers):
    """Draw a word and its numbers. Larger numbers get darker cells."""
    parts = [f'<text x="{x}" y="{y + 19}">{word}</text>']
    for k, number in enumerate(numbers):
        red, green, blue = (round(255 - number / 11 * (255 - c)) for c in (0xE8, 0x8A, 0x1A))
        left = x + 85 + 42 * k
        parts.append(
            f'<rect x="{left}" y="{y}" width="40" height="28" fill="rgb({red},{green},{blue})" '
            'stroke="#bbb"/>'
        )
        parts.append(f'<text x="{left + 20}" y="{y + 19}" text-anchor="middle">{number:g}</text>')
    return parts


if __name__ == "__main__":
    (Path(__file__).parent / "rows.svg").write_text(svg(), encoding="utf-8")
