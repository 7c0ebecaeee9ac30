"""Draws which.svg and curves.svg: loss curves of right and wrong training, computed in NumPy.

python -m minigrad.course.lessons.lesson_09_learning.figures
"""

from pathlib import Path

from minigrad.course.lessons.curves import curves
from minigrad.course.lessons.lesson_09_learning.check import by_hand, start

FIGURES = {
    "which.svg": {
        "A": by_hand(start(38), 0.1, 150),
        "B": by_hand(start(38), 0.1, 150, slope=lambda h: 1 - h),
    },
    "curves.svg": {
        "right": by_hand(start(0), 0.2, 400),
        "tanh with the slope 1 - h": by_hand(start(0), 0.2, 400, slope=lambda h: 1 - h),
        "gradients never zeroed": by_hand(start(0), 0.2, 400, keep=1.0),
    },
}

if __name__ == "__main__":
    for name, series in FIGURES.items():
        svg = curves(series, faint="gradients never zeroed")
        (Path(__file__).parent / name).write_text(svg, encoding="utf-8")
