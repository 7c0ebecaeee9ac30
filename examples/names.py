"""Train character models on first names, from counted pairs of letters to a GRU, and compare their
losses with makemore's.

    python examples/names.py                          train all rungs; the picture is runs/names/ladder.png
    python examples/names.py --rung mlp --rung gru    train only these rungs
    python examples/names.py --short                  a quick try with meaningless results

Each rung of this ladder predicts the next letter of a name. The loss is the mean cross entropy of a
letter in nats. The names are split as in Andrej Karpathy's lectures on makemore, so you can compare
the losses directly. docs/results.md lists the results and the sources of the published losses.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path
from typing import Any

import cli  # isort: skip  # import this first, because it checks that minigrad is installed

import numpy as np

import minigrad as mg
import optim
from layers import GRU, RNN, Dense, Embedding, Layer, OneHot, Sequential
from layers.init import normal
from minigrad.data import Batches, Characters, load_names, pad
from minigrad.errors import MinigradError
from minigrad.support.notebook import new_figure

LENGTH = 16  # the longest name has 15 letters, and then it ends
IGNORED = -100  # the label of padding
BATCH, WIDTH, HIDDEN = 32, 64, 128


class MLP(Layer):
    """Ids (B, T) -> logits (B, T, size) from the vectors of the last three ids.

    Source: Bengio et al., A neural probabilistic language model (2003).
    """

    def __init__(self, size: int, context: int = 3, width: int = 10, hidden: int = 200) -> None:
        self.context = context
        self.embedding = Embedding(size, width, init=normal(1.0))
        self.hidden = Dense(context * width, hidden, mg.tanh)
        self.head = Dense(hidden, size)

    def forward(self, ids: Any) -> mg.Tensor:
        padded = np.pad(ids, ((0, 0), (self.context - 1, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.context, axis=1)
        vectors = self.embedding(windows)  # (B, T, 3, 10)
        return self.head(self.hidden(vectors.reshape(*ids.shape, -1)))


def bigram(size: int) -> Layer:
    """The logits of the next id are the row of W that belongs to the current id."""
    return Sequential(OneHot(size), Dense(size, size, bias=False))


def recurrent(kind: Any, size: int) -> Layer:
    """A recurrent network: ids (B, T) -> logits (B, T, size)."""
    rnn = kind(WIDTH, HIDDEN, return_sequences=True)
    return Sequential(Embedding(size, WIDTH), rnn, Dense(HIDDEN, size))


# name: (function from the number of ids to a model, the validation loss that makemore publishes)
RUNGS: dict[str, tuple[Any, float | None]] = {
    "counts": (bigram, 2.454),
    "bigram": (bigram, 2.482),
    "mlp": (MLP, 2.103),
    "rnn": (lambda size: recurrent(RNN, size), None),
    "gru": (lambda size: recurrent(GRU, size), None),
    # the next rung is "transformer", with a published loss of 1.92
}


def split(names: list[str]) -> dict[str, list[str]]:
    """Shuffle and divide the names as makemore does: 80% to train on, 10% to validate, 10% to
    test.
    """
    names = names.copy()
    random.Random(42).shuffle(names)
    first, second = int(0.8 * len(names)), int(0.9 * len(names))
    return {
        "train": names[:first],
        "validation": names[first:second],
        "test": names[second:],
    }


def encode(names: list[str], characters: Characters) -> tuple[Any, Any]:
    """Return (inputs, labels), two arrays of ids (N, 16). Id 0 begins and ends each name.

    For "ava", the inputs are 0 a v a 0 ..., and the labels are a v a 0, followed by IGNORED.
    """
    rows = pad([characters.encode(name) for name in names], LENGTH, side="right")
    ends = (rows > 0).sum(axis=1, keepdims=True)
    labels = np.where(np.arange(LENGTH) <= ends, rows, IGNORED)
    return np.pad(rows[:, :-1], ((0, 0), (1, 0))), labels


def loss(logits: mg.Tensor, labels: Any, reduction: str = "mean") -> mg.Tensor:
    """Return the cross entropy of the letters, without the padding."""
    return mg.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), reduction=reduction
    )


def evaluate(model: Layer, inputs: Any, labels: Any) -> float:
    """Return the mean loss of a letter."""
    with model.evaluating(), mg.no_grad():
        total = sum(
            loss(model(inputs[at : at + 1000]), labels[at : at + 1000], "sum").item()
            for at in range(0, len(inputs), 1000)
        )
    return total / int((labels != IGNORED).sum())


def count(model: Any, inputs: Any, labels: Any) -> None:
    """Set the weights of `bigram` to ln(n + 1), where n counts each pair of ids."""
    counts = np.ones(model.dense.W.shape)
    real = labels != IGNORED
    np.add.at(counts, (inputs[real], labels[real]), 1)
    model.dense.W.array = np.log(counts).astype(np.float32)


def fit(model: Layer, inputs: Any, labels: Any, options: argparse.Namespace) -> None:
    """Train a model on random batches of names, as makemore does, with a falling learning rate."""
    rows = np.random.default_rng(options.seed).integers(len(inputs), size=options.steps * BATCH)
    batches = Batches(inputs[rows], labels[rows], batch_size=BATCH, shuffle=False)
    callbacks = [
        optim.ProgressBar("names"), optim.StopOnNonFinite(), optim.ClipGradients(1.0),
        optim.LearningRate(optim.CosineSchedule(options.steps)),
    ]  # fmt: skip
    optimizer = optim.Adam(model.named_parameters(), lr=options.lr)
    optim.Trainer(model, loss, optimizer, metrics={}, callbacks=callbacks, seed=options.seed).fit(
        batches, 1
    )


def sample(model: Layer, characters: Characters, known: set[str], seed: int) -> list[str]:
    """Return ten different names that the model generates and that are not `known`."""
    rng, new = np.random.default_rng(seed), dict[str, None]()
    while len(new) < 10:
        ids = np.zeros((10, 1), int)
        with model.evaluating(), mg.no_grad():
            for _ in range(LENGTH):
                logits = model(ids).array[:, -1]
                # with this noise, the largest score is a draw from softmax(logits)
                drawn = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
                ids = np.column_stack([ids, drawn])
        written = [characters.decode(row[1:]).partition("\ufffd")[0] for row in ids]
        new |= dict.fromkeys(name for name in written if name and name not in known)
    return list(new)[:10]


def main() -> int:
    options = parse()
    return cli.finish(lambda: climb(options), options.out)


def climb(options: argparse.Namespace) -> None:
    names = load_names()
    characters = Characters.build("".join(names))
    parts = split(names[:500] if options.short else names)
    data = {part: encode(some, characters) for part, some in parts.items()}
    results: dict[str, dict[str, float]] = {}
    for name in options.rung or RUNGS:
        start = time.perf_counter()
        mg.seed(options.seed)
        model = RUNGS[name][0](len(characters))
        size = sum(tensor.size for tensor in model.named_parameters().values())
        if name == "counts":
            count(model, *data["train"])
        else:
            fit(model, *data["train"], options)
        took = time.perf_counter() - start
        results[name] = {part: evaluate(model, *data[part]) for part in data}
        print(name, size, {k: round(v, 4) for k, v in results[name].items()}, f"{took:.0f} s", flush=True)
        print("  ", *sample(model, characters, set(parts["train"]), options.seed))


def parse() -> argparse.Namespace:
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("--rung", action="append", choices=RUNGS)
    add("--steps", type=cli.integer(1), default=10_000)
    add("--lr", type=cli.positive, default=5e-3)
    add("--seed", type=cli.integer(0), default=0)
    add("--short", action="store_true")
    add("--out", type=Path, default=Path("runs/names"))
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
