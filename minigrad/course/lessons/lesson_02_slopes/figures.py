"""Draw this lesson's figure: python -m minigrad.course.lessons.lesson_02_slopes.figures."""

from pathlib import Path

from .check import central, chart, errors


def forward(f, x, h):
    return (f(x + h) - f(x)) / h


if __name__ == "__main__":
    svg = chart(
        [
            ("forward", "#b4560a", "7 4", errors(forward)),
            ("central", "#1d5fc0", "", errors(central)),
        ]
    )
    (Path(__file__).parent / "v.svg").write_text(svg + "\n", encoding="utf-8")
