"""Teaches a recurrent network to tell good movie reviews from bad ones by their last forty words.

    python examples/imdb_sentiment.py                       train on the bundled reviews, results in runs/rnn
    python examples/imdb_sentiment.py --model lstm          with another recurrent layer
    python examples/imdb_sentiment.py --predict "What a waste of a good cast." --from runs/rnn
    python examples/imdb_sentiment.py --resume runs/rnn     resume an interrupted run

It prints a line for each epoch, then the accuracy on 25,000 reviews that it has never seen, and the reviews that it was
surest of. The results folder holds the weights, the history as CSV, the learning curves, and the graph that one
training step recorded.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

# The matrices are small: with a thread for each core, BLAS would spend more time waiting than multiplying.
os.environ.setdefault("OMP_NUM_THREADS", "1")

try:
    import minigrad as mg
except ModuleNotFoundError as error:
    root = Path(__file__).resolve().parents[1]
    print(f"{error}. In the folder {root} type:  make demo\nor, for the Python that you use now:", file=sys.stderr)
    print(f"  {sys.executable} -m pip install -e '{root}[plot]'", file=sys.stderr)
    raise SystemExit(2) from None

import numpy as np

import optim
from minigrad.data import IMDB, Batches, Vocabulary, load_imdb
from minigrad.errors import MinigradError
from optim import Run
from polarity import Polarity
from sentiment_model import KINDS, WORDS, Sentiment, logits, probability, show_words, surest, weigh_words

# Each with its usual learning rate, which --lr overrides.
OPTIMIZERS: dict[str, tuple[float, Any]] = {
    "adam": (2e-3, optim.Adam),
    "adamw": (1e-3, optim.AdamW),
    "rmsprop": (1e-3, optim.RMSprop),
    "adagrad": (3e-2, optim.Adagrad),
    "sgd": (3e-2, lambda parameters, lr: optim.SGD(parameters, lr=lr, momentum=0.9)),
}
HELD_BACK = 0.1  # the share of the training reviews on which the best epoch is chosen


def main() -> int:
    """Do what the command line says. A user's mistake ends in a message instead of a traceback, and exit code 2."""
    parser = argument_parser()
    arguments = parser.parse_args()
    try:
        if arguments.predict is not None:
            predict(arguments)
            return 0
        if arguments.resume is not None:
            arguments = options_of_run(parser, arguments)
        train(arguments)
    except (MinigradError, OSError) as error:
        print(f"\nimdb_sentiment.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped by Ctrl-C.", file=sys.stderr)
        return 130
    return 0


# ---- training ----


def train(arguments: argparse.Namespace) -> None:
    """Train the model, test its best epoch, and write everything into the results folder."""
    out = Path(arguments.out or f"runs/{arguments.model}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot write results into {out}: {error.strerror}. Choose another folder with --out") from error
    snapshots = KeepSnapshots(out / "snapshots", arguments)
    resume = snapshots.begin(arguments.resume is not None)

    imdb = load(arguments)
    rest, held = imdb.train.hold_back(max(1, round(HELD_BACK * len(imdb.train))), seed=arguments.seed)
    # How positive each word, pair and triple is in the training reviews; see polarity.py.
    polarity, own_polarity = Polarity.count(rest.ids, rest.labels, seed=arguments.seed)
    mg.seed(arguments.seed)
    model = Sentiment(arguments.model, len(imdb.vocabulary), arguments.truncate)
    usual_lr, make = OPTIMIZERS[arguments.optimizer]
    optimizer: optim.Optimizer = make(model.named_parameters(), lr=arguments.lr or usual_lr)
    imdb.vocabulary.save(out / "vocabulary.txt")
    mg.save(out / "polarity.safetensors", polarity.arrays())

    print(f"{len(rest):,} reviews to learn from, {len(held):,} held back to choose the best epoch on, "
          f"{len(imdb.test):,} to test at the end")  # fmt: skip
    print(f"each review: its last {WORDS} words, as ids of a vocabulary of {len(imdb.vocabulary):,}\n\n{model}\n")
    print(f"{type(optimizer).__name__}, learning rate {optimizer.groups[0].lr:g}, batches of {arguments.batch_size}, "
          f"seed {arguments.seed}; results in {out}\n")  # fmt: skip
    if resume is None:
        draw_one_step(model, rest.ids[:32], own_polarity[:32], rest.labels[:32], out / "graph.png")

    best = optim.BestSnapshot(out / "weights.safetensors", monitor="validation_accuracy")
    log = optim.LogFile(out / "history.csv")
    callbacks = [optim.ProgressBar("reviews"), optim.EpochReport(), optim.StopOnNonFinite(), best, log, snapshots]
    trainer = optim.Trainer(
        model, mg.binary_cross_entropy, optimizer, callbacks=callbacks, seed=arguments.seed, config=config(arguments)
    )
    batches = Batches(rest.ids, own_polarity, rest.labels, batch_size=arguments.batch_size)
    validation = Batches(held.ids, polarity(held.ids), held.labels, batch_size=500, shuffle=False)
    history = trainer.fit(batches, arguments.epochs, validation, resume=resume)

    report(model, polarity, imdb, best)
    draw_curves(history, out / "learning_curves.png")
    print(f"\nIn {out}: " + ", ".join(sorted(path.name for path in out.iterdir() if not path.name.startswith("."))))
    print(f'Ask it yourself: python {own_path()} --predict "What a waste of a good cast." --from {out}')


