"""Callbacks that show progress while a model trains: a progress bar and a line for each epoch.

Errors: none.
"""

import math
import sys
import time
import warnings
from typing import Any

from minigrad.support.notebook import shell
from minigrad.support.text import for_terminal, printable

from ..run import Run
from .base import Callback


class ProgressBar(Callback):
    """A progress bar for each epoch, with the loss, the metrics and the examples per second.

    `unit` is the name of the examples, such as "reviews". To count parts of the examples instead,
    such as "characters", set `per_example` to the number of parts in each example. In a notebook,
    the bar is a widget, or text if ipywidgets is missing. If stderr is not a terminal, for example
    in CI, a plain line is printed every tenth of an epoch.

    Since: 0.1.
    """

    rank_0_only = True

    def __init__(self, unit: str = "examples", per_example: int = 1) -> None:
        self.unit = unit
        self.per_example = per_example
        self._bar: Any = None
        self._shown = 0.0

    def on_step(self, trainer: Run) -> None:
        now = time.perf_counter()
        batch = trainer.batch
        total = trainer.batches
        if self._bar is None and (sys.stderr.isatty() or _in_notebook()):
            self._bar = _bar(trainer)
        if self._bar is None:
            # print every tenth of an epoch, or every 100 batches if the epoch's length is unknown
            if batch * 10 // (total or 1000) != (batch - 1) * 10 // (total or 1000):
                line = f"epoch {trainer.epoch + 1}/{trainer.epochs}  batch {batch}/{total or '?'}  "
                print(line + self._figures(trainer), file=sys.stderr, flush=True)
        # Update at most ten times a second, because formatting takes longer than a small model's
        # step.
        elif now - self._shown > 0.1 or batch == total:
            self._shown = now
            last = batch == total and trainer.validation is not None
            self._bar.n = batch
            self._bar.set_postfix_str(self._figures(trainer) + "  validating" * last)

    def _figures(self, trainer: Run) -> str:
        means = trainer.means
        values = [f"{printable(name)} {mean:.3f}" for name, mean in means.result().items()]
        rate = self.per_example * means.count / max(trainer.elapsed(), 1e-9)
        return "  ".join([*values, f"{rate:,.0f} {self.unit}/s"])

    def on_epoch_end(self, trainer: Run) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None
        self._shown = 0.0

    on_end = on_epoch_end


def _bar(trainer: Run) -> Any:
    # without ipywidgets, tqdm.auto warns and falls back to plain tqdm
    with warnings.catch_warnings(action="ignore"):
        from tqdm.auto import tqdm

    return tqdm(
        file=sys.stdout if _in_notebook() else sys.stderr,  # a notebook shows stderr in red
        total=trainer.batches,
        desc=f"epoch {trainer.epoch + 1}/{trainer.epochs}",
        leave=False,
    )


class EpochReport(Callback):
    """Print a line for each epoch: its number, the training and validation losses and metrics, and
    the seconds it took.

    Since: 0.1.
    """

    rank_0_only = True

    def on_start(self, trainer: Run) -> None:
        self._heads: dict[str, str] = {}

    def on_epoch_end(self, trainer: Run) -> None:
        row = trainer.history.rows[-1]
        if not self._heads:
            self._heads = {
                column: for_terminal(printable(column.replace("_", " "))).rjust(9)
                for column in row
                if column != "step"
            }
            print("  ".join(self._heads.values()))
        cells = [
            _cell(row.get(column, math.nan)).rjust(len(head))
            for column, head in self._heads.items()
        ]
        print("  ".join(cells), flush=True)


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:#.4g}"


def _in_notebook() -> bool:
    return "IPKernelApp" in getattr(shell(), "config", {})
