"""Train a character model on movie reviews and generate new reviews with it.

    python examples/write_reviews.py                          on the bundled reviews; results in runs/writer
    python examples/write_reviews.py --data tfds              on whole reviews, through tensorflow-datasets
    python examples/write_reviews.py --data letters.txt       on any text
    python examples/write_reviews.py --prompt "The film" --from runs/writer        continue a text
    python examples/write_reviews.py --resume runs/writer     resume an interrupted run

The model reads several parts of the text in parallel, k1 characters per step. It carries its state
from step to step, and the gradient flows back through k2 characters. Losses are in bits per
character. docs/writing.md shows some results.
"""

from __future__ import annotations

import argparse
import math
import os
import shlex
from functools import partial
from pathlib import Path
from typing import Any

import cli  # import this first, because it checks that minigrad is installed
import minigrad as mg
import optim
from layers import GRU, LSTM, Dense, Layer, OneHot, Stateful, TruncatedBPTT, sample
from minigrad.data import Characters, Stream, load_imdb
from minigrad.errors import MinigradError

LAYERS: dict[str, Any] = {"gru": GRU, "lstm": LSTM}
EPOCH, HELD_BACK = 500_000, 100_000  # numbers of characters
# the options that may change when a run is resumed
FREE = ("epochs", "out", "resume", "prompt", "source", "length", "temperature")


