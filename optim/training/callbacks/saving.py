"""Callbacks that write files: snapshots, best weights, a log, learning curves, and a drawing. A
failed write only causes a warning.

Errors: OptionError if the column to monitor is missing (MG314), and for a number out of range
(MG305); DtypeError (MG507) for state that cannot be saved; CheckpointError (MG509) if safetensors
is not installed; OSError for a folder that cannot be created.
"""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from minigrad import generator
from minigrad.checkpoint import check_match, save
from minigrad.errors import MinigradError, OptionError
from minigrad.help.other_frameworks import answering

from ...optimizer import Array, check_range
from ...parameters import set_weights, weights
from ...recording.page import page, write
from ...recording.recorder import Recorder
from ..history import FilePath
from ..run import Run
from ..snapshot import part, store
from .base import Callback, Every
from .control import Monitor


class Snapshots(Every):
    """Store the whole run in `folder`, every `every_epochs` epochs or `every_steps` steps, and
    after Ctrl-C. Only the newest `keep` snapshots are kept.

    Snapshot files have names such as step-000000123.safetensors. Files with other names are never
    deleted. `fit(..., resume=path)` continues from a snapshot, and `Snapshots.latest(folder)`
    returns the path of the newest one.

    Errors: OptionError MG321 for a folder that contains snapshots of another run.

    Since: 0.1.
    """

    last: bool = True  # because a snapshot also stores the state of the other callbacks

    @answering
    def __init__(
        self,
        folder: FilePath,
        *,
        every_epochs: int | None = None,
        every_steps: int | None = None,
        keep: int = 2,
    ) -> None:
        super().__init__(every_epochs, every_steps)
        check_range("keep", keep, 1)
        self.folder = Path(folder)
        self.keep = keep

    @staticmethod
    def latest(folder: FilePath) -> Path | None:
        """Return the path of the newest snapshot in a folder, or None if the folder has none."""
        return max(Path(folder).glob(_PATTERN), default=None)

    def on_start(self, trainer: Run) -> None:
        if trainer.rank:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        newest = self.latest(self.folder)
        resumed = trainer.resuming and Path(trainer.resuming).resolve().parent
        if newest is not None and resumed != self.folder.resolve():
            raise OptionError(
                "MG321",
                f"{self.folder} contains snapshots of another run; the newest is {newest.name}",
                cause="if a folder contained the snapshots of two runs, resuming could continue "
                "the wrong run",
                remedy=f"continue that run with fit(..., resume={str(newest)!r}), delete its "
                "snapshots, or choose another folder",
            )

    def on_end(self, trainer: Run) -> None:
        newest = self.latest(self.folder)
        if trainer.stop_reason == "Ctrl-C" and newest is not None and not trainer.rank:
            print(
                f"Stopped by Ctrl-C after step {trainer.step}. To resume: fit(..., "
                f"resume={str(newest)!r})"
            )

    def act(self, trainer: Run) -> None:
        # The names sort by step. The snapshot after an epoch replaces the snapshot after the
        # epoch's last step.
        newest = self.folder / f"step-{trainer.step:09d}.safetensors"
        ranks = trainer.everyone(
            (generator().bit_generator.state, getattr(trainer.model, "carried_state", dict)())
        )
        if not trainer.rank and warn_if_failing(lambda: store(trainer, newest, ranks)):
            found = sorted(self.folder.glob(_PATTERN))
            end = found.index(newest) + 1
            # Also delete snapshots of later steps, which exist if the run was resumed from an
            # earlier step.
            for path in [*found[: max(end - self.keep, 0)], *found[end:]]:
                path.unlink(missing_ok=True)

    on_interrupt = act


# the pattern does not match a user's file such as step-best.safetensors
_PATTERN = f"step-{'[0-9]' * 9}.safetensors"


class RunPage(Callback):
    """Write a page that shows what happened during the run: one HTML file with a slider over the steps.

    The file is `path`, by default run.html in the current folder. The page is written when the run
    ends, also after Ctrl-C or an error. It shows the loss of every step, and at some steps the
    weights, gradients and outputs of each layer, and examples from the first batch. The callback
    does not change the results. Training on several processes is not recorded. docs/recording.md
    explains the page.

    Source: Smilkov et al., Direct-manipulation visualization of deep networks (2017).

    Since: 0.2.
    """

    rank_0_only: bool = True

    def __init__(self, path: FilePath = "run.html") -> None:
        self.path = Path(path)

    def on_start(self, trainer: Run) -> None:
        self._recorder = Recorder([trainer])
        self._recorder.__enter__()

    def on_end(self, trainer: Run) -> None:
        self._recorder.__exit__()
        if self._recorder.runs:
            title = type(trainer.model).__name__
            warn_if_failing(lambda: write(self.path, page(self._recorder, title)))


