"""Trains a character model on movie reviews, which then writes some of its own.

    python examples/write_reviews.py                          on the bundled reviews; results in runs/writer
    python examples/write_reviews.py --data tfds              on whole reviews, through tensorflow-datasets
    python examples/write_reviews.py --data letters.txt       on any text
    python examples/write_reviews.py --prompt "The film" --from runs/writer        let it write on
    python examples/write_reviews.py --resume runs/writer     go on with an interrupted run

It reads many places of the text side by side, k1 characters at a time, and carries its state on to
the next k1; the gradient reaches k2 characters back. Losses are in bits per character.
docs/writing.md shows what comes out.
"""

from __future__ import annotations

import argparse
import math
import os
import shlex
from functools import partial
from pathlib import Path
from typing import Any

import cli  # first: it says so if minigrad is not installed
import minigrad as mg
import optim
from layers import GRU, LSTM, Dense, Layer, OneHot, Stateful, TruncatedBPTT, sample
from minigrad.data import Characters, Stream, load_imdb
from minigrad.errors import MinigradError

LAYERS: dict[str, Any] = {"gru": GRU, "lstm": LSTM}
EPOCH, HELD_BACK = 500_000, 100_000  # characters
# may change when a run is resumed
FREE = ("epochs", "out", "resume", "prompt", "source", "length", "temperature")


class Writer(Layer):
    """Ids of characters (B, T) and a state to logits of the next ones (B, T, size) and the state
    after them.
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
    """The cross entropy in bits per character: log2 of how many characters the model hesitates
    between, as it were.
    """
    # k2 < k1: of the last k2 alone
    return mg.softmax_cross_entropy(logits, ids[:, -logits.shape[1] :]) / math.log(2)


class Samples(optim.Callback):
    """Prints what the model writes after 1,000, 10,000, 100,000 ... characters."""

    def __init__(self, characters: Characters, options: argparse.Namespace) -> None:
        self.characters, self.options = characters, options

    def on_step(self, trainer: Any) -> None:
        each = self.options.batch_size * self.options.k1
        read = trainer.step * each
        if len(str(read)) > max(3, len(str(read - each))):
            print(
                f"\n--- after {read:,} characters "
                f"---\n{write(trainer.model, self.characters, self.options)}\n"
            )


def write(model: Stateful, characters: Characters, options: argparse.Namespace) -> str:
    """The prompt, and what the model writes after it."""
    ids = characters.encode(options.prompt or "\n")
    more = sample(
        model.model, ids, options.length, temperature=options.temperature, seed=options.seed
    )
    return (options.prompt or "") + characters.decode(more)


def train(options: argparse.Namespace) -> None:
    """Train a model, keep its best weights, and let it write."""
    text, held = read(options)
    characters = Characters.build(text)
    mg.seed(options.seed)
    model = build(vars(options), characters)
    ids, size = characters.encode(text), options.batch_size
    stream = Stream(
        ids, size, options.k1, windows=max(1, min(EPOCH, len(text) - 1) // (size * options.k1))
    )
    steps = max(1, min(options.k1, len(held) - 1))
    validation = Stream(characters.encode(held), max(1, min(size, len(held) // (2 * steps))), steps)
    print(
        f"{len(text):,} characters to learn from, {len(held):,} held back; {len(characters)} "
        f"different ones.\n\n{model}"
    )
    print(
        f"\nLosses are in bits per character; an epoch is {len(stream) * size * options.k1:,} of "
        "them."
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
        f"\nBest: {min(history['validation_loss']):.3f} bits per held-back character. Its "
        "weights write:\n"
    )
    print(write(model, characters, options))
    try:
        history.plot(out / "learning_curves.png")
    except MinigradError as error:
        print(f"\nNo picture of the learning curves: {error}")
    print(f'\nGo on:  {cli.command()} --prompt "The film" --from {shlex.quote(str(out))}')


def build(config: dict[str, Any], characters: Characters) -> Stateful:
    """The model that the options describe."""
    writer = Writer(config["model"], len(characters), config["hidden"], config["layers"])
    return Stateful(writer, TruncatedBPTT(config["k1"], config["k2"]))


def read(options: argparse.Namespace) -> tuple[str, str]:
    """(a text to learn from, the end of it, held back): reviews of the training half, one a line,
    or a file's text.
    """
    if options.data == "bundled":
        imdb = load_imdb()
        # words that have an id
        text = "\n".join(imdb.vocabulary.decode(ids[ids > 2]) for ids in imdb.train.ids)
    elif options.data == "tfds":
        data_dir = options.data_dir or os.environ.get("MINIGRAD_DATA")
        reviews = load_imdb("tfds", data_dir=data_dir, length=1).train.texts or []
        text = "\n".join(review.replace("<br />", " ") for review in reviews)
    else:
        text = read_text(Path(options.data))
    text = text[: options.limit]
    held = min(HELD_BACK, len(text) // 10)
    return text[: len(text) - held], text[len(text) - held :]


def read_text(path: Path) -> str:
    """The text of a file. Errors: OSError if it has none, or is of another kind, such as a picture
    or a .docx.
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if not text or "\0" in text:
        found = "it has bytes of value 0" if text else "it is empty"
        raise OSError(
            f"{path} is not a file of text: {found}; save what it holds as text, in UTF-8"
        )
    return text


