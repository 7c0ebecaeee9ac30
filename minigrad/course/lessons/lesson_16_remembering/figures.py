"""Draw flow.svg for lesson 16.

python minigrad/course/lessons/lesson_16_remembering/figures.py
"""

from pathlib import Path

import numpy as np

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential, gradient_flow


def measure(make, state):
    """Return the norms of this state's gradient over 40 words before training, relative to the
    last.
    """
    mg.seed(0)
    model = Sequential(Embedding(50, 8), make(), Dense(32, 2))
    rng = np.random.default_rng(0)
    found = gradient_flow(model, (rng.integers(0, 50, (64, 40)), rng.integers(0, 2, 64)))
    norms = next(norms for path, norms in found.items() if path.endswith("." + state))
    return norms / norms[-1]


def uniform_rnn():
    rnn = RNN(8, 32)
    rnn.cell.W_hh.array = (np.random.default_rng(0).uniform(-1, 1, (32, 32)) / np.sqrt(32)).astype(
        "f4"
    )
    return rnn


def lstm(bias):
    def make():
        layer = LSTM(8, 32)
        b = layer.cell.b.array.copy()
        b[32:64] = bias
        layer.cell.b.array = b
        return layer

    return make


CURVES = {
    "RNN, orthogonal start": (lambda: RNN(8, 32), "h", "#e69f00"),
    "RNN, uniform start": (uniform_rnn, "h", "#d55e00"),
    "GRU": (lambda: GRU(8, 32), "h", "#cc79a7"),
    "LSTM, forget bias 0": (lstm(0.0), "c", "#56b4e9"),
    "LSTM, forget bias 1": (lstm(1.0), "c", "#0072b2"),
    "LSTM, forget bias 3": (lstm(3.0), "c", "#009e73"),
}


def draw(path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 4.4), layout="constrained", facecolor="white")
    panel = figure.subplots()
    t = np.arange(40)
    for name, (make, state, colour) in CURVES.items():
        norms = measure(make, state)
        panel.semilogy(t, norms, color=colour, lw=2.5, label=name)
        print(
            f"{name}: {norms[0]:.1e} at the first word, {(norms[0] / norms[20]) ** (1 / 20):.3f} "
            "for each step"
        )
    for bias, colour in ((0, "#56b4e9"), (1, "#0072b2"), (3, "#009e73")):
        panel.semilogy(
            t, (1 / (1 + np.exp(-bias))) ** (39 - t), color=colour, lw=1.4, ls=(0, (4, 3))
        )
    panel.plot(
        [],
        [],
        color="#222222",
        lw=1.4,
        ls=(0, (4, 3)),
        label="dashed: σ(bias) to the power (39 - t)",
    )
    panel.set_xlabel("time step t (the loss reads the last state, on the right)")
    panel.set_ylabel("gradient that reaches step t, relative to the last")
    panel.grid(alpha=0.3)
    panel.legend(fontsize=9)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "minigrad"
    draw(Path(__file__).with_name("flow.svg"))