class Writer(Layer):
    """Character ids (B, T) and a state -> logits of the next characters (B, T, size) and the next
    state.
    """

    def __init__(self, kind: str, size: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.one_hot = OneHot(size)
        self.rnn = LAYERS[kind](
            size, hidden, layers=layers, return_sequences=True, return_state=True
        )
        self.head = Dense(hidden, size)

    def forward(self, ids: Any, state: Any = None) -> tuple[mg.Tensor, Any]:
        h, state = self.rnn(self.one_hot(ids), state)
        return self.head(h), state


def bits(logits: mg.Tensor, ids: Any) -> mg.Tensor:
    """Return the cross entropy in bits per character. A loss of b bits is the uncertainty of a
    choice among 2^b equally likely characters.
    """
    # if k2 < k1, there are logits only for the last k2 characters
    return mg.softmax_cross_entropy(logits, ids[:, -logits.shape[1] :]) / math.log(2)


class Samples(optim.Callback):
    """Print a sample of the model's text after 1,000, 10,000, 100,000, ... characters."""

    def __init__(self, characters: Characters, options: argparse.Namespace) -> None:
        self.characters, self.options = characters, options

    def on_step(self, trainer: Any) -> None:
        each = self.options.batch_size * self.options.k1
        characters_read = trainer.step * each
        if len(str(characters_read)) > max(3, len(str(characters_read - each))):
            print(
                f"\n--- after {characters_read:,} characters "
                f"---\n{write(trainer.model, self.characters, self.options)}\n"
            )


def write(model: Stateful, characters: Characters, options: argparse.Namespace) -> str:
    """Return the prompt followed by the text that the model generates."""
    ids = characters.encode(options.prompt or "\n")
    continuation = sample(
        model.model, ids, options.length, temperature=options.temperature, seed=options.seed
    )
    return (options.prompt or "") + characters.decode(continuation)


def train(options: argparse.Namespace) -> None:
    """Train a model, keep its best weights, and print a sample of its text."""
    text, held_out = load_text(options)
    characters = Characters.build(text)
    mg.seed(options.seed)
    model = build(vars(options), characters)
    ids, size = characters.encode(text), options.batch_size
    stream = Stream(
        ids, size, options.k1, windows=max(1, min(EPOCH, len(text) - 1) // (size * options.k1))
    )
    steps = max(1, min(options.k1, len(held_out) - 1))
    validation = Stream(
        characters.encode(held_out), max(1, min(size, len(held_out) // (2 * steps))), steps
    )
    print(
        f"{len(text):,} characters to train on, {len(held_out):,} held out; {len(characters)} "
        f"distinct characters.\n\n{model}"
    )
    print(
        f"\nLosses are in bits per character. An epoch is {len(stream) * size * options.k1:,} "
        "characters."
    )

    config = {name: value for name, value in vars(options).items() if name not in FREE}
    config["alphabet"] = characters.alphabet
    out = folder(options)
    if options.resume is None:
        for old in (out / "snapshots").glob("step-*.safetensors"):
            old.unlink()
    callbacks = [
        optim.ProgressBar("characters", per_example=options.k1), optim.EpochReport(), optim.StopOnNonFinite(),
        optim.ClipGradients(options.clip), Samples(characters, options), optim.LogFile(out / "history.csv"),
        optim.BestWeights(out / "weights.safetensors"),
        optim.Snapshots(out / "snapshots", every_epochs=1, every_steps=250),
    ]  # fmt: skip
    optimizer = optim.Adam(model.named_parameters(), lr=options.lr)
    trainer = optim.Trainer(
        model, bits, optimizer, metrics={}, callbacks=callbacks, seed=options.seed, config=config
    )
    snapshot = None if options.resume is None else optim.Snapshots.latest(out / "snapshots")
    history = trainer.fit(stream, options.epochs, validation, resume=snapshot)
    print(
        f"\nBest: {min(history['validation_loss']):.3f} bits per held-out character. A sample "
        "from this model:\n"
    )
    print(write(model, characters, options))
    try:
        history.plot(out / "learning_curves.png")
    except MinigradError as error:
        print(f"\nThe learning curves were not drawn: {error}")
        print(f'\nWrite more:  {cli.command()} --prompt "The film" --from {shlex.quote(str(out))}')


def build(config: dict[str, Any], characters: Characters) -> Stateful:
    """Build the model described by the options."""
    writer = Writer(config["model"], len(characters), config["hidden"], config["layers"])
    return Stateful(writer, TruncatedBPTT(config["k1"], config["k2"]))


def load_text(options: argparse.Namespace) -> tuple[str, str]:
    """Return (the training text, the held-out end of the text). The text is the content of a file,
    or the training reviews with one review per line.
    """
    if options.data == "bundled":
        imdb = load_imdb()
        # the bundled reviews contain only words in the vocabulary
        text = "\n".join(imdb.vocabulary.decode(ids[ids > 2]) for ids in imdb.train.ids)
    elif options.data == "tfds":
        data_dir = options.data_dir or os.environ.get("MINIGRAD_DATA")
        reviews = load_imdb("tfds", data_dir=data_dir, length=1).train.texts or []
        text = "\n".join(review.replace("<br />", " ") for review in reviews)
    else:
        text = cli.read_text(Path(options.data))
    text = text[: options.limit]
    end = len(text) - min(HELD_BACK, len(text) // 10)
    return text[:end], text[end:]


def load_trained(run: Path) -> tuple[Stateful, Characters, dict[str, Any]]:
    """Return (the model with the best weights of a run, its alphabet, the options of the run)."""
    checkpoint = mg.load(run / "weights.safetensors")
    config = checkpoint.info.get("config", {})
    if "alphabet" not in config:
        raise OSError(f"the model in {run} was not trained by write_reviews.py")
    characters = Characters(config["alphabet"])
    model = build(config, characters)
    model.load_state_dict(checkpoint)
    return model, characters, config


def generate(options: argparse.Namespace) -> None:
    """Print the prompt followed by the text that a trained model generates."""
    model, characters, _ = load_trained(folder(options))
    print(write(model, characters, options))


def folder(options: argparse.Namespace) -> Path:
    """Return the results folder."""
    return Path(options.source or options.resume or options.out)


def main() -> int:
    """Train a model, or generate text with a trained model. Returns the exit code."""
    options = parse()
    action = train if options.source is None else generate
    return cli.finish(lambda: action(options), folder(options), options.epochs)


# ---- the command line ----


def parse() -> argparse.Namespace:
    """Parse the command line. A resumed run keeps its original options unless the command line
    overrides them.
    """
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add(
        "--data",
        default="bundled",
        metavar="TEXT",
        help="bundled, tfds, or a text file (bundled)",
    )
    add(
        "--data-dir",
        metavar="FOLDER",
        help="folder of tensorflow-datasets, for --data tfds ($MINIGRAD_DATA)",
    )
    add("--limit", type=cli.integer(1), metavar="N", help="use only the first N characters")
    add("--model", choices=LAYERS, default="lstm", help="the recurrent layer (lstm)")
    add("--hidden", type=cli.integer(1), default=256, metavar="N", help="units of each layer (256)")
    add(
        "--layers",
        type=cli.integer(1),
        default=1,
        metavar="N",
        help="number of stacked recurrent layers (1)",
    )
    add(
        "--k1",
        type=cli.integer(1),
        default=50,
        metavar="K",
        help="characters read between two updates (50)",
    )
    add(
        "--k2",
        type=cli.integer(1),
        default=50,
        metavar="K",
        help="characters that the gradient flows back through (50)",
    )
    add(
        "--batch-size",
        type=cli.integer(1),
        default=20,
        metavar="N",
        help="parts of the text read in parallel (20)",
    )
    add(
        "--epochs",
        type=cli.integer(1),
        default=10,
        metavar="N",
        help=f"epochs of {EPOCH:,} characters (10)",
    )
    add(
        "--lr", type=cli.positive, default=6e-3, metavar="RATE", help="Adam's learning rate (0.006)"
    )
    add(
        "--clip",
        type=cli.positive,
        default=1.0,
        metavar="NORM",
        help="clip the gradient to this norm (1.0)",
    )
    add(
        "--seed",
        type=cli.integer(0),
        default=0,
        metavar="N",
        help="seed for every random choice (0)",
    )
    add_exclusive = parser.add_mutually_exclusive_group().add_argument
    add_exclusive(
        "--out",
        metavar="FOLDER",
        default="runs/writer",
        help="folder for the results (runs/writer)",
    )
    add_exclusive("--resume", nargs="?", const="runs/writer", metavar="FOLDER",
          help="resume the run in FOLDER, with its original options")  # fmt: skip
    add_exclusive(
        "--from",
        dest="source",
        metavar="FOLDER",
        help="do not train; generate text with the model in FOLDER",
    )
    add("--prompt", metavar="TEXT", help="text to continue (by default, start a new line)")
    add("--length", type=cli.integer(1), default=400, metavar="N", help="characters to write (400)")
    add("--temperature", type=partial(cli.positive, or_zero=True), default=0.7, metavar="T",
        help="below 1: more predictable text; 0: always the most likely character (0.7)")  # fmt: skip
    options = parser.parse_args()
    if options.resume is not None:
        options = cli.resumed(parser, folder(options))
    return options


if __name__ == "__main__":
    raise SystemExit(main())
