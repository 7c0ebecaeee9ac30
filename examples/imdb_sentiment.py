"""Trains a recurrent network to tell good movie reviews from bad ones by their last forty words.

    python examples/imdb_sentiment.py                    train on the bundled reviews; results in runs/rnn
    python examples/imdb_sentiment.py --truncate 10      gradients go back through the last 10 words alone
    python examples/imdb_sentiment.py --unrolled         gate by gate: slower, and a broken gate shows
    python examples/imdb_sentiment.py --predict "What a waste of a good cast." --from runs/rnn
    python examples/imdb_sentiment.py --resume runs/rnn  go on with an interrupted run
    mpiexec -n 2 python -m mpi4py examples/imdb_sentiment.py --parallel     on two processes (docs/parallel.md)

Test accuracy at the best epoch, three seeds: RNN .79, GRU .80, LSTM .80, as with Keras
(docs/results.md, 1a).
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

import cli  # first: it says so if minigrad is not installed
import minigrad as mg
import optim
from attribution import judge, logits, surest
from layers import GRU, LSTM, RNN, Dense, Embedding, Layer
from minigrad.data import IMDB, Batches, Vocabulary, load_imdb
from minigrad.errors import MinigradError

WORDS = 40
# options that may change when a run is resumed
FREE = ("epochs", "out", "resume", "predict", "source", "parallel")
LAYERS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


class Sentiment(Layer):
    """Word ids (B, 40) to logits (B,): a review is positive with probability σ(logit) = 1 / (1 +
    e^-logit).
    """

    def __init__(
        self, kind: str, vocabulary: int, truncate: int | None = None, unrolled: bool = False
    ) -> None:
        super().__init__()
        self.embedding = Embedding(vocabulary, 128)
        self.rnn = LAYERS[kind](128, 32, truncate=truncate, fused=False if unrolled else None)
        self.head = Dense(32, 1)

    def forward(self, ids: Any) -> mg.Tensor:
        vectors = self.embedding(ids)  # (B, 40, 128): a vector for each word
        # (B, 32): the last of forty h_t = tanh(x_t W_xh + h_(t-1) W_hh + b_h)
        state = self.rnn(vectors)
        return self.head(state).reshape(-1)  # type: ignore[no-any-return]


def train(options: argparse.Namespace) -> None:
    """Train a model, test its best epoch, and write everything into the results folder."""
    comm = cli.world() if options.parallel else None
    imdb = load(options)
    rest, held = imdb.train.hold_back(max(1, len(imdb.train) // 10), options.seed)
    mg.seed(options.seed)
    model = Sentiment(options.model, len(imdb.vocabulary), options.truncate, options.unrolled)
    best, callbacks = prepare(options, imdb.vocabulary)
    print(f"{len(rest):,} to learn from, {len(held):,} held back to choose the best epoch on, "
          f"{len(imdb.test):,} to test at the end.\n\n{model}\n\n{way(options)}\n")  # fmt: skip

    # For each batch: loss = binary_cross_entropy(model(ids), labels); loss.backward();
    # optimizer.step().
    optimizer = optim.Adam(model.named_parameters(), lr=options.lr)
    config = {name: value for name, value in vars(options).items() if name not in FREE}
    trainer = optim.Trainer(
        model,
        mg.binary_cross_entropy,
        optimizer,
        callbacks=callbacks,
        seed=options.seed,
        config=config,
        comm=comm,
    )
    batches = Batches(rest.ids, rest.labels, batch_size=options.batch_size)
    validation = Batches(held.ids, held.labels, batch_size=500, shuffle=False)
    snapshot = (
        None if options.resume is None else optim.Snapshots.latest(folder(options) / "snapshots")
    )
    history = trainer.fit(batches, options.epochs, validation, resume=snapshot)
    if not trainer.rank:
        report(model, imdb, history, best, folder(options))


def way(options: argparse.Namespace) -> str:
    """How gradients will be computed, in words."""
    way = f"by one fused gate for all {WORDS} steps of the {options.model.upper()} (--unrolled: gate by gate)"
    if options.unrolled:
        way = "gate by gate, step by step"
    if options.truncate:
        way += f", back through the last {options.truncate} words alone"
    return f"Gradients are computed {way}."


def load(options: argparse.Namespace) -> IMDB:
    """The reviews: all of them, or the first `--limit` of each split."""
    print(f"Reading the reviews ({options.data}): ", end="", flush=True)
    imdb = load_imdb(options.data, length=WORDS, data_dir=options.data_dir)
    return IMDB(imdb.train[: options.limit], imdb.test[: options.limit], imdb.vocabulary)


def prepare(
    options: argparse.Namespace, vocabulary: Vocabulary
) -> tuple[optim.BestWeights, list[optim.Callback]]:
    """The results folder with the vocabulary in it, and what acts during the run. A new run
    replaces an old one.
    """
    out = folder(options)
    out.mkdir(parents=True, exist_ok=True)
    vocabulary.save(out / "vocabulary.txt")
    callbacks = [optim.ProgressBar("reviews"), optim.EpochReport(), optim.StopOnNonFinite()]
    if options.resume is None:
        for old in [*(out / "snapshots").glob("step-*.safetensors"), out / "weights.safetensors"]:
            old.unlink(missing_ok=True)
        callbacks.append(optim.GraphPicture(out / "graph.png", grads=True))  # of the first step
    best = optim.BestWeights(out / "weights.safetensors", monitor="validation_accuracy")
    return best, [
        *callbacks,
        optim.LogFile(out / "history.csv"),
        best,
        optim.Snapshots(out / "snapshots"),
    ]


def report(
    model: Sentiment, imdb: IMDB, history: optim.History, best: optim.BestWeights, out: Path
) -> None:
    """Print how good the best epoch is on the test reviews, and what to do next."""
    last = history.rows[-1]
    print(
        f"\nEpoch {best.epoch} was the best on the held-back reviews: {best.value:.4f}. Its "
        "weights are saved."
    )
    if last["train_loss"] > 0.6931:
        print(
            "The loss is above ln 2 = 0.693, a coin's: the network has learned nothing. Try a "
            "lower --lr."
        )
    elif last["validation_accuracy"] < best.value:
        print(
            "After that it learned its own reviews by heart and judged others worse: it overfitted."
        )
    scores = logits(model, imdb.test.ids)
    accuracy = ((scores > 0) == imdb.test.labels).mean()
    loss = mg.binary_cross_entropy(mg.Tensor(scores), imdb.test.labels).item()
    print(
        f"Test accuracy {accuracy:.4f}, loss {loss:.4f}, on {len(scores):,} reviews that it has "
        "never seen"
    )
    print(surest(imdb.test, scores, imdb.vocabulary))
    try:
        history.plot(out / "learning_curves.png")
    except MinigradError as error:
        print(f"\nNo picture of the learning curves: {error}")
    print(
        f"\nIn {out}: "
        + ", ".join(sorted(path.name for path in out.iterdir() if not path.name.startswith(".")))
    )
    print(
        f'Ask it yourself:  {cli.command()} --predict "What a waste of a good cast." --from '
        f"{shlex.quote(str(out))}"
    )
    print("With counts of words, pairs and triples as further inputs the same network reaches .83:")
    print(
        "                  "
        f"{cli.command(str(Path(sys.argv[0]).parent / 'reference' / 'recipe.py'))}"
    )


def predict(options: argparse.Namespace) -> None:
    """Print how likely the text is to be a good review, and which words made the model think so."""
    out = folder(options)
    if not (out / "weights.safetensors").exists():
        raise OSError(
            f"no trained model in {out}. Train one: {cli.command()} --out {shlex.quote(str(out))}"
        )
    checkpoint = mg.load(out / "weights.safetensors")
    vocabulary = Vocabulary.load(out / "vocabulary.txt")
    model = Sentiment(checkpoint.info["config"]["model"], len(vocabulary))
    model.load_state_dict(checkpoint)
    print(judge(model, vocabulary, options.predict, WORDS))


def folder(options: argparse.Namespace) -> Path:
    """The results folder."""
    given = options.resume if options.predict is None else options.source
    return Path(given or options.out or f"runs/{options.model}")


def main() -> int:
    """Do what the command line says."""
    options = parse()
    act = train if options.predict is None else predict
    return cli.finish(lambda: act(options), folder(options), options.epochs)


# ---- the command line ----


def parse() -> argparse.Namespace:
    """The options; those of a run that is resumed are the ones it was started with, overridden by
    those given now.
    """
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("--model", choices=LAYERS, default="rnn", help="the recurrent layer (rnn)")
    add(
        "--truncate",
        type=cli.whole(1),
        metavar="K",
        help="gradients go back through the last K words alone",
    )
    add(
        "--unrolled",
        action="store_true",
        help="record every gate of every step, instead of one fused gate",
    )
    add("--epochs", type=cli.whole(1), default=3, metavar="N", help="passes over the reviews (3)")
    add(
        "--batch-size", type=cli.whole(1), default=32, metavar="N", help="reviews in each step (32)"
    )
    add(
        "--lr", type=cli.positive, default=1e-3, metavar="RATE", help="Adam's learning rate (0.001)"
    )
    add(
        "--seed", type=cli.whole(0), default=0, metavar="N", help="seed for every random choice (0)"
    )
    add("--data", choices=("bundled", "tfds"), default="bundled",
        help="the reviews that come with minigrad, or tensorflow-datasets' (bundled)")  # fmt: skip
    add(
        "--data-dir",
        metavar="FOLDER",
        help="where tensorflow-datasets stores them, for --data tfds",
    )
    add(
        "--limit", type=cli.whole(2), metavar="N", help="use only the first N reviews of each split"
    )
    add("--out", metavar="FOLDER", help="where the results go (runs/MODEL)")
    add("--resume", nargs="?", const="", metavar="FOLDER",
        help="go on with the run there (or in --out), with the options it was started with")  # fmt: skip
    add(
        "--parallel",
        action="store_true",
        help="train on all processes that mpiexec started (docs/parallel.md)",
    )
    add(
        "--predict",
        metavar="TEXT",
        help="instead of training, judge this text with a trained model",
    )
    add(
        "--from",
        dest="source",
        metavar="FOLDER",
        help="the results folder for --predict (runs/rnn)",
    )
    options = parser.parse_args()
    if cli.launched() > 1 and not options.parallel:
        parser.error(
            f"mpiexec started {cli.launched()} of these, each to train a model of its "
            "own: add --parallel"
        )
    if options.resume is not None and options.predict is None:
        options = cli.resumed(parser, folder(options))
    return options


if __name__ == "__main__":
    raise SystemExit(main())