def trained(run: Path) -> tuple[Stateful, Characters, dict[str, Any]]:
    """(the model with the best weights of a run, its characters, the options of the run)."""
    checkpoint = mg.load(run / "weights.safetensors")
    config = checkpoint.info.get("config", {})
    if "alphabet" not in config:
        raise OSError(f"what {run} holds was not trained by write_reviews.py")
    characters = Characters(config["alphabet"])
    model = build(config, characters)
    model.load_state_dict(checkpoint)
    return model, characters, config


def write_on(options: argparse.Namespace) -> None:
    """Print the prompt and what a trained model writes after it."""
    model, characters, _ = trained(folder(options))
    print(write(model, characters, options))


def folder(options: argparse.Namespace) -> Path:
    """The results folder."""
    return Path(options.source or options.resume or options.out)


def main() -> int:
    """Do what the command line says."""
    options = parse()
    act = train if options.source is None else write_on
    return cli.finish(lambda: act(options), folder(options), options.epochs)


# ---- the command line ----


def parse() -> argparse.Namespace:
    """The options; those of a run that is resumed are the ones it was started with, overridden by
    those given now.
    """
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add(
        "--data",
        default="bundled",
        metavar="TEXT",
        help="bundled, tfds, or a file of text (bundled)",
    )
    add(
        "--data-dir",
        metavar="FOLDER",
        help="where tensorflow-datasets stores the reviews ($MINIGRAD_DATA)",
    )
    add("--limit", type=cli.whole(1), metavar="N", help="use only the first N characters")
    add("--model", choices=LAYERS, default="lstm", help="the recurrent layer (lstm)")
    add("--hidden", type=cli.whole(1), default=256, metavar="N", help="its units (256)")
    add(
        "--layers",
        type=cli.whole(1),
        default=1,
        metavar="N",
        help="how many of it, one on the other (1)",
    )
    add(
        "--k1",
        type=cli.whole(1),
        default=50,
        metavar="K",
        help="characters from one update to the next (50)",
    )
    add(
        "--k2",
        type=cli.whole(1),
        default=50,
        metavar="K",
        help="characters that the gradient reaches back (50)",
    )
    add(
        "--batch-size",
        type=cli.whole(1),
        default=20,
        metavar="N",
        help="places read side by side (20)",
    )
    add(
        "--epochs", type=cli.whole(1), default=10, metavar="N", help=f"of {EPOCH:,} characters (10)"
    )
    add(
        "--lr", type=cli.positive, default=6e-3, metavar="RATE", help="Adam's learning rate (0.006)"
    )
    add(
        "--clip",
        type=cli.positive,
        default=1.0,
        metavar="NORM",
        help="largest norm of the gradient (1.0)",
    )
    add(
        "--seed", type=cli.whole(0), default=0, metavar="N", help="seed for every random choice (0)"
    )
    which = parser.add_mutually_exclusive_group().add_argument
    which(
        "--out", metavar="FOLDER", default="runs/writer", help="where the results go (runs/writer)"
    )
    which("--resume", nargs="?", const="runs/writer", metavar="FOLDER",
          help="go on with the run there, with the options it was started with")  # fmt: skip
    which(
        "--from",
        dest="source",
        metavar="FOLDER",
        help="instead of training, let the model there write",
    )
    add("--prompt", metavar="TEXT", help="what it writes after (the end of a line)")
    add("--length", type=cli.whole(1), default=400, metavar="N", help="characters to write (400)")
    add("--temperature", type=partial(cli.positive, or_zero=True), default=0.7, metavar="T",
        help="below 1: likelier and less varied; 0: always the likeliest (0.7)")  # fmt: skip
    options = parser.parse_args()
    if options.resume is not None:
        options = cli.resumed(parser, folder(options))
    return options


if __name__ == "__main__":
    raise SystemExit(main())
