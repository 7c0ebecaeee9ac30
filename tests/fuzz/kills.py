"""Training runs killed with `kill -9` at random moments: the files are whole, and a resumed run ends
as the unbroken one.

Each run is a fork of this process, which has loaded everything already, so that a kill takes little
time.
"""

from __future__ import annotations

import os
import pickle
import signal
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import minigrad as mg
from optim import BestWeights, LogFile, Snapshots

from .fuzzer import Fuzzer, Generator
from .training import CALLBACKS, RULES, Settings, Training, difference


@dataclass(frozen=True)
class Killed:
    """Which training run is killed, and when, as shares of the time that the unbroken one takes."""

    number: int
    moments: tuple[float, ...]


class Kills(Fuzzer):
    """Training runs, killed once or twice and resumed."""

    name = "kills"
    share = 1.5
    # which change the order of additions: a run and its continuation must have the same
    thresholds = False

    def missing(self) -> str:
        return "" if hasattr(os, "fork") else "this system has no fork"

    def case(self, rng: Generator) -> Killed:
        moments = rng.uniform(0, 0.95, rng.choice([1, 1, 2]))
        return Killed(int(rng.integers(1000)), tuple(moments.tolist()))

    def fault(self, case: Killed) -> str:
        with tempfile.TemporaryDirectory() as name:
            whole, broken = Path(name, "whole"), Path(name, "broken")
            began = time.monotonic()
            expected = finish(case.number, whole)
            length = time.monotonic() - began
            for moment in case.moments:
                process = fork(case.number, broken)
                time.sleep(moment * length)
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                for path in broken.rglob("*.safetensors"):
                    mg.load(path)  # an error if it is not whole
            found = finish(case.number, broken)
            if stray := [path.name for path in broken.rglob("*.unfinished")]:
                return f"unfinished files: {stray}"
        if "error" in found | expected:
            return f"the run failed: {found}"
        return difference(found, expected)


def train(number: int, folder: Path) -> dict[str, Any]:
    """The end of run `number`, from the newest snapshot in `folder`, if there is one."""
    settings = Settings(
        seed=number,
        model="words",
        rule=list(RULES)[number % len(RULES)],
        epochs=4,
        shuffle=True,
        validation="test",
        callbacks=CALLBACKS,
    )
    best = folder / "best.safetensors"
    end = Training(settings).run(
        BestWeights(best),
        LogFile(folder / "history.csv"),
        Snapshots(
            folder / "snapshots", every_steps=2 + number % 2, every_epochs=1, keep=2
        ),
        resume=Snapshots.latest(folder / "snapshots"),
    )
    return end | {"best weights": best.read_bytes()}


def fork(number: int, folder: Path) -> int:
    """Train in another process, which writes its result, and return the process's number."""
    if process := os.fork():
        return process
    try:
        folder.mkdir(exist_ok=True)
        try:
            result = train(number, folder)
        except BaseException:
            result = {"error": traceback.format_exc()}
        (folder / "end").write_bytes(pickle.dumps(result))
    finally:
        os._exit(0)


def finish(number: int, folder: Path) -> dict[str, Any]:
    """Train in another process to the end, and return the result."""
    os.waitpid(fork(number, folder), 0)
    result: dict[str, Any] = pickle.loads((folder / "end").read_bytes())
    return result