def load(arguments: argparse.Namespace) -> IMDB:
    """The reviews: all of them, or the first `--limit` of each split."""
    print(f"Reading the reviews ({arguments.data}) ...", flush=True)
    folder = {"data_dir": arguments.data_dir} if arguments.data_dir else {}
    imdb = load_imdb(arguments.data, length=WORDS, **folder)
    if arguments.limit is None:
        return imdb
    return IMDB(imdb.train[: arguments.limit], imdb.test[: arguments.limit], imdb.vocabulary)


def report(model: Sentiment, polarity: Polarity, imdb: IMDB, best: optim.BestSnapshot) -> None:
    """Print the best epoch's figures on the test reviews, and the reviews it was surest of."""
    scores = logits(model, polarity, imdb.test.ids)
    loss = mg.binary_cross_entropy(mg.Tensor(scores), imdb.test.labels).item()
    accuracy = np.mean((scores > 0) == (imdb.test.labels == 1))
    print(f"\nBest on the held-back reviews: epoch {best.epoch} (accuracy {best.value:.4f}). Its weights are saved.")
    print(f"Test accuracy {accuracy:.4f}, loss {loss:.4f}, on {len(scores):,} reviews that it has never seen")
    print(surest(imdb.test, scores, imdb.vocabulary))


def draw_one_step(model: Sentiment, ids: Any, polarity: Any, labels: Any, path: Path) -> None:
    """The graph that one step records, with its gradients, as a picture."""
    output = model(mg.Tensor(ids, name="ids"), mg.Tensor(polarity, name="polarity"))
    loss = mg.binary_cross_entropy(output, mg.Tensor(labels, name="labels"))
    loss.backward()
    try:
        mg.draw(loss, path, grads=True)
    except MinigradError as error:  # without Graphviz only the picture is missing
        print(f"No picture of the graph: {error}\n")
    for parameter in model.named_parameters().values():
        parameter.grad = None


def draw_curves(history: Any, path: Path) -> None:
    """The learning curves, if Matplotlib is installed."""
    try:
        history.plot(path)
    except MinigradError as error:
        print(f"\nNo picture of the learning curves: {error}")


class KeepSnapshots(optim.Snapshots):
    """Saves the run's state after each epoch and at Ctrl-C, and prints the command that resumes it."""

    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        super().__init__(folder)
        self.epochs = arguments.epochs

    def begin(self, resuming: bool) -> Path | None:
        """The snapshot to resume from; or None for a new run, after deleting what an earlier one left."""
        if resuming:
            return self.latest(self.folder)
        for old in [*self.folder.glob("step-*.safetensors"), self.folder.parent / "weights.safetensors"]:
            old.unlink(missing_ok=True)
        return None

    def on_end(self, trainer: Run) -> None:
        if trainer.stop_reason != "Ctrl-C":
            return
        out = self.folder.parent
        print(f"\nStopped in epoch {trainer.epoch + 1} of {self.epochs}, after step {trainer.step:,}.")
        if trainer.epoch:
            print(f"The weights of the best epoch so far are in {out / 'weights.safetensors'}.")
        print(f"To go on:  python {own_path()} --resume {shlex.quote(os.fspath(out))} --epochs {self.epochs}")


