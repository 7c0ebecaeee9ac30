"""Train a convolutional network and an MLP of equal size on handwritten digits, and look at what
they have learned.

    python examples/digits.py                         train both; the pictures are in runs/digits
    python examples/digits.py --seeds 0 1 2 3 4       train both five times, and print means
    python examples/digits.py --last                  test on the last digits of the file
    python examples/digits.py --short                 a quick try with meaningless results

Of the 1,797 bundled digits, 1,000 are for training and the others for testing. The file contains
digits by 13 people. If the test digits are chosen at random, both models have seen other digits by
the same people. Digits by new writers are harder. docs/results.md lists the results.

The script draws four pictures of the first seed's models:

    learning_curves.png   training loss and test accuracy after each epoch
    filters.png           the filters of the first convolution, before and after training
    answers.png           the most confident right and wrong answers to test digits
    pixels.png            the pixels on which an answer depends: the gradient of the input
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import cli  # isort: skip  # import this first, because it checks that minigrad is installed

import numpy as np

import minigrad as mg
import optim
from layers import Conv2d, Dense, Dropout, Flatten, Layer, MaxPool2d, Sequential, outputs
from layers.init import he_normal
from minigrad.data import Batches, load_digits
from minigrad.errors import MinigradError
from minigrad.support.notebook import new_figure

TRAINING, SHORT = 1000, 200  # digits to train on
SIGNED = "RdBu_r"  # the colours of signed numbers: red above 0, white at 0, blue below


def cnn() -> Layer:
    """Images (N, 1, 8, 8) -> logits (N, 10), by two convolutions of 16 and 32 filters."""
    return Sequential(
        Conv2d(1, 16, 3, padding=1, init=he_normal), mg.relu,
        Conv2d(16, 32, 3, padding=1, init=he_normal), mg.relu,
        MaxPool2d(2), Flatten(), Dropout(0.5), Dense(32 * 4 * 4, 10),
    )  # fmt: skip


def mlp() -> Layer:
    """Images (N, 1, 8, 8) -> logits (N, 10), by a hidden layer with as many parameters as `cnn`."""
    return Sequential(
        Flatten(), Dense(64, 132, mg.relu, init=he_normal), Dropout(0.5), Dense(132, 10)
    )


MODELS = {"cnn": cnn, "mlp": mlp}


def split(seed: int, last: bool = False, training: int = TRAINING) -> dict[str, Any]:
    """Return {"train": (images (N, 1, 8, 8) from 0 to 1, labels (N,)), "test": ...}.

    `seed` determines which digits are for testing. If `last` is True, these are the last ones of
    the file.
    """
    images, labels = load_digits()
    rows = np.arange(len(labels)) if last else np.random.default_rng(seed).permutation(len(labels))
    x = images[rows, None].astype(np.float32) / 16
    return {
        "train": (x[:training], labels[rows[:training]]),
        "test": (x[TRAINING:], labels[rows[TRAINING:]]),
    }


class Progress(optim.Callback):
    """Print a line after every fifth epoch."""

    def on_epoch_end(self, trainer: Any) -> None:
        row = trainer.history.rows[-1]
        if row["epoch"] % 5 == 0:
            print(
                f"  epoch {row['epoch']}/{trainer.epochs}: training loss {row['train_loss']:.4f}, "
                f"test accuracy {row['test_accuracy']:.4f}",
                flush=True,
            )


def fit(model: Layer, data: dict[str, Any], epochs: int, seed: int) -> optim.History:
    """Train a model with Adam and a falling learning rate, and test it after each epoch."""
    train = Batches(*data["train"], batch_size=32)
    test = Batches(*data["test"], batch_size=500, shuffle=False)
    callbacks = [
        optim.StopOnNonFinite(), optim.LearningRate(optim.CosineSchedule(epochs * len(train))),
        optim.Evaluate(test, every_epochs=1), Progress(),
    ]  # fmt: skip
    optimizer = optim.Adam(model.named_parameters(), lr=3e-3)
    trainer = optim.Trainer(
        model, mg.softmax_cross_entropy, optimizer, callbacks=callbacks, seed=seed
    )
    return trainer.fit(train, epochs)


def pixel_gradients(model: Layer, images: Any) -> tuple[Any, Any, Any]:
    """Return (answers, second answers, gradients) for images (N, 1, 8, 8).

    A gradient has the shape of its image. It is the gradient of the answer's logit minus the second
    answer's logit: where it is positive, a darker pixel makes the model prefer its answer more.
    Source: Simonyan, Vedaldi and Zisserman, Deep inside convolutional networks (2014).
    """
    with model.evaluating():
        x = mg.Tensor(images, requires_grad=True)
        logits = model(x)
        order = np.argsort(logits.array, axis=1)
        first, second = order[:, -1], order[:, -2]
        digits = np.eye(10, dtype=np.float32)
        (slopes,) = mg.grad((logits * (digits[first] - digits[second])).sum(), [x])
    return first, second, slopes.array


def train_all(options: argparse.Namespace) -> None:
    """Train both models with each seed. After Ctrl-C, report those that are complete."""
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in MODELS}
    models: dict[str, Layer] = {}
    histories: dict[str, optim.History] = {}
    filters: list[Any] = []
    epochs, training = (5, SHORT) if options.short else (options.epochs, TRAINING)
    try:
        for seed in options.seeds:
            data = split(seed, options.last, training)
            for name, build in MODELS.items():
                mg.seed(seed)
                model: Any = build()
                before = model[0].W.array.copy() if name == "cnn" else None
                print(
                    f"\n{name}, seed {seed}\n{model}"
                    if not results[name]
                    else f"\n{name}, seed {seed}"
                )
                start = time.process_time()
                history = fit(model, data, epochs, seed)
                seconds = time.process_time() - start
                results[name].append((history["test_accuracy"][-1], seconds))
                if name not in models:
                    models[name], histories[name] = model, history
                    if before is not None:
                        filters = [before, model[0].W.array]
    finally:
        report(results)
    draw(models, histories, filters, split(options.seeds[0], options.last)["test"], options.out)


def report(results: dict[str, list[tuple[float, float]]]) -> None:
    """Print the test accuracies of the last epoch, and the CPU time of a run."""
    print("\n| model | parameters | test accuracy | deviation | lowest to highest | CPU time |")
    print("|-------|-----------:|--------------:|----------:|------------------:|---------:|")
    for name, runs in results.items():
        if not runs:
            continue
        size = sum(one.size for one in MODELS[name]().named_parameters().values())
        accuracies = [accuracy for accuracy, _ in runs]
        deviation = f"{stdev(accuracies):.4f}" if len(runs) > 1 else "-"
        print(
            f"| {name:5} | {size:10,} | {mean(accuracies):13.4f} | {deviation:>9} | "
            f"{min(accuracies):.4f} to {max(accuracies):.4f}  | {mean(s for _, s in runs):6.1f} s |"
        )


def draw(
    models: dict[str, Any], histories: dict[str, Any], filters: Any, test: Any, out: Path
) -> None:
    """Draw the four pictures."""
    try:
        pictures = {
            "learning_curves": draw_curves(histories),
            "filters": draw_filters(*filters),
            "answers": draw_answers(models["cnn"], *test),
            "pixels": draw_pixels(models, *test),
        }
    except MinigradError as error:
        print(f"\nThe pictures were not drawn: {error}")
        return
    out.mkdir(parents=True, exist_ok=True)
    print()
    for name, figure in pictures.items():
        figure.savefig(out / f"{name}.png", dpi=120)
        print(out / f"{name}.png")


def draw_curves(histories: dict[str, optim.History]) -> Any:
    """Draw the training loss and the test accuracy after each epoch."""
    figure = new_figure("learning curves", 9, 3.6)
    for panel, column in zip(figure.subplots(1, 2), ("train_loss", "test_accuracy"), strict=True):
        for (name, history), style in zip(histories.items(), ("o-", "s--"), strict=True):
            panel.plot(history["epoch"], history[column], style, label=name, markersize=3)
        panel.set_xlabel("epoch")
        panel.set_ylabel(column.replace("train", "training").replace("_", " "))
        panel.legend()
    figure.axes[0].set_yscale("log")
    return figure


def show(panel: Any, image: Any, limit: float | None = None, title: str = "") -> None:
    """Draw an image of numbers from 0 (white) to 1 (black), or of signed numbers up to `limit`."""
    low, high, colours = (0, 1, "Greys") if limit is None else (-limit, limit, SIGNED)
    panel.imshow(image, cmap=colours, vmin=low, vmax=high)
    panel.set_title(title, fontsize=9)
    panel.set_xticks([])
    panel.set_yticks([])


def draw_filters(before: Any, after: Any) -> Any:
    """Draw the filters (16, 1, 3, 3) before and after training, all with the same colours."""
    figure = new_figure("the filters", 11, 2.2)
    limit = max(np.abs(before).max(), np.abs(after).max())
    for row, name, weights in zip(
        figure.subplots(2, len(before)), ("before", "after"), (before, after), strict=True
    ):
        for panel, kernel in zip(row, weights[:, 0], strict=True):
            show(panel, kernel, limit)
        row[0].set_ylabel(name)
    change = np.linalg.norm(after - before) / np.linalg.norm(before)
    figure.suptitle(
        f"red: above 0, blue: below 0; training changed the filters by {change:.0%} of their norm",
        fontsize=9,
    )
    return figure


def draw_answers(model: Layer, images: Any, labels: Any) -> Any:
    """Draw the most confident right answer for each digit, and the most confident wrong answers."""
    logits = outputs(model, images, [""])[""]
    odds = mg.softmax(logits, axis=1).array
    answers, confidence = odds.argmax(axis=1), odds.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    # In reverse order, the most confident answer for each digit is the one that remains.
    right = {labels[row]: row for row in order[::-1] if labels[row] == answers[row]}
    wrong = [row for row in order if labels[row] != answers[row]][:10]
    figure = new_figure("the answers", 11, 3.4)
    panels = figure.subplots(2, 10)
    for line, rows, name in zip(
        panels, ([right[digit] for digit in sorted(right)], wrong), ("right", "wrong"), strict=True
    ):
        for panel, row in zip(line, rows, strict=False):
            truth = f", truth {labels[row]}" if name == "wrong" else ""
            show(panel, images[row, 0], title=f"{answers[row]}{truth}\n{confidence[row]:.1%}")
        for panel in line[len(rows) :]:
            panel.set_axis_off()
        line[0].set_ylabel(name)
    return figure


def draw_pixels(models: dict[str, Layer], images: Any, labels: Any) -> Any:
    """Draw a test digit of each kind, and the gradient of each model's answer below it."""
    rows = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    figure = new_figure("the pixels", 11, 4.2)
    panels = figure.subplots(1 + len(models), 10)
    for panel, row in zip(panels[0], rows, strict=True):
        show(panel, images[row, 0], title=f"truth {labels[row]}")
    for line, (name, model) in zip(panels[1:], models.items(), strict=True):
        for panel, first, second, slope in zip(
            line, *pixel_gradients(model, images[rows]), strict=True
        ):
            show(panel, slope[0], np.abs(slope).max(), f"{first}, not {second}")
        line[0].set_ylabel(name)
    figure.suptitle(
        "red: a darker pixel supports the answer, blue: it speaks against it", fontsize=9
    )
    return figure


def main() -> int:
    """Train and compare the models. Returns the exit code."""
    options = parse()
    return cli.finish(lambda: train_all(options), options.out)


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("--seeds", type=cli.integer(0), nargs="+", default=[0], metavar="N",
        help="the seeds, one run of both models for each; a seed determines the test digits, "
        "initial weights and order (0)")  # fmt: skip
    add("--epochs", type=cli.integer(1), default=40, metavar="N", help="epochs (40)")
    add("--last", action="store_true",
        help="test on the last 797 digits of the file instead of random ones")  # fmt: skip
    add("--short", action="store_true", help=f"use only {SHORT} digits and 5 epochs")
    add("--out", type=Path, default=Path("runs/digits"), metavar="FOLDER",
        help="folder for the pictures (runs/digits)")  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
