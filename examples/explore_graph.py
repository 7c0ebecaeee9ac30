"""Make four pages that step through a graph, forward and backward, from a single expression to the
RNN that reads reviews.

    python examples/explore_graph.py --out runs/explore

Each page is one HTML file that you can open from disk. docs/explorer.md explains how to use it.
"""

from __future__ import annotations

from pathlib import Path

import cli  # isort: skip  # import this first, because it checks that minigrad is installed
import numpy as np

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from minigrad.data import load_imdb


def expression(path: Path) -> None:
    """Record tanh(a * b + c), a graph with three leaves and three gates."""
    a = mg.Tensor(2.0, requires_grad=True, name="a")
    b = mg.Tensor(-3.0, requires_grad=True, name="b")
    c = mg.Tensor(6.5, requires_grad=True, name="c")
    z = mg.tanh(a * b + c)
    z.backward()
    print(f"  dz/da = {a.grad:.6f}, dz/db = {b.grad:.6f}, dz/dc = {c.grad:.6f}")
    mg.explore(z, path)


def network(path: Path) -> None:
    """Record the loss of a 2-2-1 network on the four rows of XOR."""
    x = mg.Tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], name="x")
    model = Sequential(Dense(2, 2, activation=mg.tanh), Dense(2, 1))
    logits = model(x)
    loss = mg.binary_cross_entropy(logits, [[0.0], [1.0], [1.0], [0.0]])
    loss.backward()
    print(f"  loss {loss.item():.6f} over 4 rows, {len(model.named_parameters())} parameters")
    mg.explore(loss, path)


def five_steps(path: Path) -> None:
    """Record the loss of an RNN that reads five numbers and must repeat the last number. The
    gradient flows back through three steps.
    """
    x = mg.Tensor(mg.generator().normal(size=(2, 5, 1)).astype("float32"), name="x")
    model = Sequential(RNN(1, 3, truncate=3), Dense(3, 1))
    loss = mg.mean_squared_error(model(x), x.array[:, -1])
    loss.backward()
    print(f"  loss {loss.item():.6f}; the gradient goes back through the last 3 of 5 steps")
    mg.explore(loss, path)


def reviews(path: Path) -> None:
    """Record a training step of the sentiment model on 32 reviews of 40 words. The time steps are
    labelled with the words of the first review.
    """
    imdb = load_imdb()
    batch = imdb.train[np.flatnonzero(imdb.train.ids[:, 0])[:32]]  # reviews without padding
    model = Sequential(Embedding(10_000, 128), RNN(128, 32), Dense(32, 2))
    loss = mg.softmax_cross_entropy(model(batch.ids), batch.labels)
    loss.backward()
    print(f"  loss {loss.item():.6f} over {len(batch)} reviews of {batch.ids.shape[1]} words")
    mg.explore(loss, path, words=imdb.vocabulary.decode(batch.ids[0]).split())


PAGES = {"expression": expression, "network": network, "rnn": five_steps, "imdb": reviews}


def main() -> None:
    """Parse the options and make the pages."""
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/explore"), help="folder for the pages (%(default)s)"
    )
    parser.add_argument("--only", choices=PAGES, help="make only this page")
    parser.add_argument(
        "--seed", type=cli.integer(0), default=0, help="seed for the initial weights (%(default)s)"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        if options.only in (None, name):
            mg.seed(options.seed)
            path = options.out / f"{name}.html"
            print(f"{make.__doc__}")
            make(path)
            print(f"  {path}: {path.stat().st_size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main()
