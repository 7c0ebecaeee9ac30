"""History: the record of a run, with a row for each epoch or evaluation. Export it as CSV or
learning curves.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

from minigrad.checkpoint import replace_file
from minigrad.support.notebook import new_figure, table
from minigrad.support.text import printable

FilePath = str | PathLike[str]
Row = dict[str, float]


class History(Mapping[str, list[float]]):
    """A table of numbers. `history["train_loss"]` is the list of that column's values, oldest
    first.

    A row may lack some columns. `rows` contains the rows in the order in which they were added.

    >>> history = History([{"epoch": 1, "train_loss": 0.7}, {"epoch": 2, "train_loss": 0.5, "lr": 0.1}])
    >>> history["train_loss"], list(history)
    ([0.7, 0.5], ['epoch', 'train_loss', 'lr'])
    >>> print(history.csv())
    epoch,train_loss,lr
    1,0.7,
    2,0.5,0.1

    Errors: KeyError for a column that no row has; CheckpointError MG506 for a file that cannot be
    written.

    Since: 0.1.
    """

    def __init__(
        self,
        rows: Iterable[Row] = (),
    ) -> None:
        self.rows = list(rows)

    def __getitem__(self, column: str) -> list[float]:
        values = [row[column] for row in self.rows if column in row]
        if not values:
            known = ", ".join(self) or "none yet"
            raise KeyError(f"no column {column!r}; the columns are: {known}")
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(chain.from_iterable(self.rows)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return printable(f"History of {len(self.rows)} rows: {', '.join(self)}")

    def _repr_html_(self) -> str:
        columns = list(self)
        rows = []
        for row in self.rows[-12:]:
            rows.append([row.get(column, "") for column in columns])
        return table(repr(self), columns, rows)

    def csv(self) -> str:
        """Return the rows as CSV with a header line. Missing values are empty."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()

    def save(self, path: FilePath) -> None:
        """Write `csv()` to a file atomically: if an error occurs, the file does not change."""
        content = self.csv().encode()
        replace_file(path, lambda file: file.write(content))

    def plot(
        self,
        path: FilePath | None = None,
    ) -> Any:
        """Plot the learning curves, with one panel for the loss and one for each metric. Each panel
        shows training and validation values by epoch.

        Returns the matplotlib figure. If `path` (.png .svg .pdf) is set, the chart is also written
        to that file. Requires the extra minigrad-edu[plot].
        """
        losses = [column for column in self if column.endswith("_loss")]
        splits = [column.removesuffix("_loss") for column in losses]
        quantities = dict.fromkeys(
            column.removeprefix(f"{split}_")
            for column in self
            for split in splits
            if column.startswith(f"{split}_")
        )  # loss, accuracy, ...
        width = 5 * max(len(quantities), 1)
        figure = new_figure("a plot of learning curves", width, 3.6)
        for panel, quantity in enumerate(quantities, start=1):
            axes = figure.add_subplot(1, len(quantities), panel)
            for style, split in zip(_STYLES, splits, strict=False):
                column = f"{split}_{quantity}"
                rows = [row for row in self.rows if column in row]
                if rows:
                    epochs = [row["epoch"] for row in rows]
                    values = [row[column] for row in rows]
                    axes.plot(epochs, values, style, label=split, markersize=4)
            axes.set_xlabel("epoch")
            axes.locator_params(axis="x", integer=True)
            axes.set_ylabel(quantity.replace("_", " "))
            axes.legend()
        return save_figure(figure, path)


_STYLES = ("o-", "s--", "^:", "d-.")  # markers and dashes distinguish the curves without color


def save_figure(
    figure: Any,
    path: FilePath | None,
) -> Any:
    """Return the Matplotlib figure. If `path` is set, also write it there, in the format of its
    suffix.
    """
    if path is not None:
        kind = Path(path).suffix[1:]
        save = partial(figure.savefig, format=kind, dpi=150)
        replace_file(path, save)
    return figure
