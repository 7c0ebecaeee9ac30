"""Callbacks that show progress while a model trains: a bar, and a line for each epoch.

Errors: none, for a `unit` in text.
"""

import sys
import time
import warnings
from typing import Any

from minigrad.support.notebook import shell
from minigrad.support.text import for_terminal, printable

from ..run import Run
from .base import Callback


class ProgressBar(Callback):
    """A bar for each epoch: loss, accuracy, examples per second. `unit` names the examples:
    "reviews"; or the
    parts of them, if each has `per_example`: "characters".

    In a notebook it is a widget, or text where ipywidgets is missing. If stderr is not a terminal
    (a log file, CI), it prints a plain line every tenth of an epoch.
    """

    rank_0_only = True

    def __init__(self, unit: str = "examples", per_example: int = 1) -> None:
        self.unit, self.per_example = unit, per_example
        self._bar: Any = None
        self._began = self._shown = 0.0
        self._counted = 0  # examples of this epoch from before the run was resumed

    def on_step(self, trainer: Run) -> None:
        now, total, means = time.perf_counter(), trainer.batches, trainer.means
        if not self._began:
            self._began, self._counted = trainer.step_began, means.count - trainer.examples
            self._bar = _bar(trainer) if sys.stderr.isatty() or _in_notebook() else None
        examples = self.per_example * (means.count - self._counted)
        rate = f"{examples / max(now - self._began, 1e-9):,.0f}"
        if self._bar is None:
            if self._tenths(trainer.batch, total) != self._tenths(trainer.batch - 1, total):
                batch = f"{trainer.batch}/{total}" if total else str(trainer.batch)
                values = printable(
                    "  ".join(f"{name} {mean:.3f}" for name, mean in means.result().items())
                )
                line = f"epoch {trainer.epoch + 1}/{trainer.epochs}  batch {batch}  {values}  {rate} {self.unit}/s"
                print(line, file=sys.stderr, flush=True)
        # Formatting takes longer than a small model's step, and ten times a second is enough for a
        # reader.
        elif now - self._shown > 0.1 or trainer.batch == total:
            self._shown = now
            shown = {printable(name): f"{value:.3f}" for name, value in means.result().items()}
            shown[f"{self.unit}/s"] = rate
            if trainer.batch == total and trainer.validation is not None:
                shown["now"] = "validating"
            self._bar.n = trainer.batch
            self._bar.set_postfix(shown)

    def on_epoch_end(self, trainer: Run) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar, self._began, self._shown = None, 0.0, 0.0

    on_end = on_epoch_end

    @staticmethod
    def _tenths(batch: int, total: int | None) -> int:
        return batch * 10 // total if total else batch // 100


def _bar(trainer: Run) -> Any:
    # without ipywidgets, tqdm.auto warns and is the plain tqdm
    with warnings.catch_warnings(action="ignore"):
        from tqdm.auto import tqdm

    return tqdm(
        file=sys.stdout if _in_notebook() else sys.stderr,  # a notebook shows stderr in red
        total=trainer.batches,
        initial=trainer.batch - 1,
        desc=f"epoch {trainer.epoch + 1}/{trainer.epochs}",
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
        leave=False,
        dynamic_ncols=True,
    )


class EpochReport(Callback):
    """One line for each epoch on stdout: epoch, losses and metrics of train and validation,
    seconds.
    """

    rank_0_only = True

    def __init__(self) -> None:
        self._heads: dict[str, str] = {}

    def on_start(self, trainer: Run) -> None:
        self._heads = {}

    def on_epoch_end(self, trainer: Run) -> None:
        row = trainer.history.rows[-1]
        if not self._heads:
            for column in row:
                if column != "step":
                    head = for_terminal(printable(column.replace("_", " ")))
                    self._heads[column] = head.rjust(_WIDTH.get(column, 0))
            print("  ".join(self._heads.values()))
        cells = [
            _cell(column, row.get(column, float("nan"))).rjust(len(head))
            for column, head in self._heads.items()
        ]
        print("  ".join(cells), flush=True)


def _cell(column: str, value: float) -> str:
    if column.endswith(("loss", "accuracy")):
        return f"{value:.4f}"
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if column == "seconds" else f"{value:.4g}"


_WIDTH = {"epoch": 5, "seconds": 7}


def _in_notebook() -> bool:
    return "IPKernelApp" in getattr(shell(), "config", {})
