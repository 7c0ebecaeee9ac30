"""Callbacks that show progress while a model trains: a bar, and a line for each epoch.

Errors: none, for a `unit` in text.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

from minigrad.notebook import shell
from minigrad.printing import for_terminal, printable

from ..run import Run
from .base import Callback


class ProgressBar(Callback):
    """A bar for each epoch: loss, accuracy, examples per second. `unit` names the examples: "reviews".

    In a notebook it is a widget, or text where ipywidgets is missing. If stderr is not a terminal (a log file, CI), it
    prints a plain line every tenth of an epoch.
    """

    def __init__(self, unit: str = "examples") -> None:
        self.unit = unit
        self._bar: Any = None
        self._began = self._shown = 0.0
        self._counted = 0  # examples of this epoch from before the run was resumed

    def on_step(self, trainer: Run) -> None:
        now = time.perf_counter()
        if self._bar is None:
            self._open(trainer, now)
        if isinstance(self._bar, _PlainLines):
            self._bar.show(trainer, self._rate(trainer, now))
            return
        # Formatting takes longer than a small model's step, and ten times a second is enough for a reader.
        if now - self._shown > 0.1 or trainer.batch == trainer.batches:
            self._shown = now
            shown = {printable(name): f"{value:.3f}" for name, value in trainer.means.result().items()}
            shown[f"{self.unit}/s"] = f"{self._rate(trainer, now):,.0f}"
            if trainer.batch == trainer.batches and trainer.validation is not None:
                shown["now"] = "validating"
            self._bar.n = trainer.batch
            self._bar.set_postfix(shown)

    def on_epoch_end(self, trainer: Run) -> None:
        self._close()

    def on_end(self, trainer: Run) -> None:
        self._close()

    def _open(self, trainer: Run, now: float) -> None:
        self._began, self._shown = trainer.step_began, 0.0
        self._counted = trainer.means.count - trainer.examples
        if not sys.stderr.isatty() and not _in_notebook():
            self._bar = _PlainLines(self.unit)
            return
        with warnings.catch_warnings(action="ignore"):  # without ipywidgets, tqdm.auto warns and is the plain tqdm
            from tqdm.auto import tqdm

        self._bar = tqdm(
            file=sys.stdout if _in_notebook() else sys.stderr,  # a notebook shows stderr in red
            total=trainer.batches,
            initial=trainer.batch - 1,
            desc=f"epoch {trainer.epoch + 1}/{trainer.epochs}",
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
            leave=False,
            dynamic_ncols=True,
        )

    def _rate(self, trainer: Run, now: float) -> float:
        return (trainer.means.count - self._counted) / max(now - self._began, 1e-9)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None


class _PlainLines:
    """Stands in for the bar where there is no terminal: a line every tenth of an epoch, on stderr."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self._tenth = 0

    def show(self, trainer: Run, rate: float) -> None:
        total = trainer.batches
        tenth = trainer.batch * 10 // total if total else trainer.batch // 100
        if tenth == self._tenth:
            return
        self._tenth = tenth
        means = "  ".join(f"{name} {value:.3f}" for name, value in trainer.means.result().items())
        print(
            f"epoch {trainer.epoch + 1}/{trainer.epochs}  batch {trainer.batch}{f'/{total}' if total else ''}"
            f"  {printable(means)}  {rate:,.0f} {self.unit}/s",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Nothing to close."""


class EpochReport(Callback):
    """One line for each epoch on stdout: epoch, losses and metrics of train and validation, seconds."""

    def __init__(self) -> None:
        self._widths: dict[str, int] = {}

    def on_start(self, trainer: Run) -> None:
        self._widths = {}

    def on_epoch_end(self, trainer: Run) -> None:
        row = trainer.history.rows[-1]
        if not self._widths:
            heads = {
                column: for_terminal(printable(column.replace("_", " "))).rjust(_WIDTH.get(column, 0))
                for column in row
                if column != "step"
            }
            self._widths = {column: len(head) for column, head in heads.items()}
            print("  ".join(heads.values()))
        cells = []
        for column, width in self._widths.items():
            value = row.get(column, float("nan"))
            text = f"{value:d}" if isinstance(value, int) else f"{value:.1f}" if column == "seconds" else f"{value:.4g}"
            cells.append((f"{value:.4f}" if column.endswith(("loss", "accuracy")) else text).rjust(width))
        print("  ".join(cells), flush=True)


_WIDTH = {"epoch": 5, "seconds": 7}


def _in_notebook() -> bool:
    return "IPKernelApp" in getattr(shell(), "config", {})
