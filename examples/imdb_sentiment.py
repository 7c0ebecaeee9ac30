"""Train a recurrent network to tell good movie reviews from bad ones by their last forty words.

    python examples/imdb_sentiment.py                    train on the bundled reviews; results in runs/rnn
    python examples/imdb_sentiment.py --truncate 10      gradients flow back only through the last 10 words
    python examples/imdb_sentiment.py --unrolled         record every gate: slower, but edits to gates take effect
    python examples/imdb_sentiment.py --predict "What a waste of a good cast." --from runs/rnn
    python examples/imdb_sentiment.py --resume runs/rnn  resume an interrupted run
    mpiexec -n 2 python -m mpi4py examples/imdb_sentiment.py --parallel     on two processes (docs/parallel.md)

Over three seeds, the mean test accuracy at the best epoch is .79 for the RNN, .80 for the GRU and
.80 for the LSTM. Keras reaches about the same accuracies (docs/results.md, 1a).
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

import cli  # import this first, because it checks that minigrad is installed
import minigrad as mg
import optim
from attribution import explain, logits, most_confident
from layers import GRU, LSTM, RNN, Dense, Embedding, Layer
from minigrad.data import IMDB, Batches, Vocabulary, load_imdb
from minigrad.errors import MinigradError

WORDS = 40
# the options that may change when a run is resumed
FREE = ("epochs", "out", "resume", "predict", "source", "parallel")
LAYERS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


class Sentiment(Layer):
    """Word ids (B, 40) -> logits (B,). A review is positive with probability σ(logit) = 1 / (1 +
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
        vectors = self.embedding(ids)  # (B, 40, 128), a vector for each word
        # (B, 32), the last of forty states h_t = tanh(x_t W_xh + h_(t-1) W_hh + b_h)
        state = self.rnn(vectors)
        return self.head(state).reshape(-1)  # type: ignore[no-any-return]


def train(options: argparse.Namespace) -> None:
    """Train a model, test its best epoch, and write all files to the results folder."""
    comm = cli.world() if options.parallel else None
    imdb = load(options)
    training, held_out = imdb.train.hold_back(max(1, len(imdb.train) // 10), options.seed)
    mg.seed(options.seed)
    model = Sentiment(options.model, len(imdb.vocabulary), options.truncate, options.unrolled)
    best, callbacks = prepare(options, imdb.vocabulary)
    print(f"{len(training):,} to train on, {len(held_out):,} held out to choose the best epoch, "
          f"{len(imdb.test):,} to test at the end.\n\n{model}\n\n{gradient_mode(options)}\n")  # fmt: skip

    # For each batch, the Trainer runs loss = binary_cross_entropy(model(ids), labels);
    # loss.backward(); optimizer.step()
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
    batches = Batches(training.ids, training.labels, batch_size=options.batch_size)
    validation = Batches(held_out.ids, held_out.labels, batch_size=500, shuffle=False)
    snapshot = (
        None if options.resume is None else optim.Snapshots.latest(folder(options) / "snapshots")
    )
    history = trainer.fit(batches, options.epochs, validation, resume=snapshot)
    if not trainer.rank:
        report(model, imdb, history, best, folder(options))


def gradient_mode(options: argparse.Namespace) -> str:
    """Describe in one sentence how the gradients are computed."""
    mode = f"by one fused gate for all {WORDS} steps of the {options.model.upper()} (with --unrolled, gate by gate)"
    if options.unrolled:
        mode = "gate by gate, step by step"
    if options.truncate:
        mode += f", and flow back through only the last {options.truncate} words"
    return f"Gradients are computed {mode}."


def load(options: argparse.Namespace) -> IMDB:
    """Load all reviews, or the first `--limit` reviews of each split."""
    print(f"Reading the reviews ({options.data}): ", end="", flush=True)
    imdb = load_imdb(options.data, length=WORDS, data_dir=options.data_dir)
    return IMDB(imdb.train[: options.limit], imdb.test[: options.limit], imdb.vocabulary)


def prepare(
    options: argparse.Namespace, vocabulary: Vocabulary
) -> tuple[optim.BestWeights, list[optim.Callback]]:
    """Prepare the results folder, save the vocabulary, and create the callbacks. A new run deletes
    the files of an earlier run.
    """
    out = folder(options)
    out.mkdir(parents=True, exist_ok=True)
    vocabulary.save(out / "vocabulary.txt")
    callbacks = [optim.ProgressBar("reviews"), optim.EpochReport(), optim.StopOnNonFinite()]
    if options.resume is None:
        for old in [*(out / "snapshots").glob("step-*.safetensors"), out / "weights.safetensors"]:
            old.unlink(missing_ok=True)
        callbacks.append(optim.GraphPicture(out / "graph.png", grads=True))  # of step 1
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
    """Print the test results of the best epoch, and suggest what to do next."""
    last = history.rows[-1]
    print(
        f"\nEpoch {best.epoch} had the best accuracy on the held-out reviews: {best.value:.4f}. Its "
        "weights are saved."
    )
    if last["train_loss"] > 0.6931:
        print(
            "The loss is above ln 2 = 0.693, the loss of guessing: the network has learned nothing. "
            "Try a lower --lr."
        )
    elif last["validation_accuracy"] < best.value:
        print("After that epoch, accuracy on the held-out reviews fell: the network overfitted.")
    scores = logits(model, imdb.test.ids)
    accuracy = ((scores > 0) == imdb.test.labels).mean()
    loss = mg.binary_cross_entropy(mg.Tensor(scores), imdb.test.labels).item()
    print(
        f"Test accuracy {accuracy:.4f}, loss {loss:.4f}, on {len(scores):,} reviews that were not "
        "used for training"
    )
    print(most_confident(imdb.test, scores, imdb.vocabulary))
    try:
        history.plot(out / "learning_curves.png")
    except MinigradError as error:
        print(f"\nThe learning curves were not drawn: {error}")
    print(
        f"\nFiles in {out}: "
        + ", ".join(sorted(path.name for path in out.iterdir() if not path.name.startswith(".")))
    )
    print(
        f'Try it on your own text:  {cli.command()} --predict "What a waste of a good cast." --from '
        f"{shlex.quote(str(out))}"
    )
    print("With counts of words, pairs and triples as additional inputs, this network reaches .83:")
    print(f"  {cli.command(str(Path(sys.argv[0]).parent / 'reference' / 'recipe.py'))}")


def predict(options: argparse.Namespace) -> None:
    """Print a text's predicted sentiment and the words that influenced the prediction most."""
    out = folder(options)
    if not (out / "weights.safetensors").exists():
        raise OSError(
            f"there is no trained model in {out}. Train one: {cli.command()} --out {shlex.quote(str(out))}"
        )
    checkpoint = mg.load(out / "weights.safetensors")
    vocabulary = Vocabulary.load(out / "vocabulary.txt")
    model = Sentiment(checkpoint.info["config"]["model"], len(vocabulary))
    model.load_state_dict(checkpoint)
    print(explain(model, vocabulary, options.predict, WORDS))


def folder(options: argparse.Namespace) -> Path:
    """Return the results folder."""
    path = options.resume if options.predict is None else options.source
    return Path(path or options.out or f"runs/{options.model}")


def main() -> int:
    """Train a model, or predict with a trained model. Returns the exit code."""
    options = parse()
    action = train if options.predict is None else predict
    return cli.finish(lambda: action(options), folder(options), options.epochs)


# ---- the command line ----


def parse() -> argparse.Namespace:
    """Parse the command line. A resumed run keeps its original options unless the command line
    overrides them.
    """
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("--model", choices=LAYERS, default="rnn", help="the recurrent layer (rnn)")
    add(
        "--truncate",
        type=cli.integer(1),
        metavar="K",
        help="propagate gradients back through only the last K words",
    )
    add(
        "--unrolled",
        action="store_true",
        help="record every gate of every step, instead of one fused gate",
    )
    add("--epochs", type=cli.integer(1), default=3, metavar="N", help="passes over the reviews (3)")
    add(
        "--batch-size",
        type=cli.integer(1),
        default=32,
        metavar="N",
        help="reviews in each step (32)",
    )
    add(
        "--lr", type=cli.positive, default=1e-3, metavar="RATE", help="Adam's learning rate (0.001)"
    )
    add(
        "--seed",
        type=cli.integer(0),
        default=0,
        metavar="N",
        help="seed for every random choice (0)",
    )
    add("--data", choices=("bundled", "tfds"), default="bundled",
        help="use the bundled reviews, or the reviews from tensorflow-datasets (bundled)")  # fmt: skip
    add(
        "--data-dir",
        metavar="FOLDER",
        help="data folder of tensorflow-datasets, for --data tfds",
    )
    add(
        "--limit",
        type=cli.integer(2),
        metavar="N",
        help="use only the first N reviews of each split",
    )
    add("--out", metavar="FOLDER", help="folder for the results (runs/MODEL)")
    add("--resume", nargs="?", const="", metavar="FOLDER",
        help="resume the run in FOLDER (or in --out), with its original options")  # fmt: skip
    add(
        "--parallel",
        action="store_true",
        help="train on all processes that mpiexec started (docs/parallel.md)",
    )
    add(
        "--predict",
        metavar="TEXT",
        help="do not train; classify this text with a trained model",
    )
    add(
        "--from",
        dest="source",
        metavar="FOLDER",
        help="the results folder for --predict (runs/rnn)",
    )
    options = parser.parse_args()
    if cli.process_count() > 1 and not options.parallel:
        parser.error(
            f"mpiexec started {cli.process_count()} processes, and each would train its own "
            "model: add --parallel"
        )
    if options.resume is not None and options.predict is None:
        options = cli.resumed(parser, folder(options))
    return options


if __name__ == "__main__":
    raise SystemExit(main())
