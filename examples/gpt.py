"""Train a small GPT on Shakespeare's plays and let it write new lines.

    python examples/gpt.py                            on tiny Shakespeare; results in runs/gpt
    python examples/gpt.py --data letters.txt         on any text
    python examples/gpt.py --prompt "ROMEO:" --from runs/gpt        continue a text
    python examples/gpt.py --resume runs/gpt          resume an interrupted run

The model and its training follow nanoGPT on a CPU: 4 blocks, 4 heads, width 128, 64 characters of
context, and 2,000 steps on 12 random pieces of the text. nanoGPT's README reports a loss of 1.88
nats per character. attention.png shows what each head attends to. docs/results.md compares the
losses. nanoGPT: github.com/karpathy/nanoGPT, MIT licence, Copyright (c) 2022 Andrej Karpathy.
"""

from __future__ import annotations

import argparse
import math
from functools import partial
from pathlib import Path
from typing import Any

import cli  # isort: skip  # import this first, because it checks that minigrad is installed
import numpy as np

import minigrad as mg
import optim
from layers import (
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    PositionalEmbedding,
    Sequential,
    TiedHead,
    TransformerBlock,
    init,
    outputs,
    sample,
)
from minigrad.data import Batches, Characters, Stream, load_shakespeare
from minigrad.errors import MinigradError
from minigrad.support.notebook import new_figure

EPOCH = 250  # steps between two evaluations
WARM_UP, LOWEST = 100, 0.1  # steps, and the factor of the learning rate at the end
VALIDATION = 20  # batches of each evaluation; the last one reads the whole validation text
PUBLISHED = 1.88  # github.com/karpathy/nanoGPT, README, "I only have a macbook"
# the options that may change when a run is resumed
FREE = ("epochs", "out", "resume", "prompt", "source", "length", "temperature")


class GPT(Layer):
    """Character ids (B, T) -> logits of the next characters (B, T, size). If you pass a state, a list
    with one state for each block, the ids continue a sequence, and the result is (logits, next
    state).
    """

    def __init__(
        self, size: int, context: int, width: int, heads: int, blocks: int, dropout: float = 0.0
    ) -> None:
        self.embedding = Embedding(size, width)
        self.positions = PositionalEmbedding(context, width)
        self.dropout = Dropout(dropout)
        self.blocks = Sequential(
            *(TransformerBlock(width, heads, dropout=dropout, bias=False) for _ in range(blocks))
        )
        self.norm = LayerNorm(width, bias=False)
        self.head = TiedHead(self.embedding, bias=False)
        for path, parameter in self.named_parameters().items():
            if parameter.ndim == 2:
                # 2 * blocks results with these weights are added to x
                added = path.endswith(("out_proj.W", "linear2.W"))
                deviation = 0.02 / math.sqrt(2 * blocks) if added else 0.02
                parameter.array = init.normal(deviation)(parameter.shape)

    def initial_state(self, batch: int) -> list[Any]:
        """Return the blocks' states before the first character."""
        return [block.initial_state(batch) for block in self.blocks]

    def forward(self, ids: Any, state: Any = None) -> Any:
        start = 0 if state is None else state[0][0].shape[2]
        x = self.dropout(self.positions(self.embedding(ids), start))
        if state is None:
            return self.head(self.norm(self.blocks(x)))
        states = []
        for block, before in zip(self.blocks, state, strict=True):
            x, after = block(x, before)
            states.append(after)
        return self.head(self.norm(x)), states


class Pieces(Batches):
    """Random pieces (x, y) of a text, where y is one character ahead of x. An epoch has EPOCH
    batches.
    """

    def __init__(self, ids: Any, batch_size: int, context: int) -> None:
        pieces = np.lib.stride_tricks.sliding_window_view(ids, context + 1)
        super().__init__(pieces[:, :-1], pieces[:, 1:], batch_size=batch_size)

    def __len__(self) -> int:
        return EPOCH

    def _picked(self, epoch: int) -> Any:
        rng = np.random.default_rng([self.seed, epoch])
        return rng.integers(self.rows, size=(EPOCH, self.batch_size))


