"""Draw the graph that a small program recorded: a product, a dense network, an RNN, a GRU or an
LSTM.

    python examples/render_graph.py                                    # an RNN over 40 steps, in the mode that suits it
    python examples/render_graph.py --model lstm --mode unrolled --out lstm.svg
    python examples/render_graph.py --truncate 4 --window 34 37 --grads
    python examples/render_graph.py --model dense --values --grads
    python examples/render_graph.py --gallery docs/images              # the pictures of docs/drawing.md

The picture says which mode was chosen, and how to choose another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cli  # isort: skip  # first: it says so if minigrad is not installed
import numpy as np

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Layer, Sequential
from minigrad.errors import MinigradError

CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


class Classifier(Layer):
    """Word ids to two scores: embedding, a recurrent layer, and a dense layer on its last state."""

    def __init__(self, cell: str, stacked: int, truncate: int | None) -> None:
        super().__init__()
        self.embedding = Embedding(10_000, 128)
        self.rnn = CELLS[cell](128, 32, layers=stacked, truncate=truncate)
        self.head = Dense(32, 2)

    def forward(self, ids: mg.Tensor) -> mg.Tensor:
        scores: mg.Tensor = self.head(self.rnn(self.embedding(ids)))
        return scores


def product() -> mg.Tensor:
    """Two gates: x @ W, and its sum."""
    x = mg.Tensor([[1.0, 2.0]], name="x")
    W = mg.Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
    return (x @ W).sum()


def first() -> mg.Tensor:
    """The first example of the README."""
    x = mg.Tensor([[1.0, 2.0]], name="x")
    W = mg.Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
    b = mg.Tensor([0.5], requires_grad=True, name="b")
    target = mg.Tensor([[1.0]], name="target")
    return mg.mean_squared_error(mg.tanh(x @ W + b), target)


def dense() -> mg.Tensor:
    """A network of two dense layers on two rows, small enough to show every number."""
    x = mg.Tensor([[0.5, -1.0], [1.5, 2.0]], name="x")
    model = Sequential(Dense(2, 3, activation=mg.tanh), Dense(3, 2))
    return mg.softmax_cross_entropy(model(x), mg.Tensor(np.array([0, 1]), name="labels"))


def sentiment(cell: str, steps: int, stacked: int = 1, truncate: int | None = None) -> mg.Tensor:
    """The loss of one training step of the review classifier: 32 reviews of `steps` words each."""
    ids = mg.generator().integers(0, 10_000, (32, steps))
    labels = mg.generator().integers(0, 2, 32)
    scores = Classifier(cell, stacked, truncate)(mg.Tensor(ids, name="ids"))
    return mg.softmax_cross_entropy(scores, mg.Tensor(labels, name="labels"))


def small_recurrent(cell: str, steps: int, truncate: int | None = None) -> mg.Tensor:
    """A recurrent layer alone, on two sequences of three numbers a step."""
    x = mg.Tensor(mg.generator().normal(size=(2, steps, 3)).astype(np.float32), name="x")
    last: mg.Tensor = CELLS[cell](3, 4, truncate=truncate)(x)
    return last.sum()


def gallery(folder: Path) -> None:
    """The pictures that docs/drawing.md and the README show."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, tuple[mg.Tensor, dict[str, Any]]] = {
        "first.png": (first(), {"values": True, "grads": True}),
        "product.png": (product(), {"values": True}),
        "dense.png": (dense(), {"values": True, "grads": True}),
        "rnn_rolled.png": (sentiment("rnn", 40), {"mode": "rolled"}),
        "rnn_truncated.png": (small_recurrent("rnn", 5, truncate=4), {"mode": "unrolled"}),
        "rnn_window.png": (sentiment("rnn", 40, truncate=2), {"window": (37, 39), "grads": True}),
        "gru_body.png": (small_recurrent("gru", 40), {"mode": "rolled"}),
        "layers.png": (sentiment("lstm", 40, stacked=2), {"depth": 1}),
    }
    for name, (loss, options) in pictures.items():
        loss.backward()
        print(mg.draw(loss, folder / name, **options))


def main() -> None:
    """Read the command line, record a graph, draw it."""
    parser = cli.parser(__doc__)
    parser.add_argument("--model", choices=["product", "first", "dense", *CELLS], default="rnn")
    parser.add_argument(
        "--steps", type=cli.whole(1), default=40, help="time steps of a recurrent model (40)"
    )
    parser.add_argument(
        "--stacked", type=cli.whole(1), default=1, help="recurrent layers, one above the other (1)"
    )
    parser.add_argument(
        "--truncate",
        type=cli.whole(1),
        help="send gradients back through this many last steps only",
    )
    parser.add_argument("--mode", default="auto", help="auto, unrolled or rolled (auto)")
    parser.add_argument(
        "--window",
        type=cli.whole(0),
        nargs=2,
        metavar=("T0", "T1"),
        help="time steps to show in full",
    )
    parser.add_argument(
        "--depth", type=cli.whole(1), help="draw scopes nested this deep as single boxes"
    )
    parser.add_argument("--values", action="store_true", help="write what the arrays hold")
    parser.add_argument(
        "--grads", action="store_true", help="write gradients, and draw arrows by their size"
    )
    parser.add_argument("--seed", type=cli.whole(0), default=0)
    parser.add_argument(
        "--out", default="graph.png", help="ends in .png, .svg, .pdf or .dot (graph.png)"
    )
    parser.add_argument(
        "--gallery", type=Path, metavar="FOLDER", help="draw the pictures of the documentation"
    )
    options = parser.parse_args()
    mg.seed(options.seed)
    try:
        if options.gallery:
            gallery(options.gallery)
            return
        if options.model in CELLS:
            loss = sentiment(options.model, options.steps, options.stacked, options.truncate)
        else:
            loss = {"product": product, "first": first, "dense": dense}[options.model]()
        loss.backward()
        drawing = mg.draw(
            loss, options.out, mode=options.mode, window=options.window, depth=options.depth, values=options.values,
            grads=options.grads,
        )  # fmt: skip
    except MinigradError as error:
        parser.exit(1, f"{error}\n")
    print(f"{mg.Graph(loss)}\nwritten to {drawing.path}, mode {drawing.mode}. {drawing.caption}")


if __name__ == "__main__":
    main()
