"""Compare how far gradients reach back in an RNN, a GRU and an LSTM, before and after a short
training run on movie reviews.

    python examples/compare_cells.py --out runs/cells

Writes two pictures. gradient_flow.png shows the norm of dL/dh_t over t, relative to the norm at the
last word. words.png shows one review, with each word shaded according to the gradient of its
vector. docs/layers.md explains both pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cli  # isort: skip  # import this first, because it checks that minigrad is installed
import numpy as np

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Dense,
    Embedding,
    Layer,
    Sequential,
    gradient_flow,
    gradients,
    outputs,
)
from minigrad.data import Batches, load_imdb
from optim import Adam, Trainer

KINDS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
# Okabe and Ito's colours. Markers and dashes distinguish the lines without colour.
STYLES: dict[str, dict[str, Any]] = {
    "RNN h": {"color": "#d55e00", "marker": "o"},
    "GRU h": {"color": "#0072b2", "marker": "s"},
    "LSTM h": {"color": "#009e73", "marker": "^"},
    "LSTM c": {"color": "#009e73", "marker": "^", "linestyle": "--", "markerfacecolor": "white"},
}


def main() -> None:
    """Train the three models and draw the gradients that reach each step and each word."""
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--limit", type=cli.integer(1), default=5000, help="training reviews (5000)"
    )
    parser.add_argument(
        "--epochs", type=cli.integer(1), default=2, help="passes over the reviews (2)"
    )
    parser.add_argument(
        "--review",
        type=cli.integer(0),
        default=20,
        help="index of the test review in words.png (20)",
    )
    parser.add_argument(
        "--seed",
        type=cli.integer(0),
        default=0,
        help="seed for initial weights and order of reviews (0)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/cells"), help="folder for the pictures (runs/cells)"
    )
    arguments = parser.parse_args()
    data = load_imdb()
    arguments.out.mkdir(parents=True, exist_ok=True)
    train, batch = data.train[: arguments.limit], data.test[:256]
    review = data.test[[arguments.review]]
    words = data.vocabulary.decode(review.ids[0]).split()
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    shades = {}
    for name, kind in KINDS.items():
        mg.seed(arguments.seed)
        model = Sequential(Embedding(len(data.vocabulary), 64), kind(64, 32), Dense(32, 2))
        print(
            f"{name}: {sum(parameter.size for parameter in model.named_parameters().values()):,} "
            "parameters"
        )
        before |= relative_flow(name, model, batch)
        batches = Batches(train.ids, train.labels, seed=arguments.seed)
        Trainer(model, mg.softmax_cross_entropy, Adam(model.named_parameters(), lr=1e-3)).fit(
            batches, arguments.epochs
        )
        after |= relative_flow(name, model, batch)
        shades[name] = word_gradients(model, review, len(words))

    print("\nnorm of dL/dh_t, relative to its value at the last word")
    print(f"{'':8} {'':>8}  {'5 back':>9} {'10 back':>9} {'20 back':>9} {'39 back':>9}")
    for title, flows in (("before", before), ("after", after)):
        for name, norms in flows.items():
            print(
                f"{title:8} {name:>8}  "
                + " ".join(f"{norms[-1 - back]:9.2e}" for back in (5, 10, 20, 39))
            )
    draw_flow(before, after, arguments.out / "gradient_flow.png")
    label = ("negative", "positive")[review.labels[0]]
    draw_words(words, shades, label, arguments.out / "words.png")
    print(f"\ngradient_flow.png and words.png are in {arguments.out}")


def relative_flow(name: str, model: Layer, batch: Any) -> dict[str, Any]:
    """Return {"LSTM h": norms over time, ...}, relative to the norm of dL/dh at the last step."""
    flows = gradient_flow(model, (batch.ids, batch.labels))
    last = next(norms[-1] for path, norms in flows.items() if path.endswith(".h"))
    return {f"{name} {path[-1]}": norms / last for path, norms in flows.items()}


def word_gradients(model: Layer, review: Any, count: int) -> tuple[float, Any]:
    """Return (probability of a positive review, norms of dL/d(word vector) for the last `count`
    words).
    """
    slopes = gradients(model, review.ids, review.labels, ["embedding"])["embedding"][0]
    logits = outputs(model, review.ids, [""])[""][0]
    return float(np.exp(logits[1]) / np.exp(logits).sum()), np.linalg.norm(slopes, axis=1)[-count:]


def draw_flow(before: dict[str, Any], after: dict[str, Any], path: Path) -> None:
    """Draw the norms over time, before and after training, in two panels with the same logarithmic
    scale.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, flows, title in zip(
        panels, (before, after), ("at initialisation", "after training"), strict=True
    ):
        for name, norms in flows.items():
            positive = np.where(norms > 0, norms, np.nan)
            panel.semilogy(
                range(len(norms)),
                positive,
                label=name,
                markersize=4,
                linewidth=1.4,
                markevery=3,
                **STYLES[name],
            )
        panel.set_title(title)
        panel.set_xlabel("time step t (the last word is on the right)")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("‖dL/dh_t‖, relative to the last step")
    panels[0].legend()
    figure.savefig(path, dpi=120)


def draw_words(
    words: list[str], shades: dict[str, tuple[float, Any]], label: str, path: Path
) -> None:
    """Draw a block of text for each model, with darker words for larger gradients. Shades are
    relative to the largest gradient in the block.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = 1 + sum(len(word) + 2 for word in words) // 60
    figure = Figure(figsize=(9, (0.7 + 0.32 * lines) * len(shades) + 0.3), dpi=120)
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    y = height - 40
    for name, (probability, norms) in shades.items():
        title = f"{name}: a {label} review, predicted positive with probability {probability:.2f}"
        figure.text(20 / width, y / height, title, weight="bold", size=11)
        x, y = 24.0, y - 34
        for word, norm in zip(words, norms, strict=True):
            share = float(norm / norms.max())
            drawn = figure.text(
                x / width, y / height, word, size=11, color="white" if share > 0.6 else "black",
                bbox={"facecolor": (0.0, 0.27, 0.55, share), "edgecolor": "none", "pad": 3},
            )  # fmt: skip
            extent = drawn.get_window_extent(renderer).width
            if x + extent > width - 24:
                x, y = 24.0, y - 32
                drawn.set_position((x / width, y / height))
            x += extent + 16
        y -= 48
    figure.savefig(path, dpi=figure.dpi, bbox_inches="tight", pad_inches=0.2)


if __name__ == "__main__":
    main()