class Samples(optim.Callback):
    """Print a sample of the model's text after each epoch."""

    def __init__(self, characters: Characters, options: argparse.Namespace) -> None:
        self.characters, self.options = characters, options

    def on_epoch_end(self, trainer: Any) -> None:
        text = write(trainer.model, self.characters, self.options)
        print(f"\n--- after {trainer.step:,} steps ---\n{text}\n")


def write(model: GPT, characters: Characters, options: argparse.Namespace) -> str:
    """Return the prompt followed by the text that the model generates."""
    prompt = options.prompt or ""
    continuation = sample(
        model, characters.encode(prompt or "\n"), options.length, temperature=options.temperature,
        seed=options.seed, context=len(model.positions.table),
    )  # fmt: skip
    return prompt + characters.decode(continuation)


def train(options: argparse.Namespace) -> None:
    """Train a model, keep its best weights, print samples, and draw its attention."""
    text = load_text(options.data)
    characters = Characters.build(text)
    ids = characters.encode(text)
    cut = len(ids) * 9 // 10
    validation = partial(Stream, ids[cut:], options.batch_size, options.context)
    validation()  # raises an error if the text is too short
    pieces = Pieces(ids[:cut], options.batch_size, options.context)
    mg.seed(options.seed)
    model = build(vars(options), len(characters))
    print(
        f"{cut:,} characters to train on, {len(ids) - cut:,} for validation; {len(characters)} "
        f"distinct characters.\n\n{model}\n\nLosses are in nats per character. An epoch is {EPOCH} "
        "steps."
    )

    config = {name: value for name, value in vars(options).items() if name not in FREE}
    config["alphabet"] = characters.alphabet
    out, steps = folder(options), options.epochs * EPOCH
    if options.resume is None:
        for old in (out / "snapshots").glob("step-*.safetensors"):
            old.unlink()
    callbacks = [
        optim.ProgressBar("characters", per_example=options.context), optim.EpochReport(),
        optim.StopOnNonFinite(), optim.ClipGradients(1.0), optim.LearningRate(schedule(steps)),
        Samples(characters, options), optim.LogFile(out / "history.csv"),
        optim.BestWeights(out / "weights.safetensors"), optim.Snapshots(out / "snapshots", every_steps=EPOCH),
    ]  # fmt: skip
    trainer = optim.Trainer(
        model, mg.softmax_cross_entropy, make_optimizer(model, options.lr), metrics={},
        callbacks=callbacks, seed=options.seed, config=config,
    )  # fmt: skip
    snapshot = None if options.resume is None else optim.Snapshots.latest(out / "snapshots")
    history = trainer.fit(pieces, options.epochs, validation(windows=VALIDATION), resume=snapshot)

    model.load_state_dict(mg.load(out / "weights.safetensors"))
    loss = trainer.evaluate(validation())["loss"]
    print(f"\nThe best weights' loss on the whole validation text: {loss:.3f} nats per character.")
    print(f"Published for nanoGPT in this configuration, after 2,000 steps: {PUBLISHED}")
    print(f"\nA sample from this model:\n\n{write(model, characters, options)}")
    try:
        draw_attention(model, characters, text[cut : cut + options.context][:24], out)
        history.plot(out / "learning_curves.png")
        print(f"\nattention.png and learning_curves.png are in {out}.")
    except MinigradError as error:
        print(f"\nThe pictures were not drawn: {error}")


def make_optimizer(model: GPT, lr: float) -> optim.AdamW:
    """Return nanoGPT's optimizer: weights decay, but the gains of the norms do not."""
    gains, matrices = optim.split(model.named_parameters(), "*.gain")
    return optim.AdamW(
        [{"parameters": gains, "weight_decay": 0.0}, {"parameters": matrices}],
        lr=lr, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1,
    )  # fmt: skip


def schedule(steps: int) -> optim.WarmUp:
    """Return nanoGPT's schedule: the learning rate rises for WARM_UP steps, and then falls."""
    return optim.WarmUp(WARM_UP, optim.CosineSchedule(max(1, steps - WARM_UP), LOWEST))


