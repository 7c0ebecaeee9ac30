"""What the reference experiments share: the command line, and tables of published and measured
figures.
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

import cli  # before NumPy: it sets the number of BLAS threads
from minigrad.data import IMDB, load_imdb

Figures = Mapping[str, float]
"""Figures of one run by name: "GRU, accuracy after epoch 2"."""


def reviews(limit: int | None) -> IMDB:
    """The bundled reviews, or the first of each split."""
    imdb = load_imdb()
    return IMDB(imdb.train[:limit], imdb.test[:limit], imdb.vocabulary)


def parser(description: str | None, whole: bool = False) -> argparse.ArgumentParser:
    """A parser of every experiment's options; `whole` if it reads whole reviews."""
    options = cli.parser(description)
    add = options.add_argument
    add(
        "--seeds",
        type=int,
        nargs="+",
        default=[0, 1, 2],
        metavar="N",
        help="a run for each (0 1 2)",
    )
    add(
        "--limit",
        type=int,
        metavar="N",
        help="only the first N reviews of each split, to try it out",
    )
    if whole:
        add("--data-dir", metavar="FOLDER", help="tensorflow-datasets' folder (its own default)")
    return options


def main(
    description: str | None, title: str, known: Mapping[str, Figures], run: Callable[..., Figures]
) -> None:
    """Read the command line, `run(seed, limit)` for each seed, and print the table."""
    given = parser(description).parse_args()
    print("\n" + compare(title, known, partial(run, limit=given.limit), given.seeds))


def compare(
    title: str, known: Mapping[str, Figures], run: Callable[[int], Figures], seeds: Sequence[int]
) -> str:
    """Run once for each seed, and return the `report` of it."""
    start = time.perf_counter()
    runs = {seed: run(seed) for seed in seeds}
    return report(title, known, runs, (time.perf_counter() - start) / len(seeds))


def report(
    title: str, known: Mapping[str, Figures], measured: Mapping[int, Figures], seconds: float
) -> str:
    """A Markdown table of the known figures, and of the means and ranges of those measured with
    each seed.

    `known` has a column for each source, such as {"published": {...}}. Figures that a source lacks
    are left empty. `seconds` is the mean time of a seed.
    """
    seeds, runs = list(measured), list(measured.values())
    names = dict.fromkeys(name for figures in [*runs, *known.values()] for name in figures)
    rows = [["", *known, "measured", "lowest to highest"]]
    for name in names:
        values = [figures[name] for figures in runs if name in figures]
        cells = [f"{figures[name]:.4f}" if name in figures else "" for figures in known.values()]
        found = ["", ""]
        if values:
            found = [f"{mean(values):.4f}", f"{min(values):.4f} to {max(values):.4f}"]
        rows.append([name, *cells, *found])
    count = f"seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"seed {seeds[0]}"
    return f"### {title}\n\n{table(rows)}\n\n{count}; {seconds:.0f} s a seed; {machine()}\n"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the first of them the header, as a Markdown table that reads well as plain text too."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine() -> str:
    """What the figures were measured with."""
    return f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}, NumPy {version('numpy')}"