def options_of_run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> argparse.Namespace:
    """The options that the run in `--resume` was started with, overridden by those given now."""
    folder = Path(arguments.resume or arguments.out or f"runs/{arguments.model}")
    newest = optim.Snapshots.latest(folder / "snapshots")
    if newest is None:
        parser.error(f"there is nothing to resume in {folder}: it holds no snapshot (snapshots/step-*.safetensors)")
    parser.set_defaults(**mg.load(newest).info["config"])
    arguments = parser.parse_args()
    arguments.out = folder
    return arguments


def config(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that a run depends on; a resumed run must have the same."""
    names = "model", "data", "data_dir", "batch_size", "optimizer", "lr", "truncate", "limit", "seed"
    return {name: getattr(arguments, name) for name in names}


# ---- asking a trained model ----


def predict(arguments: argparse.Namespace) -> None:
    """Print how likely the text is to be a good review, and which words made the model think so."""
    folder = Path(arguments.source or arguments.out or f"runs/{arguments.model}")
    if not (folder / "weights.safetensors").exists():
        raise FileNotFoundError(
            f"there is no trained model in {folder}.\nTrain one first:  python {own_path()} --out {folder}"
        )
    checkpoint = mg.load(folder / "weights.safetensors")
    vocabulary = Vocabulary.load(folder / "vocabulary.txt")
    polarity = Polarity.of(mg.load(folder / "polarity.safetensors"))
    model = Sentiment(checkpoint.info["config"]["model"], len(vocabulary))
    model.load_state_dict(checkpoint)
    logit, words = weigh_words(model, polarity, vocabulary, arguments.predict)
    known = [(word, part) for word, part in words if word in vocabulary]
    if not known:
        raise OSError(f"none of the words of {arguments.predict!r} is in the vocabulary of {len(vocabulary):,}")
    if len(vocabulary.encode(arguments.predict)) > WORDS:
        print(f"(a long text: the model reads its last {WORDS} words)")
    likely = probability(logit)
    print(f"{likely:.1%} positive: {'a good review' if likely > 0.5 else 'a bad review'}")
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print("\nThe words that mattered (good above 0, bad below):\n")
    print(show_words(known, colour))


# ---- the command line ----


def argument_parser() -> argparse.ArgumentParser:
    """All options, with their defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", choices=KINDS, default="rnn", help="the recurrent layer (rnn; gru and lstm do a little better)"
    )
    parser.add_argument("--data", choices=("bundled", "tfds"), default="bundled",
                        help="the reviews that come with minigrad, or tensorflow-datasets' (bundled)")  # fmt: skip
    parser.add_argument("--data-dir", metavar="FOLDER", help="where tensorflow-datasets stores them, for --data tfds")
    parser.add_argument("--epochs", type=count, default=3, metavar="N", help="passes over the reviews (3)")
    parser.add_argument("--batch-size", type=count, default=128, metavar="N", help="reviews in each step (128)")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam", help="the update rule (adam)")
    parser.add_argument("--lr", type=rate, metavar="RATE", help="learning rate (the optimizer's usual: 0.002 for adam)")
    parser.add_argument("--truncate", type=count, metavar="K", help="gradients go back through the last K words only")
    parser.add_argument("--limit", type=count, metavar="N", help="use only the first N reviews of each split")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="seed for every random choice (0)")
    parser.add_argument("--out", metavar="FOLDER", help="where the results go (runs/MODEL)")
    parser.add_argument("--resume", nargs="?", const="", metavar="FOLDER",
                        help="resume the run there (or in --out), with the options it was started with")  # fmt: skip
    parser.add_argument("--predict", metavar="TEXT", help="instead of training, judge this text with a trained model")
    parser.add_argument("--from", dest="source", metavar="FOLDER", help="the results folder for --predict (runs/rnn)")
    return parser


def count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def natural(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def rate(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, such as 0.001")
    return value


def own_path() -> str:
    """This script's path, as it was called."""
    return shlex.quote(sys.argv[0])


if __name__ == "__main__":
    raise SystemExit(main())
