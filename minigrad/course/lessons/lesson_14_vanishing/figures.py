"""Draw flow.svg, the picture of lesson 14.

python minigrad/course/lessons/lesson_14_vanishing/figures.py
"""

from pathlib import Path

import numpy as np

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential, gradient_flow, init


def measure(W_hh, activation):
    """Return the norms of dL/dh_t over 40 words, relative to the last, for an RNN with this initial
    W_hh.
    """
    mg.seed(0)
    model = Sequential(Embedding(50, 8), RNN(8, 32), Dense(32, 2))
    cell = model.named_layers()["rnn.cell"]
    cell.activation = activation
    cell.W_hh.array = W_hh.astype("float32")
    rng = np.random.default_rng(0)
    norms = gradient_flow(model, (rng.integers(0, 50, (64, 40)), rng.integers(0, 2, 64)))[
        "rnn.cell.h"
    ]
    return norms / norms[-1]


def starts():
    """Return {label: (W_hh, colour)} for the text's three ways to initialize W_hh."""
    mg.seed(0)
    Q = init.orthogonal((32, 32)).astype(float)
    U = np.random.default_rng(0).uniform(-1, 1, (32, 32)) / np.sqrt(32)
    return {
        "1.5 × orthogonal": (1.5 * Q, "#0072b2"),
        "orthogonal": (Q, "#009e73"),
        "uniform": (U, "#d55e00"),
    }


def draw(path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 4.4), layout="constrained", facecolor="white")
    panel = figure.subplots()
    for name, (W_hh, colour) in starts().items():
        factor = np.max(np.abs(np.linalg.eigvals(W_hh)))
        panel.semilogy(
            measure(W_hh, mg.tanh), color=colour, lw=3, label=f"{name}: factor {factor:.2f}"
        )
        without = panel.semilogy(
            measure(W_hh, lambda x: x), color="#222222", lw=1.2, ls=(0, (4, 3))
        )[0]
    without.set_label("dashed: the same without tanh")
    panel.set_xlabel("time step t (the loss reads the last state, on the right)")
    panel.set_ylabel("‖dL/dh_t‖, relative to the last step")
    panel.set_ylim(1e-9, 1e8)
    panel.grid(alpha=0.3)
    panel.legend(fontsize=9, ncols=1, loc="lower right")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "minigrad"
    draw(Path(__file__).with_name("flow.svg"))
