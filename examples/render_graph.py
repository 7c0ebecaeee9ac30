"""Draw the graph of a small program: a product, a dense network, an RNN, a GRU or an LSTM.

    python examples/render_graph.py                                  # an RNN over 40 steps, in automatic mode
    python examples/render_graph.py --model lstm --mode unrolled --out lstm.svg
    python examples/render_graph.py --truncate 4 --window 34 37 --grads
    python examples/render_graph.py --model dense --values --grads
    python examples/render_graph.py --gallery docs/images            # the pictures of docs/drawing.md

The picture's caption names the drawing mode and explains how to choose another mode.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cli  # isort: skip  # import this first, because it checks that minigrad is installed
import numpy as np

import minigrad as mg
from gpt import GPT
from layers import GRU, LSTM, RNN, Dense, Embedding, Layer, Sequential, TransformerBlock
from minigrad.errors import MinigradError

CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


class Classifier(Layer):
    """Word ids -> two scores. A dense layer reads the last state of a recurrent layer."""

    def __init__(self, cell: str, stacked: int, truncate: int | None) -> None:
        super().__init__()
        self.embedding = Embedding(10_000, 128)
        self.rnn = CELLS[cell](128, 32, layers=stacked, truncate=truncate)
        self.head = Dense(32, 2)

    def forward(self, ids: mg.Tensor) -> mg.Tensor:
        scores: mg.Tensor = self.head(self.rnn(self.embedding(ids)))
        return scores


def product() -> mg.Tensor:
    """Record the sum of x @ W, which takes two gates."""
    x = mg.Tensor([[1.0, 2.0]], name="x")
    W = mg.Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
    return (x @ W).sum()


def first() -> mg.Tensor:
    """Record the first example in the README."""
    x = mg.Tensor([[1.0, 2.0]], name="x")
    W = mg.Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
    b = mg.Tensor([0.5], requires_grad=True, name="b")
    target = mg.Tensor([[1.0]], name="target")
    return mg.mean_squared_error(mg.tanh(x @ W + b), target)


def dense() -> mg.Tensor:
    """Record the loss of two dense layers on two rows. It is small enough to show every number."""
    x = mg.Tensor([[0.5, -1.0], [1.5, 2.0]], name="x")
    model = Sequential(Dense(2, 3, activation=mg.tanh), Dense(3, 2))
    return mg.softmax_cross_entropy(model(x), mg.Tensor(np.array([0, 1]), name="labels"))


def sentiment(cell: str, steps: int, stacked: int = 1, truncate: int | None = None) -> mg.Tensor:
    """Record the loss of the review classifier on 32 reviews of `steps` words each."""
    ids = mg.generator().integers(0, 10_000, (32, steps))
    labels = mg.generator().integers(0, 2, 32)
    scores = Classifier(cell, stacked, truncate)(mg.Tensor(ids, name="ids"))
    return mg.softmax_cross_entropy(scores, mg.Tensor(labels, name="labels"))


def small_recurrent(cell: str, steps: int, truncate: int | None = None) -> mg.Tensor:
    """Record a single recurrent layer on two sequences that have three numbers per step."""
    x = mg.Tensor(mg.generator().normal(size=(2, steps, 3)).astype(np.float32), name="x")
    last: mg.Tensor = CELLS[cell](3, 4, truncate=truncate)(x)
    return last.sum()


def transformer() -> mg.Tensor:
    """Record the loss of gpt.py's model, four equal blocks, on two texts of eight characters."""
    ids = mg.generator().integers(0, 65, (2, 9))
    model = GPT(65, context=64, width=128, heads=4, blocks=4)
    return mg.softmax_cross_entropy(model(ids[:, :-1]), mg.Tensor(ids[:, 1:], name="next"))


def block() -> mg.Tensor:
    """Record one block of this model on its own."""
    x = mg.Tensor(np.ones((2, 8, 128), np.float32), name="x")
    z: mg.Tensor = TransformerBlock(128, heads=4, bias=False)(x)
    return z.sum()


def gallery(folder: Path) -> None:
    """Draw the pictures of docs/drawing.md and the README."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, tuple[mg.Tensor, dict[str, Any]]] = {
        "first.png": (first(), {"values": True, "grads": True}),
        "product.png": (product(), {"values": True}),
        "dense.png": (dense(), {"values": True, "grads": True}),
        "rnn_rolled.png": (sentiment("rnn", 40), {"mode": "rolled"}),
        "rnn_truncated.png": (small_recurrent("rnn", 5, truncate=4), {"mode": "unrolled"}),
        "rnn_window.png": (sentiment("rnn", 40, truncate=2), {"window": (37, 39), "grads": True}),
        "gru_body.png": (small_recurrent("gru", 40), {"mode": "rolled"}),
        "blocks.png": (transformer(), {"opened": "block"}),
        "block.png": (block(), {"opened": "self_attn"}),
        "layers.png": (sentiment("lstm", 40, stacked=2), {"depth": 1}),
    }
    for name, (loss, options) in pictures.items():
        loss.backward()
        print(mg.draw(loss, folder / name, **options))


def main() -> None:
    """Parse the command line, record a graph and draw it."""
    parser = cli.parser(__doc__)
    parser.add_argument("--model", choices=["product", "first", "dense", *CELLS], default="rnn")
    parser.add_argument(
        "--steps", type=cli.integer(1), default=40, help="time steps of a recurrent model (40)"
    )
    parser.add_argument(
        "--stacked",
        type=cli.integer(1),
        default=1,
        help="number of stacked recurrent layers (1)",
    )
    parser.add_argument(
        "--truncate",
        type=cli.integer(1),
        help="send gradients back only through the last K steps",
        metavar="K",
    )
    parser.add_argument("--mode", default="auto", help="auto, unrolled or rolled (auto)")
    parser.add_argument(
        "--window",
        type=cli.integer(0),
        nargs=2,
        metavar=("T0", "T1"),
        help="first and last time step to show in full",
    )
    parser.add_argument(
        "--depth", type=cli.integer(1), help="draw scopes at this nesting depth as single boxes"
    )
    parser.add_argument("--values", action="store_true", help="show the values of the arrays")
    parser.add_argument(
        "--grads",
        action="store_true",
        help="show gradient norms, and draw thicker arrows for larger gradients",
    )
    parser.add_argument("--seed", type=cli.integer(0), default=0)
    parser.add_argument(
        "--out",
        default="graph.png",
        help="file for the picture: .png, .svg, .pdf or .dot (graph.png)",
    )
    parser.add_argument(
        "--gallery",
        type=Path,
        metavar="FOLDER",
        help="draw the documentation's pictures in FOLDER",
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