def draw_attention(model: GPT, characters: Characters, text: str, out: Path) -> None:
    """Draw a matrix for each head of each block: how much each character of the text (down) takes
    from each earlier character (across). The colors show the square roots of the weights, because
    most weights are small.
    """
    paths = [
        path + ".weights"
        for path, layer in model.named_layers().items()
        if path.endswith(".self_attn")
    ]
    found = outputs(model, characters.encode(text)[None], paths)
    heads = found[paths[0]].shape[1]
    figure = new_figure("attention", 2.6 * heads, 2.8 * len(paths))
    signs = [{"\n": "↵", " ": "␣"}.get(character, character) for character in text]
    for row, weights in enumerate(found.values()):
        for head, matrix in enumerate(weights[0]):
            panel = figure.add_subplot(len(paths), heads, row * heads + head + 1)
            panel.imshow(matrix**0.5, cmap="Blues", vmin=0, vmax=1)
            panel.set_title(f"block {row + 1}, head {head + 1}", fontsize=10)
            for axis in (panel.xaxis, panel.yaxis):
                axis.set_ticks(range(len(signs)), signs, fontsize=7)
            panel.tick_params(length=0)
    figure.supxlabel("character that it attends to (darker: a larger weight)", fontsize=10)
    figure.supylabel("current character", fontsize=10)
    figure.savefig(out / "attention.png", dpi=150)


def build(config: dict[str, Any], size: int) -> GPT:
    """Build the model described by the options, for an alphabet of `size` characters."""
    return GPT(size, *(config[name] for name in ("context", "width", "heads", "blocks", "dropout")))


def load_text(name: str) -> str:
    """Return tiny Shakespeare, or the text of a file."""
    return load_shakespeare() if name == "shakespeare" else cli.read_text(Path(name))


def generate(options: argparse.Namespace) -> None:
    """Print the prompt followed by the text that a trained model generates."""
    run = folder(options)
    checkpoint = mg.load(run / "weights.safetensors")
    config = checkpoint.info.get("config", {})
    if "alphabet" not in config or "blocks" not in config:
        raise OSError(f"the model in {run} was not trained by gpt.py")
    characters = Characters(config["alphabet"])
    model = build(config, len(characters))
    model.load_state_dict(checkpoint)
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
        default="shakespeare",
        metavar="TEXT",
        help="shakespeare, or a text file (shakespeare)",
    )
    numbers = {
        "blocks": (4, "transformer blocks"),
        "heads": (4, "heads of each block"),
        "width": (128, "width of the vectors"),
        "context": (64, "characters that the model reads at a time"),
        "batch-size": (12, "pieces of the text in each step"),
        "epochs": (8, f"epochs of {EPOCH} steps"),
    }
    for name, (default, text) in numbers.items():
        add(
            f"--{name}",
            type=cli.integer(1),
            default=default,
            metavar="N",
            help=f"{text} ({default})",
        )
    add("--dropout", type=partial(cli.positive, or_zero=True), default=0.0, metavar="RATE",
        help="dropout in training (0)")  # fmt: skip
    add("--lr", type=cli.positive, default=1e-3, metavar="RATE",
        help="AdamW's highest learning rate (0.001)")  # fmt: skip
    add("--seed", type=cli.integer(0), default=0, metavar="N",
        help="seed for every random choice (0)")  # fmt: skip
    add_exclusive = parser.add_mutually_exclusive_group().add_argument
    add_exclusive("--out", metavar="FOLDER", default="runs/gpt",
                  help="folder for the results (runs/gpt)")  # fmt: skip
    add_exclusive("--resume", nargs="?", const="runs/gpt", metavar="FOLDER",
                  help="resume the run in FOLDER, with its original options")  # fmt: skip
    add_exclusive("--from", dest="source", metavar="FOLDER",
                  help="do not train; generate text with the model in FOLDER")  # fmt: skip
    add("--prompt", metavar="TEXT", help="text to continue (by default, start a new line)")
    add("--length", type=cli.integer(1), default=400, metavar="N", help="characters to write (400)")
    add("--temperature", type=partial(cli.positive, or_zero=True), default=0.8, metavar="T",
        help="below 1: more predictable text; 0: always the most likely character (0.8)")  # fmt: skip
    options = parser.parse_args()
    if options.resume is not None:
        options = cli.resumed(parser, folder(options))
    return options


if __name__ == "__main__":
    raise SystemExit(main())