class BestWeights(Monitor):
    """Keep the weights of the best epoch, and load them into the model at the end of the run, even
    after an error.

    `monitor`, a column of the history, decides which epoch is best. If its name ends in "loss",
    lower values are better. Otherwise, higher values are better. If `path` is set, each improvement
    is also written to that file, as {parameter's path: array} with the Trainer's config.

    Since: 0.2.
    """

    remembers = (*Monitor.remembers, "epoch", "weights")

    def __init__(self, path: FilePath | None = None, *, monitor: str = "validation_loss") -> None:
        super().__init__(monitor)
        self.path = path

    def on_start(self, trainer: Run) -> None:
        self.epoch = 0
        self.weights: dict[str, Array] = {}  # first, because on_end follows an error
        self._model = trainer.model
        super().on_start(trainer)
        if self.path is not None and not trainer.rank:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)

    def on_epoch_end(self, trainer: Run) -> None:
        if not self.improved(trainer):
            return
        self.epoch = trainer.epoch
        self.weights = {name: array.copy() for name, array in weights(trainer.model).items()}
        self._write(trainer)

    def _write(self, trainer: Run) -> None:
        if self.path is not None and not trainer.rank:
            path = self.path
            info = {"config": trainer.config, "epoch": self.epoch, self.monitor: self.value}
            warn_if_failing(lambda: save(path, self.weights, info))

    def on_end(self, trainer: Run) -> None:
        if not self.weights:
            return
        if self.path is not None and not Path(self.path).exists():
            self._write(trainer)  # the interrupted run wrote to another path
        set_weights(trainer.model, self.weights)

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        weights = state.pop("weights").items()
        return state | {f"weights/{name}": array for name, array in weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        best = part(state, "weights/")
        check_match(best, weights(self._model) if state["epoch"] else {}, "the model")
        super().load_state_dict({**state, "weights": best})


class _Writer(Callback):
    """Base class of callbacks that only write a file."""

    rank_0_only = True

    @answering
    def __init__(self, path: FilePath) -> None:
        self.path = path

    def on_start(self, trainer: Run) -> None:
        # raise an error now instead of after the first epoch
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)


class LogFile(_Writer):
    """Write the history to a file after each epoch, as CSV.

    Since: 0.1.
    """

    def on_epoch_end(self, trainer: Run) -> None:
        warn_if_failing(lambda: trainer.history.save(self.path))


class LearningCurves(_Writer):
    """After each epoch, plot the loss and the metrics over epochs as a .png, .svg or .pdf file.
    Requires minigrad-edu[plot].

    Since: 0.1.
    """

    def on_start(self, trainer: Run) -> None:
        super().on_start(trainer)
        trainer.history.plot(self.path)  # raise any error before the run starts

    def on_epoch_end(self, trainer: Run) -> None:
        warn_if_failing(lambda: trainer.history.plot(self.path))


class GraphPicture(_Writer):
    """Draw the graph of the run's first step, with its gradients. `options` are passed to
    `mg.draw`.

    Before the graph is drawn, `mg.unfuse` replaces each fused gate with the gates that it combines.

    Since: 0.1.
    """

    # all ranks draw, and only rank 0 writes, because drawing may run a backward pass, which sums
    # over the ranks
    rank_0_only = False

    @answering
    def __init__(self, path: FilePath, **options: Any) -> None:
        super().__init__(path)
        self.options = options

    def on_gradients(self, trainer: Run) -> None:
        loss = trainer.loss_tensor
        if trainer.step == 0 and loss is not None:
            from minigrad import draw, unfuse

            path = None if trainer.rank else self.path
            warn_if_failing(lambda: draw(unfuse(loss), path, **self.options))


PASSING = "MG506", "MG607", "MG803"  # a failed write; `dot` is missing


def warn_if_failing(write: Callable[[], object]) -> bool:
    """Run `write`. If this fails (no space, no permission, no `dot`), warn and return False.

    Errors that would recur at every write are raised, such as a value that cannot be saved or a
    missing safetensors package.
    """
    try:
        write()
    except MinigradError as error:
        if error.code not in PASSING:
            raise
        warnings.warn(f"{error}\n  training continues", RuntimeWarning, stacklevel=2)
        return False
    return True
