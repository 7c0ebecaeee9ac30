"""Provide shared code for the reference experiments: a command line, and tables of published and
measured figures.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import mean

sys.path.append(str(Path(__file__).resolve().parents[1]))

import cli  # import this before NumPy, because it sets the number of BLAS threads
from minigrad.data import IMDB, load_imdb

Figures = Mapping[str, float]
"""The figures of one run as {name: figure}, for example {"GRU, accuracy after epoch 2": 0.79}."""


def reviews(limit: int | None) -> IMDB:
    """Load the bundled reviews, or the first `limit` reviews of each split."""
    imdb = load_imdb()
    return IMDB(imdb.train[:limit], imdb.test[:limit], imdb.vocabulary)


def parser(description: str | None, whole_reviews: bool = False) -> argparse.ArgumentParser:
    """Return a parser for the options that all experiments share. --data-dir is included if the
    experiment reads whole reviews.
    """
    options = cli.parser(description)
    add = options.add_argument
    add(
        "--seeds",
        type=int,
        nargs="+",
        default=[0, 1, 2],
        metavar="N",
        help="the seeds, one run for each (0 1 2)",
    )
    add(
        "--limit",
        type=int,
        metavar="N",
        help="use only the first N reviews of each split, for a quick test",
    )
    if whole_reviews:
        add(
            "--data-dir",
            metavar="FOLDER",
            help="folder of tensorflow-datasets (its default folder)",
        )
    return options


def main(
    description: str | None, title: str, known: Mapping[str, Figures], run: Callable[..., Figures]
) -> None:
    """Parse the command line, call `run(seed, limit)` for each seed, and print the table."""
    options = parser(description).parse_args()
    print("\n" + compare(title, known, partial(run, limit=options.limit), options.seeds))


def compare(
    title: str, known: Mapping[str, Figures], run: Callable[[int], Figures], seeds: Sequence[int]
) -> str:
    """Call `run` for each seed, and return a `report` of the results."""
    start = time.perf_counter()
    runs = {seed: run(seed) for seed in seeds}
    return report(title, known, runs, (time.perf_counter() - start) / len(seeds))


def report(
    title: str, known: Mapping[str, Figures], measured: Mapping[int, Figures], seconds: float
) -> str:
    """Return a Markdown table of known figures and the means and ranges of measured figures.

    `known` contains a column for each source, for example {"published": {...}}. If a source lacks a
    figure, the cell is empty. `measured` is {seed: figures}. `seconds` is the mean time per seed.
    """
    seeds, runs = list(measured), list(measured.values())
    names = dict.fromkeys(name for figures in [*runs, *known.values()] for name in figures)
    rows = [["", *known, "measured", "lowest to highest"]]
    for name in names:
        values = [figures[name] for figures in runs if name in figures]
        cells = [f"{figures[name]:.4f}" if name in figures else "" for figures in known.values()]
        summary = ["", ""]
        if values:
            summary = [f"{mean(values):.4f}", f"{min(values):.4f} to {max(values):.4f}"]
        rows.append([name, *cells, *summary])
    count = f"seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"seed {seeds[0]}"
    return f"### {title}\n\n{table(rows)}\n\n{count}; {seconds:.0f} s a seed; {machine()}\n"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with aligned columns. The first row is the header."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine() -> str:
    """Describe the machine and the software versions of the measurement."""
    return f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}, NumPy {version('numpy')}"
