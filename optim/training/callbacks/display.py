"""Callbacks that show progress while a model trains: a bar, and a line for each epoch.

Errors: none, for a `unit` in text.
"""

import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any

from minigrad.support.notebook import shell
from minigrad.support.text import for_terminal, printable

from ..run import Run
from .base import Callback


class ProgressBar(Callback):
    """A bar for each epoch: loss, accuracy, examples per second. `unit` names the examples: "reviews"; or the
    parts of them, if each has `per_example`: "characters".

    In a notebook it is a widget, or text where ipywidgets is missing. If stderr is not a terminal (a log file, CI), it
    prints a plain line every tenth of an epoch.
    """

    rank_0_only = True

    def __init__(self, unit: str = "examples", per_example: int = 1) -> None:
        self.unit, self.per_example = unit, per_example
        self._bar: Any = None
        self._began = self._shown = 0.0
        self._counted = 0  # examples of this epoch from before the run was resumed
        self._tenth = 0

    def on_step(self, trainer: Run) -> None:
        now, total = time.perf_counter(), trainer.batches
        if not self._began:
            self._began, self._counted = trainer.step_began, trainer.means.count - trainer.examples
            self._bar = _bar(trainer) if sys.stderr.isatty() or _in_notebook() else None
            self._tenth = self._tenths(trainer.batch - 1, total)
        examples = trainer.means.count - self._counted
        rate = f"{self.per_example * examples / max(now - self._began, 1e-9):,.0f}"
        if self._bar is None:
            tenth = self._tenths(trainer.batch, total)
            if tenth != self._tenth:
                self._tenth = tenth
                epoch, batch = f"{trainer.epoch + 1}/{trainer.epochs}", f"{trainer.batch}{f'/{total}' if total else ''}"
                means = printable("  ".join(f"{name} {mean:.3f}" for name, mean in trainer.means.result().items()))
                line = f"epoch {epoch}  batch {batch}  {means}  {rate} {self.unit}/s"
                print(line, file=sys.stderr, flush=True)
        # Formatting takes longer than a small model's step, and ten times a second is enough for a reader.
        elif now - self._shown > 0.1 or trainer.batch == total:
            self._shown = now
            shown = {printable(name): f"{value:.3f}" for name, value in trainer.means.result().items()}
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
    with warnings.catch_warnings(action="ignore"):  # without ipywidgets, tqdm.auto warns and is the plain tqdm
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
    """One line for each epoch on stdout: epoch, losses and metrics of train and validation, seconds."""

    rank_0_only = True

    def __init__(self) -> None:
        self._heads: dict[str, str] = {}
        self._columns: list[str] = []

    def on_start(self, trainer: Run) -> None:
        self._heads, self._columns = {}, []

    def on_epoch_end(self, trainer: Run) -> None:
        row = trainer.history.rows[-1]
        if not self._heads:
            self._columns = self._columns or [column for column in row if column != "step"]
            for column in self._columns:
                head = for_terminal(printable(column.replace("_", " ")))
                self._heads[column] = head.rjust(_WIDTH.get(column, 0))
            print("  ".join(self._heads.values()))
        cells = []
        for column, head in self._heads.items():
            value = row.get(column, float("nan"))
            text = f"{value:d}" if isinstance(value, int) else f"{value:.1f}" if column == "seconds" else f"{value:.4g}"
            cells.append((f"{value:.4f}" if column.endswith(("loss", "accuracy")) else text).rjust(len(head)))
        print("  ".join(cells), flush=True)

    def state_dict(self) -> dict[str, Any]:
        return {"columns": self._columns}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._columns = state["columns"]


_WIDTH = {"epoch": 5, "seconds": 7}


def _in_notebook() -> bool:
    return "IPKernelApp" in getattr(shell(), "config", {})
