"""Draw cosine.svg and cut.svg for lesson 15.

python -m minigrad.course.lessons.lesson_15_truncation.figures
"""

from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.course.lessons.lesson_15_truncation import solution, trained

HERE = Path(__file__).parent


def curves():
    """Return three dicts of cosines by k: the predictions, the measurements, and the predictions if
    all pieces were at right angles.
    """
    model, (ids, labels) = trained.load(), trained.reviews()
    parts = solution.pieces(*trained.full_backward(model, ids, labels))
    squares = [np.sum(part**2) for part in parts]
    full = trained.truncated_gradient(solution.truncated, 40, model, ids, labels)
    predicted = {k: solution.predict(parts, k) for k in range(1, 41)}
    measured = {
        k: solution.cosine(
            trained.truncated_gradient(solution.truncated, k, model, ids, labels), full
        )
        for k in (1, 2, 4, 10, 20, 40)
    }
    return predicted, measured, {k: np.sqrt(sum(squares[-k:]) / sum(squares)) for k in range(1, 41)}


def draw_curves(path):
    from matplotlib.figure import Figure

    predicted, measured, apart = curves()
    figure = Figure(figsize=(7.4, 4.2), layout="constrained", facecolor="white")
    panel = figure.subplots()
    panel.plot(
        *zip(*predicted.items(), strict=True),
        color="#0072b2",
        lw=2.5,
        label="predicted, from one full backward pass",
    )
    panel.plot(
        *zip(*measured.items(), strict=True),
        "o",
        color="#d55e00",
        ms=8,
        label="measured, with the cut",
    )
    panel.plot(*zip(*apart.items(), strict=True), color="#222222", lw=1.2, ls=(0, (4, 3)),
               label="if the pieces were at right angles")  # fmt: skip
    for k, value in measured.items():
        panel.annotate(f"{value:.2f}", (k, value), (7, -14), textcoords="offset points", fontsize=9,
                       bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
    panel.set_xlabel("k: how many of the 40 steps carry a gradient")
    panel.set_ylabel("cosine with the full gradient of W_hh")
    panel.set_ylim(0, 1.06)
    panel.set_xlim(0, 42.5)
    panel.grid(alpha=0.3)
    panel.legend(loc="lower right")
    figure.savefig(path, metadata={"Date": None})


def draw_cut(path):
    w, h = mg.Tensor(0.5, requires_grad=True, name="w"), mg.Tensor(0.0, name="h0")
    for t in range(4):
        with mg.scope(f"t{t:02d}"):
            h = w * (mg.cut(h) if t == 2 else h) + mg.Tensor(1.0, name=f"x{t}")
    h.backward()
    mg.draw(h, path, grads=True)


if __name__ == "__main__":
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "minigrad"
    draw_curves(HERE / "cosine.svg")
    draw_cut(HERE / "cut.svg")
