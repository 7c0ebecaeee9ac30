"""History: the record of a run, one row for each epoch or evaluation, as CSV, JSON lines or
learning curves.
"""

import csv
import io
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.checkpoint import replace_file
from minigrad.errors import OptionError
from minigrad.support.notebook import new_figure, table
from minigrad.support.text import printable


class History(Mapping[str, list[float]]):
    """Rows of numbers, read by column: `history["train_loss"]` lists that column's values, oldest
    first.

    A row need not have every column. `rows` holds the rows as they were added.

    >>> history = History([{"epoch": 1, "train_loss": 0.7}, {"epoch": 2, "train_loss": 0.5, "lr": 0.1}])
    >>> history["train_loss"], list(history)
    ([0.7, 0.5], ['epoch', 'train_loss', 'lr'])
    >>> print(history.csv())
    epoch,train_loss,lr
    1,0.7,
    2,0.5,0.1

    Errors: KeyError for a column that no row has; OptionError for another suffix of a file (MG317).
    """

    def __init__(self, rows: list[dict[str, float]] | None = None) -> None:
        self.rows: list[dict[str, float]] = list(rows or [])

    def __getitem__(self, column: str) -> list[float]:
        values = [row[column] for row in self.rows if column in row]
        if not values:
            raise KeyError(f"no column {column!r}; there are {', '.join(self) or 'none yet'}")
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(column for row in self.rows for column in row))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return printable(f"History of {len(self.rows)} rows: {', '.join(self)}")

    def _repr_html_(self) -> str:
        columns, rows = list(self), self.rows[-12:]
        note = (
            f"the last {len(rows)} of {len(self.rows)} rows; plot() draws them all"
            if self.rows[12:]
            else ""
        )
        return table(
            repr(self), columns, [[row.get(column, "") for column in columns] for row in rows], note
        )

    def csv(self) -> str:
        """The rows as CSV with a header line; a value that a row lacks is left empty."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self), lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {column: _number(value) for column, value in row.items()} for row in self.rows
        )
        return text.getvalue()

    def json_lines(self) -> str:
        """The rows as JSON, one on each line. JSON has no NaN and no infinity: they become null."""
        lines = []
        for row in self.rows:
            numbers = {column: _number(value) for column, value in row.items()}
            finite = {
                column: value if math.isfinite(value) else None for column, value in numbers.items()
            }
            lines.append(json.dumps(finite, allow_nan=False) + "\n")
        return "".join(lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `csv()` or `json_lines()` to a file that ends in .csv or .jsonl, whole or not at
        all.
        """
        forms = {".csv": self.csv, ".jsonl": self.json_lines}
        suffix = check_suffix(path, tuple(forms))
        replace_file(path, lambda file: file.write(forms[suffix]().encode()))

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Learning curves: a panel for the loss and one for each metric, train beside validation,
        over epochs.

        With `path` (.png .svg .pdf) the chart is written there; the matplotlib figure is returned
        either way. Needs the extra minigrad[plot].
        """
        splits = [column.removesuffix("_loss") for column in self if column.endswith("_loss")]
        quantities = []  # loss, accuracy, ...
        for column in self:
            split, _, quantity = column.partition("_")
            if split in splits and quantity and quantity not in quantities:
                quantities.append(quantity)
        figure = new_figure("a plot of learning curves", 5 * max(len(quantities), 1), 3.6)
        for panel, quantity in enumerate(quantities, start=1):
            axes = figure.add_subplot(1, len(quantities), panel)
            for style, split in zip(_STYLES, splits, strict=False):
                column = f"{split}_{quantity}"
                points = [(row["epoch"], row[column]) for row in self.rows if column in row]
                if points:
                    axes.plot(*zip(*points, strict=True), style, label=split, markersize=4)
            axes.set_xlabel("epoch")
            axes.set_ylabel(quantity.replace("_", " "))
            axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axes.grid(alpha=0.3)
            axes.legend()
        return save_figure(figure, path)


_STYLES = ("o-", "s--", "^:", "d-.")  # told apart by marker and dash as well as by colour


def _number(value: Any) -> Any:
    """A number of NumPy as Python's, as a resumed run has it."""
    return value.item() if isinstance(value, np.generic) else value


def save_figure(figure: Any, path: str | os.PathLike[str] | None) -> Any:
    """The Matplotlib figure, which is also written to `path`, if there is one: .png, .svg or
    .pdf.
    """
    if path is not None:
        kind = check_suffix(path, (".png", ".svg", ".pdf"))[1:]
        replace_file(path, lambda file: figure.savefig(file, format=kind, dpi=150))
    return figure


def check_suffix(path: str | os.PathLike[str], known: tuple[str, ...]) -> str:
    """The suffix of `path`, if it is one of `known`; an OptionError MG317 otherwise."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise OptionError(
            "MG317",
            f"cannot write {str(path)!r}: the suffix {suffix or '(none)'} is none of "
            f"{', '.join(known)}",
            cause="the suffix says in which format a file is written",
            remedy=f"end the name in {' or '.join(known)}",
        )
    return suffix
