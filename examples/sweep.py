"""A sweep: an RNN on movie reviews for each learning rate, truncation and seed, and a heat map of
what they reach.

    python examples/sweep.py --jobs 2                                   75 runs, two at a time
    python examples/sweep.py --jobs 2 --lr 0.001 0.01 --seeds 0 1 2 3   a part of the grid, with a seed more
    python examples/sweep.py --limit 200 --epochs 1                     a quick try; its figures mean nothing

With --truncate 4 the gradient goes back through the last four words of a review only. Each run is a
process of its own, and leaves its result in runs/sweep/results.jsonl, from which the heat map is
drawn: stop the sweep with Ctrl-C, or ask for a larger grid, and only the runs that are missing are
done.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from itertools import product
from statistics import mean
from typing import Any

import cli  # isort: skip  # first: it says so if minigrad is not installed

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from minigrad.data import Batches, load_imdb
from minigrad.errors import OptionError
from minigrad.support.jobs import Done, add_options, run_jobs
from minigrad.support.notebook import new_figure
from optim import Adam, EpochReport, Trainer


def train(lr: float, truncate: int, seed: int, limit: int, epochs: int) -> dict[str, float]:
    """One run: the loss on the training reviews, and the accuracy on others, after the last
    epoch.
    """
    imdb = load_imdb()
    rest, held = imdb.train.hold_back(2500)
    rest = rest[:limit]
    mg.seed(seed)
    model = Sequential(
        Embedding(len(imdb.vocabulary), 64), RNN(64, 32, truncate=truncate), Dense(32, 2)
    )
    optimizer = Adam(model.named_parameters(), lr=lr)
    trainer = Trainer(
        model, mg.softmax_cross_entropy, optimizer, callbacks=[EpochReport()], seed=seed
    )
    history = trainer.fit(
        Batches(rest.ids, rest.labels), epochs, Batches(held.ids, held.labels, batch_size=500)
    )
    return {"train_loss": history["train_loss"][-1], "accuracy": history["validation_accuracy"][-1]}


def name(lr: float, truncate: int, seed: int) -> str:
    """What a run is called, and its log."""
    return f"lr{lr:g}-truncate{truncate}-seed{seed}"


def accuracies(done: Mapping[str, Done], lr: float, truncate: int, seeds: list[int]) -> list[float]:
    """Those of the seeds that have a result."""
    names = [name(lr, truncate, seed) for seed in seeds]
    return [done[run].result["accuracy"] for run in names if run in done]


def draw(figure: Any, done: Mapping[str, Done], given: argparse.Namespace) -> None:
    """A heat map: in each cell the mean over the seeds, and half the range from the lowest to the
    highest.
    """
    cells = [
        [accuracies(done, lr, truncate, given.seeds) for lr in given.lr]
        for truncate in given.truncate
    ]
    means = [[mean(values) if values else float("nan") for values in row] for row in cells]
    panel = figure.subplots()
    image = panel.imshow(means, cmap="cividis", aspect="auto")
    low, high = image.get_clim()
    for (y, row), x in product(enumerate(cells), range(len(given.lr))):
        if values := row[x]:
            text = f"{mean(values):.3f}\n±{(max(values) - min(values)) / 2:.3f}"
            dark = mean(values) < (low + high) / 2
            panel.text(x, y, text, ha="center", va="center", color="white" if dark else "black")
    panel.set_xticks(range(len(given.lr)), [f"{lr:g}" for lr in given.lr])
    panel.set_yticks(range(len(given.truncate)), map(str, given.truncate))
    panel.set_xlabel("learning rate of Adam")
    panel.set_ylabel("words that the gradient goes back")
    panel.set_title(
        f"accuracy on 2,500 other reviews after {given.epochs} epochs, {len(given.seeds)} seeds",
        fontsize=11,
    )
    figure.colorbar(image, label="mean accuracy")


def main() -> int:
    """Run the grid, print its table, and draw it. Returns the exit code."""
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("--lr", type=cli.positive, nargs="+", default=[1e-4, 3e-4, 1e-3, 3e-3, 1e-2], metavar="RATE",
        help="learning rates (0.0001 0.0003 0.001 0.003 0.01)")  # fmt: skip
    add("--truncate", type=cli.whole(1), nargs="+", default=[1, 2, 4, 10, 40], metavar="K",
        help="words that gradients go back (1 2 4 10 40)")  # fmt: skip
    add(
        "--seeds",
        type=cli.whole(0),
        nargs="+",
        default=[0, 1, 2],
        metavar="N",
        help="a run for each (0 1 2)",
    )
    add("--limit", type=cli.whole(1), default=10_000, metavar="N", help="training reviews (10000)")
    add("--epochs", type=cli.whole(1), default=3, metavar="N", help="passes over them (3)")
    add_options(parser, "runs/sweep")
    given = parser.parse_args()
    try:
        figure = new_figure("the heat map", 7.5, 5)  # now, and not when all is done
    except OptionError as error:
        parser.error(str(error))
    jobs = {
        name(lr, truncate, seed): {
            "lr": lr,
            "truncate": truncate,
            "seed": seed,
            "limit": given.limit,
            "epochs": given.epochs,
        }
        for seed, lr, truncate in product(given.seeds, given.lr, given.truncate)
    }
    try:
        done = run_jobs(jobs, train, given.jobs, given.out, any_code=given.any_code, shown=shown)
    except KeyboardInterrupt:
        return 130
    print(f"{'truncate':>8}  " + " ".join(f"lr {lr:<7g}" for lr in given.lr))
    for truncate in given.truncate:
        found = [accuracies(done, lr, truncate, given.seeds) for lr in given.lr]
        print(
            f"{truncate:>8}  "
            + " ".join(f"{mean(values):<10.4f}" if values else f"{'-':<10}" for values in found)
        )
    if done:
        draw(figure, done, given)
        figure.savefig(given.out / "sweep.png", dpi=120)
        print(f"\n{given.out / 'sweep.png'}")
    return 0 if len(done) == len(jobs) else 1


def shown(result: dict[str, float]) -> str:
    """The row of a run."""
    return "accuracy {accuracy:.4f}, training loss {train_loss:.4f}".format(**result)


if __name__ == "__main__":
    sys.exit(main())
