"""Draw this lesson's figures: python -m minigrad.course.lessons.lesson_05_shapes.figures."""

from pathlib import Path

from .check import DZ, X, heat_maps

if __name__ == "__main__":
    folder, batch = Path(__file__).parent, range(4)
    product = heat_maps([
        ("x", X, [(i, 1) for i in batch]), ("dz", DZ, [(i, 0) for i in batch]), ("dW", X.T @ DZ, [(1, 0)])
    ])  # fmt: skip
    bias = heat_maps([("dz", DZ, [(i, 1) for i in batch]), ("db", DZ.sum(axis=0), [(0, 1)])])
    for name, svg in (("product.svg", product), ("bias.svg", bias)):
        (folder / name).write_text(svg + "\n", encoding="utf-8")
