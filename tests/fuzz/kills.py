"""Programs killed with `kill -9` at random moments: what is on disk is whole, and a resumed run
ends as the unbroken.

Each program is a fork of this process, which has loaded everything already, so that a kill takes
little time.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
import optim
from layers import GRU, LSTM, RNN, Dense, Dropout, Embedding, Sequential
from minigrad.data import Batches
from optim import BestWeights, LogFile, Snapshots, Trainer

from .fuzzer import Fuzzer, Generator

RUNS = 8  # different training runs, each of which must be run once unbroken


@dataclass(frozen=True)
class Killed:
    """Which training run is killed, and when, as shares of its unbroken time."""

    number: int
    moments: tuple[float, ...]


class Kills(Fuzzer):
    """Training runs, killed once or twice and resumed."""

    name = "kills"
    share = 1.5
    # which change the order of additions: a run and its continuation must have the same
    thresholds = False

    def __init__(self) -> None:
        self.unbroken: dict[int, tuple[float, dict[str, bytes]]] = {}

    def missing(self) -> str:
        return "" if hasattr(os, "fork") else "this system has no fork"

    def case(self, rng: Generator) -> Killed:
        return Killed(
            int(rng.integers(RUNS)), tuple(rng.uniform(0, 0.95, rng.choice([1, 1, 2])).tolist())
        )

    def fault(self, case: Killed) -> str:
        with tempfile.TemporaryDirectory() as name:
            return self.killed_run(case.moments, case.number, Path(name))

    def killed_run(self, moments: tuple[float, ...], number: int, folder: Path) -> str:
        length, expected = self.run_unbroken(number)
        for moment in moments:
            delay = moment * length
            while not kill(lambda: train(number, folder), delay):  # it was over before
                delay *= 0.8
            for path in folder.rglob("*.safetensors"):
                mg.load(path)  # an error if it is not whole
        if problem := finish(lambda: train(number, folder)):
            return f"the resumed run failed: {problem}"
        if stray := [path.name for path in folder.rglob("*.unfinished")]:
            return f"unfinished files: {stray}"
        wrong = [
            name for name, content in expected.items() if (folder / name).read_bytes() != content
        ]
        return f"the resumed run ended elsewhere: {wrong}" if wrong else ""

    def run_unbroken(self, number: int) -> tuple[float, dict[str, bytes]]:
        """How long it takes, and the files at its end."""
        if number not in self.unbroken:
            with tempfile.TemporaryDirectory() as name:
                began = time.monotonic()
                if problem := finish(lambda: train(number, Path(name))):
                    raise RuntimeError(problem)
                files = {
                    end: Path(name, end).read_bytes()
                    for end in ("end.safetensors", "best.safetensors")
                }
                self.unbroken[number] = time.monotonic() - began, files
        return self.unbroken[number]

    def as_test(self, case: Killed) -> str:
        return (
            "from tests.fuzz.kills import Killed, Kills\n\n\ndef test_a_kill():\n"
            "    for _ in range(20):  # a matter of time\n"
            f"        assert Kills().fault({case!r}) == ''\n"
        )


def fork(program: Callable[[], None], problems: Path) -> int:
    """Start `program` as another process, and return its number."""
    sys.stdout.flush()
    sys.stderr.flush()
    if process := os.fork():
        return process
    try:
        program()
        os._exit(0)
    except BaseException:
        problems.write_text(traceback.format_exc())
    finally:
        os._exit(1)


def kill(program: Callable[[], None], delay: float) -> bool:
    """Start the program and kill it after so many seconds. Whether it was still running."""
    process = fork(program, Path(os.devnull))
    time.sleep(delay)
    os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL


def finish(program: Callable[[], None]) -> str:
    """Run the program to its end: its traceback, or "" if it went well."""
    with tempfile.NamedTemporaryFile("r") as problems:
        os.waitpid(fork(program, Path(problems.name)), 0)
        return problems.read()


# ---- a training run with everything on ----


def train(number: int, folder: Path) -> None:
    """Run number `number`; from the newest snapshot in `folder`, if there is one."""
    rng = np.random.default_rng(number)
    # most words are in few batches: their rows wait for updates
    ids = rng.integers(1, 400, (120, 6))
    labels = (ids[:, -3:].sum(axis=1) > 600).astype(int)
    mg.seed(number)
    kind: Any = (RNN, GRU, LSTM)[number % 3]
    model = Sequential(Embedding(400, 8), kind(8, 6), Dropout(0.3), Dense(6, 2))
    # without decay, updates of its rows are put off
    table, rest = optim.split(model.named_parameters(), "embedding")
    groups: list[dict[str, Any]] = [
        {"parameters": table, "weight_decay": 0.0},
        {"parameters": rest},
    ]
    optimizer = [
        lambda: optim.SGD(groups, lr=0.5, momentum=0.9, nesterov=True, weight_decay=1e-4),
        lambda: optim.Adam(groups, lr=0.01),
        lambda: optim.AdamW(groups, lr=0.01),
        lambda: optim.RMSprop(groups, lr=0.01),
    ][number % 4]()
    callbacks = [
        optim.ClipGradients(1.0),
        optim.LearningRate(optim.WarmUp(5, optim.CosineSchedule(60))),
        BestWeights(folder / "best.safetensors"),
        optim.EarlyStopping(patience=3),
        LogFile(folder / "history.csv"),
        Snapshots(folder / "snapshots", every_steps=2 + number % 2, every_epochs=1, keep=2),
    ]
    trainer = Trainer(
        model,
        mg.softmax_cross_entropy,
        optimizer,
        callbacks=callbacks,
        seed=5,
        config={"number": number},
    )
    newest = Snapshots.latest(folder / "snapshots")
    validation = Batches(ids[96:], labels[96:], batch_size=12)
    history = trainer.fit(
        Batches(ids[:96], labels[:96], batch_size=6), 4, validation, resume=newest
    )
    # The end of the run in full: the best weights, which the model has now, and the last ones with
    # all other state.
    rows = [
        {name: value for name, value in row.items() if name != "seconds"} for row in history.rows
    ]
    mg.save(
        folder / "end.safetensors", model.state_dict() | optimizer.state_dict(), {"history": rows}
    )
