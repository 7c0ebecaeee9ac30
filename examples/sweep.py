"""Train an RNN on movie reviews for each learning rate, truncation and seed, and draw a heat map of
the accuracies.

    python examples/sweep.py --jobs 2                                   75 runs, two at a time
    python examples/sweep.py --jobs 2 --lr 0.001 0.01 --seeds 0 1 2 3   part of the grid, with one more seed
    python examples/sweep.py --limit 200 --epochs 1                     a quick try with meaningless results

With --truncate 4, the gradient flows back only through the last four words of a review. Each run is
a separate process and adds its result to runs/sweep/results.jsonl. You can stop the sweep with
Ctrl-C or choose a larger grid later. The next sweep performs only the missing runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from itertools import product
from statistics import mean
from typing import Any

import cli  # isort: skip  # import this first, because it checks that minigrad is installed

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from minigrad.data import Batches, load_imdb
from minigrad.errors import OptionError
from minigrad.support.jobs import Done, add_options, run_jobs
from minigrad.support.notebook import new_figure
from optim import Adam, EpochReport, Trainer


def train(lr: float, truncate: int, seed: int, limit: int, epochs: int) -> dict[str, float]:
    """Train one model. Returns the training loss and the accuracy on held-out reviews after the
    last epoch.
    """
    imdb = load_imdb()
    training, held_out = imdb.train.hold_back(2500)
    training = training[:limit]
    mg.seed(seed)
    model = Sequential(
        Embedding(len(imdb.vocabulary), 64), RNN(64, 32, truncate=truncate), Dense(32, 2)
    )
    optimizer = Adam(model.named_parameters(), lr=lr)
    trainer = Trainer(
        model, mg.softmax_cross_entropy, optimizer, callbacks=[EpochReport()], seed=seed
    )
    history = trainer.fit(
        Batches(training.ids, training.labels),
        epochs,
        Batches(held_out.ids, held_out.labels, batch_size=500),
    )
    return {"train_loss": history["train_loss"][-1], "accuracy": history["validation_accuracy"][-1]}


def run_name(lr: float, truncate: int, seed: int) -> str:
    """Return the name of a run and its log."""
    return f"lr{lr:g}-truncate{truncate}-seed{seed}"


def accuracies(done: Mapping[str, Done], lr: float, truncate: int, seeds: list[int]) -> list[float]:
    """Return the accuracies of all seeds that have a result."""
    names = [run_name(lr, truncate, seed) for seed in seeds]
    return [done[run].result["accuracy"] for run in names if run in done]


def draw(figure: Any, done: Mapping[str, Done], options: argparse.Namespace) -> None:
    """Draw a heat map. Each cell shows the mean over the seeds ± half the range."""
    cells = [
        [accuracies(done, lr, truncate, options.seeds) for lr in options.lr]
        for truncate in options.truncate
    ]
    means = [[mean(values) if values else float("nan") for values in row] for row in cells]
    panel = figure.subplots()
    image = panel.imshow(means, cmap="cividis", aspect="auto")
    low, high = image.get_clim()
    for (y, row), x in product(enumerate(cells), range(len(options.lr))):
        if values := row[x]:
            text = f"{mean(values):.3f}\n±{(max(values) - min(values)) / 2:.3f}"
            dark = mean(values) < (low + high) / 2
            panel.text(x, y, text, ha="center", va="center", color="white" if dark else "black")
    panel.set_xticks(range(len(options.lr)), [f"{lr:g}" for lr in options.lr])
    panel.set_yticks(range(len(options.truncate)), map(str, options.truncate))
    panel.set_xlabel("learning rate of Adam")
    panel.set_ylabel("words that the gradient goes back through")
    panel.set_title(
        f"accuracy on 2,500 held-out reviews after {options.epochs} epochs, {len(options.seeds)} seeds",
        fontsize=11,
    )
    figure.colorbar(image, label="mean accuracy")


def main() -> int:
    """Run the grid, print a table and draw the heat map. Returns the exit code."""
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("--lr", type=cli.positive, nargs="+", default=[1e-4, 3e-4, 1e-3, 3e-3, 1e-2], metavar="RATE",
        help="learning rates (0.0001 0.0003 0.001 0.003 0.01)")  # fmt: skip
    add("--truncate", type=cli.integer(1), nargs="+", default=[1, 2, 4, 10, 40], metavar="K",
        help="words that gradients go back through (1 2 4 10 40)")  # fmt: skip
    add(
        "--seeds",
        type=cli.integer(0),
        nargs="+",
        default=[0, 1, 2],
        metavar="N",
        help="the seeds, one run for each (0 1 2)",
    )
    add(
        "--limit", type=cli.integer(1), default=10_000, metavar="N", help="training reviews (10000)"
    )
    add("--epochs", type=cli.integer(1), default=3, metavar="N", help="passes over the reviews (3)")
    add_options(parser, "runs/sweep")
    options = parser.parse_args()
    try:
        figure = new_figure("the heat map", 7.5, 5)  # raises errors before the runs
    except OptionError as error:
        parser.error(str(error))
    jobs = {
        run_name(lr, truncate, seed): {
            "lr": lr,
            "truncate": truncate,
            "seed": seed,
            "limit": options.limit,
            "epochs": options.epochs,
        }
        for seed, lr, truncate in product(options.seeds, options.lr, options.truncate)
    }
    try:
        done = run_jobs(
            jobs, train, options.jobs, options.out, any_code=options.any_code, shown=format_result
        )
    except KeyboardInterrupt:
        return 130
    print(f"{'truncate':>8}  " + " ".join(f"lr {lr:<7g}" for lr in options.lr))
    for truncate in options.truncate:
        row_values = [accuracies(done, lr, truncate, options.seeds) for lr in options.lr]
        print(
            f"{truncate:>8}  "
            + " ".join(
                f"{mean(values):<10.4f}" if values else f"{'-':<10}" for values in row_values
            )
        )
    if done:
        draw(figure, done, options)
        figure.savefig(options.out / "sweep.png", dpi=120)
        print(f"\n{options.out / 'sweep.png'}")
    return 0 if len(done) == len(jobs) else 1


def format_result(result: dict[str, float]) -> str:
    """Return the text that `run_jobs` prints for a finished run."""
    return "accuracy {accuracy:.4f}, training loss {train_loss:.4f}".format(**result)


if __name__ == "__main__":
    sys.exit(main())
