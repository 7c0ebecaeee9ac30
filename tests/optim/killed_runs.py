"""Kills a training run at random moments and resumes it: does it end where the unbroken run ends, byte for byte?

    python tests/optim/killed_runs.py 20        # so many kills, each of a run of its own

Dropout, momentum, a schedule, clipping, shuffling, early stopping and best weights are all on, and there is a snapshot
every third step, so that many kills fall into the writing of one.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from layers import LSTM, Dense, Dropout, Embedding, Sequential
from minigrad.data import Batches
from optim import (
    SGD,
    BestSnapshot,
    ClipGradients,
    CosineSchedule,
    EarlyStopping,
    LearningRate,
    LogFile,
    Snapshots,
    Trainer,
    WarmUp,
    split,
)


def train(folder: Path) -> None:
    """A small run with everything on; from the newest snapshot in `folder`, if there is one."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 200, (400, 12))
    labels = (ids[:, -3:].sum(axis=1) > 300).astype(int)
    mg.seed(3)
    model = Sequential(Embedding(200, 24), LSTM(24, 16), Dropout(0.3), Dense(16, 2))
    table, rest = split(model.named_parameters(), "embedding")  # without decay, untouched rows of the table are put off
    groups: list[dict[str, Any]] = [{"parameters": table, "weight_decay": 0.0}, {"parameters": rest}]
    optimizer = SGD(groups, lr=0.5, momentum=0.9, nesterov=True, weight_decay=1e-4)
    trainer = Trainer(
        model,
        mg.softmax_cross_entropy,
        optimizer,
        callbacks=[
            ClipGradients(1.0),
            LearningRate(WarmUp(10, CosineSchedule(60))),
            BestSnapshot(folder / "best.safetensors"),
            EarlyStopping(patience=3),
            LogFile(folder / "history.csv"),
            Snapshots(folder / "snapshots", every_steps=3, every_epochs=1, keep=2),
        ],
        seed=5,
        config={"width": 24},
    )
    validation = Batches(ids[320:], labels[320:], batch_size=40)
    newest = Snapshots.latest(folder / "snapshots")
    history = trainer.fit(Batches(ids[:320], labels[:320], batch_size=16), 4, validation, resume=newest)
    # The end of the run in full: the best weights, which the model has now, and the last ones with all other state.
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]
    mg.save(folder / "end.safetensors", model.state_dict() | optimizer.state_dict(), {"history": rows})


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, "--train", str(folder)])


def killed(delay: float, expected: bytes) -> str:
    """Kill a run `delay` seconds after its first snapshot, resume it, and say what became of it: "" for all well."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = start(folder)
        while Snapshots.latest(folder / "snapshots") is None and process.poll() is None:
            time.sleep(0.001)
        time.sleep(delay)
        process.kill()
        if process.wait() != -signal.SIGKILL:
            return "it was over before the kill"
        left = list(folder.rglob("*.unfinished"))
        for snapshot in [*folder.rglob("step-*.safetensors"), *folder.glob("best.safetensors")]:
            mg.load(snapshot)  # an unreadable one raises
        if start(folder).wait() != 0:
            return "the resumed run failed"
        if stray := [path.name for path in folder.rglob("*.unfinished")]:
            return f"stray files: {stray}"
        if (folder / "end.safetensors").read_bytes() != expected:
            return "the resumed run ended elsewhere"
        return "killed while writing" if left else ""


def main(kills: int) -> list[str]:
    """What became of each kill."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = start(folder)
        while Snapshots.latest(folder / "snapshots") is None:
            time.sleep(0.001)
        began = time.monotonic()
        assert process.wait() == 0
        length = time.monotonic() - began
        expected = (folder / "end.safetensors").read_bytes()
    rng = np.random.default_rng(0)
    found: list[str] = []
    while len(found) < kills:
        outcome = killed(rng.uniform(0, 0.8 * length), expected)
        if outcome != "it was over before the kill":
            found.append(outcome)
            print(
                f"kill {len(found)}: {outcome or 'killed between writes'}: ended equal" if outcome in GOOD else outcome
            )
    return found


GOOD = ("", "killed while writing")

if __name__ == "__main__":
    if sys.argv[1] == "--train":
        train(Path(sys.argv[2]))
    else:
        outcomes = main(int(sys.argv[1]))
        good = sum(outcome in GOOD for outcome in outcomes)
        print(f"{good} of {len(outcomes)} ended byte for byte where the unbroken run did; "
              f"{outcomes.count('killed while writing')} of them were killed while writing")  # fmt: skip
        sys.exit(good != len(outcomes))
