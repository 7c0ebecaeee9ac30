"""Train character models on first names, from counted pairs of letters to a transformer, and
compare their losses with makemore's.

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
from functools import partial
from pathlib import Path
from typing import Any

import cli  # isort: skip  # import this first, because it checks that minigrad is installed

import numpy as np

import minigrad as mg
import optim
from layers import (
    GRU,
    RNN,
    Dense,
    Embedding,
    Layer,
    LayerNorm,
    OneHot,
    PositionalEmbedding,
    Sequential,
    TransformerBlock,
)
from layers.init import normal
from minigrad.data import Batches, Characters, load_names, pad
from minigrad.errors import MinigradError
from minigrad.support.notebook import new_figure

LENGTH = 16  # the longest name has 15 letters, and one more label ends it
IGNORED = -100  # the label of padding
BATCH = 32


class MLP(Layer):
    """Ids (B, T) -> logits (B, T, size), each computed from the vectors of the last three ids.

    Source: Bengio et al., A neural probabilistic language model (2003).
    """

    def __init__(self, size: int) -> None:
        # with smaller vectors, the tanh would be almost linear at first, and learn slowly
        self.embedding = Embedding(size, 10, init=normal(1.0))
        self.hidden = Dense(3 * 10, 200, mg.tanh)
        self.head = Dense(200, size)

    def forward(self, ids: Any) -> mg.Tensor:
        earlier = np.pad(ids, ((0, 0), (2, 0)))  # two zeros before each name
        vectors = self.embedding(np.stack([earlier[:, :-2], earlier[:, 1:-1], ids], axis=2))
        return self.head(self.hidden(vectors.reshape(*ids.shape, -1)))  # type: ignore[no-any-return]


def bigram(size: int) -> Layer:
    """Ids (B, T) -> logits (B, T, size), where the logits after id i are row i of the weights."""
    return Sequential(OneHot(size), Dense(size, size, bias=False))


def recurrent(size: int, kind: Any = RNN) -> Layer:
    """Ids (B, T) -> logits (B, T, size), each computed from all ids so far."""
    return Sequential(Embedding(size, 64), kind(64, 128, return_sequences=True), Dense(128, size))


def transformer(size: int) -> Layer:
    """Ids (B, T) -> logits (B, T, size), each computed from all ids so far, for T up to LENGTH.

    The sizes are makemore's. makemore has no dropout, but trains on more names.
    """
    blocks = (TransformerBlock(64, heads=4, dropout=0.1) for _ in range(4))
    return Sequential(
        Embedding(size, 64, init=normal(0.05)), PositionalEmbedding(LENGTH, 64), *blocks, LayerNorm(64),
        Dense(64, size, bias=False),
    )  # fmt: skip


ADAM = partial(optim.Adam, lr=5e-3)
# as in makemore, with a higher learning rate and so fewer steps
ADAMW = partial(optim.AdamW, lr=2e-3, betas=(0.9, 0.99), weight_decay=0.01)
# A rung is a function from the number of distinct ids to a model (ids -> logits), its optimizer, and
# the loss that makemore publishes. To add a rung, add a line.
RUNGS: dict[str, tuple[Any, Any, float | None]] = {
    "counts": (bigram, None, 2.454),
    "bigram": (bigram, ADAM, 2.482),
    "mlp": (MLP, ADAM, 2.103),
    "rnn": (recurrent, ADAM, None),
    "gru": (partial(recurrent, kind=GRU), ADAM, None),
    "transformer": (transformer, ADAMW, 1.92),
}


def split(names: list[str], like_script: bool = False) -> dict[str, list[str]]:
    """Shuffle the names as makemore's lectures do, and keep 10% to validate and 10% to test. The
    script makemore.py keeps only 1,000 names, or 10% if that is less, for both.
    """
    names = names.copy()
    random.Random(42).shuffle(names)
    if like_script:
        cut = len(names) - min(1000, len(names) // 10)
        return {"train": names[:cut], "validation": names[cut:], "test": names[cut:]}
    first, second = len(names) * 8 // 10, len(names) * 9 // 10
    return {"train": names[:first], "validation": names[first:second], "test": names[second:]}


def encode(names: list[str], characters: Characters) -> tuple[Any, Any]:
    """Return (inputs, labels), two arrays of ids (N, 16). Id 0 begins and ends each name.

    For "ava", the inputs are 0 a v a 0 ..., and the labels are a v a 0, followed by IGNORED.
    """
    rows = pad([characters.encode(name) for name in names], LENGTH, side="right")
    ends = (rows > 0).sum(axis=1, keepdims=True)
    labels = np.where(np.arange(LENGTH) <= ends, rows, IGNORED)
    inputs = np.pad(rows[:, :-1], ((0, 0), (1, 0)))
    return inputs.astype(np.int8), labels.astype(np.int8)  # `fit` copies many rows


def loss(logits: mg.Tensor, labels: Any, reduction: str = "mean") -> mg.Tensor:
    """Return the cross entropy of the letters, without the padding."""
    scores = logits.reshape(-1, logits.shape[-1])
    return mg.cross_entropy(scores, labels.reshape(-1), reduction=reduction)


def evaluate(model: Layer, inputs: Any, labels: Any) -> float:
    """Return the mean loss of a letter."""
    with model.evaluating(), mg.no_grad():
        batches = Batches(inputs, labels, batch_size=1000, shuffle=False)
        total = sum(loss(model(x), y, "sum").item() for x, y in batches)
    return total / int((labels != IGNORED).sum())


def count(model: Any, inputs: Any, labels: Any) -> None:
    """Set the weights of `bigram` to ln(n + 1), where n counts each pair of ids."""
    counts = np.ones(model.dense.W.shape)
    real = labels != IGNORED
    np.add.at(counts, (inputs[real], labels[real]), 1)
    model.dense.W.array = np.log(counts).astype(np.float32)


def fit(model: Layer, inputs: Any, labels: Any, optimizer: Any, steps: int, seed: int) -> None:
    """Train a model on random batches of names, as makemore does, with a falling learning rate."""
    rows = np.random.default_rng(seed).integers(len(inputs), size=steps * BATCH)
    batches = Batches(inputs[rows], labels[rows], batch_size=BATCH, shuffle=False)
    callbacks = [
        optim.ProgressBar("names"), optim.StopOnNonFinite(), optim.ClipGradients(1.0),
        optim.LearningRate(optim.CosineSchedule(steps)),
    ]  # fmt: skip
    rule = optimizer(model.named_parameters())
    trainer = optim.Trainer(model, loss, rule, metrics={}, callbacks=callbacks, seed=seed)
    trainer.fit(batches, 1)


def sample(model: Layer, characters: Characters, known: set[str], seed: int) -> list[str]:
    """Return ten different names that the model generates and that are not in `known`.

    Every model uses the same random numbers, so you can see how a better model changes a name.
    """
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
    """Train the rungs that the options name. Returns the exit code."""
    options = parse()
    return cli.finish(lambda: climb(options), options.out)


def climb(options: argparse.Namespace) -> None:
    """Train and compare the rungs. After Ctrl-C, compare the rungs that are complete."""
    names = load_names()[: 500 if options.short else None]
    steps = 20 if options.short else options.steps
    characters = Characters.build("".join(names))
    parts = split(names, options.like_script)
    data = {part: encode(some, characters) for part, some in parts.items()}
    results: dict[str, list[float]] = {}
    try:
        for rung in options.rung or RUNGS:
            mg.seed(options.seed)
            build, optimizer, _ = RUNGS[rung]
            model = build(len(characters))
            print(f"\n{rung}: {model}\n", flush=True)
            if rung == "counts":
                count(model, *data["train"])
            else:
                fit(model, *data["train"], optimizer, steps, options.seed)
            results[rung] = [evaluate(model, *data[part]) for part in parts]
            new = sample(model, characters, set(parts["train"]), options.seed)
            print(f"validation loss {results[rung][1]:.3f}; new names: {', '.join(new)}")
    finally:
        if results:
            report(results, options.out)


def report(results: dict[str, list[float]], out: Path) -> None:
    """Print the losses, and draw the validation losses beside the published ones."""
    print("\n| rung        | train  | validation | test   | published |")
    print("|-------------|-------:|-----------:|-------:|----------:|")
    for rung, (train, validation, test) in results.items():
        known = RUNGS[rung][2] or "-"
        print(f"| {rung:11} | {train:.4f} | {validation:10.4f} | {test:.4f} | {known:>9} |")
    try:
        figure = new_figure("the ladder", 8, 4)
    except MinigradError as error:
        print(f"\nThe ladder was not drawn: {error}")
        return
    panel = figure.subplots()
    rungs, measured = list(results), [losses[1] for losses in results.values()]
    panel.plot(rungs, measured, "o-", label="measured")
    panel.plot(rungs, [RUNGS[rung][2] for rung in rungs], "D", label="published by makemore")
    panel.set_ylabel("validation loss (nats per letter)")
    panel.legend()
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "ladder.png", dpi=120)
    print(f"\n{out / 'ladder.png'}")


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add(
        "--rung",
        action="append",
        choices=RUNGS,
        help="train this rung; repeat the option for several (all)",
    )
    add(
        "--steps",
        type=cli.integer(1),
        default=10_000,
        metavar="N",
        help="updates of each network (10000)",
    )
    add(
        "--seed",
        type=cli.integer(0),
        default=0,
        metavar="N",
        help="seed for initial weights, batches and new names (0)",
    )
    add(
        "--like-script",
        action="store_true",
        help="keep only 1000 names to test, as the script makemore.py does",
    )
    add("--short", action="store_true", help="use only 500 names and 20 steps")
    add(
        "--out",
        type=Path,
        default=Path("runs/names"),
        metavar="FOLDER",
        help="folder for the picture (runs/names)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
