"""Training runs with all kinds of models, data, callbacks and settings: snapshots change nothing,
and a run that is resumed ends with the same bits.

Everything happens in this process: a run without snapshots, the same with snapshots, and runs of
new objects that are resumed from one of these, or from where Ctrl-C ended a run. And what the
Trainer does is compared with a loop that is written out.
"""

from __future__ import annotations

import os
import random
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import minigrad as mg
import optim
from optim import Snapshots

from .fuzzer import Fuzzer, Generator
from .training import (
    CALLBACKS,
    MODELS,
    RULES,
    SCHEDULE,
    Change,
    Settings,
    Training,
    difference,
)


@dataclass(frozen=True)
class Resumed(Settings):
    """A run, and where it is broken off."""

    every: int = 1  # the steps between snapshots
    which: int = 0  # the snapshot to resume from
    interrupt: int = 1  # the call of the loss in which Ctrl-C comes


class Resume(Fuzzer):
    """The end of a resumed run."""

    name = "resume"
    share = 3.0

    def case(self, rng: Generator) -> Resumed:
        dice = random.Random(int(rng.integers(2**32)))
        moments = (*Change.MOMENTS, "on_step")
        return Resumed(
            seed=dice.randrange(1000),
            model=dice.choice(MODELS),
            rule=dice.choice(list(RULES)),
            dtype=dice.choice(["float32", "float32", "float64"]),
            decay=dice.choice([0.0, 0.0, 0.01]),
            epochs=dice.randint(1, 4),
            shuffle=dice.random() < 0.6,
            trainer_seed=dice.choice([None, 3]),
            validation=dice.choice(["", "train", "test"]),
            callbacks=tuple(dice.sample(CALLBACKS, dice.randint(0, 3))),
            changes=tuple(
                (dice.choice(Change.KINDS), dice.randint(1, 6), dice.choice(moments))
                for _ in range(dice.randint(0, 3))
            ),
            every=dice.randint(1, 5),
            which=dice.randrange(100),
            interrupt=dice.randint(1, 12),
        )

    def fault(self, case: Resumed) -> str:
        with (
            tempfile.TemporaryDirectory() as folder,
            warnings.catch_warnings(action="error", category=RuntimeWarning),
            patch.object(os, "fsync"),
        ):
            return self.compare(case, Path(folder))

    def compare(self, case: Resumed, folder: Path) -> str:
        snapshots = Snapshots(
            folder / "a", every_steps=case.every, every_epochs=1, keep=99
        )
        expected = Training(case).run(snapshots)
        if case.seed % 3 == 0 and (
            problem := difference(Training(case).run(), expected)
        ):
            return f"snapshots: taking them changes {problem}"
        if case.seed % 3 == 1 and (problem := compare_with_loop(case)):
            return f"by hand: {problem}"
        paths = sorted((folder / "a").iterdir())
        path = paths[case.which % len(paths)]
        if problem := difference(Training(case).run(resume=path), expected):
            return f"resumed: from {path.name} {problem}"
        snapshots = Snapshots(folder / "b", every_steps=case.every)
        try:
            Training(case, case.interrupt).run(snapshots)
        except KeyboardInterrupt:
            newest = Snapshots.latest(folder / "b")
            if newest and (
                problem := difference(Training(case).run(resume=newest), expected)
            ):
                return f"Ctrl-C: resumed from {newest.name} {problem}"
        return ""


def compare_with_loop(case: Settings) -> str:
    """How a run in float64 differs from one by hand by more than rounding."""
    case = replace(case, dtype="float64", changes=())
    run = Training(case).run()
    rows, weights = by_hand(Training(case))
    epochs = [row for row in run["history"] if "train_loss" in row]
    for found, expected in zip(epochs, rows, strict=True):
        losses = [found[name] for name in expected]
        if not np.allclose(losses, list(expected.values()), 1e-5, 1e-7):
            return f"history: {found} instead of {expected}"
    for name, array in weights.items():
        if not np.allclose(run["weights"][name], array, 1e-5, 1e-7):
            return f"weights: {name} is {run['weights'][name]} instead of {array}"
    return ""


def by_hand(run: Training) -> tuple[list[dict[str, float]], dict[str, Any]]:
    """The history and the weights of a run by a loop that is written out."""
    settings, model, optimizer = run.settings, run.model, run.optimizer
    if settings.trainer_seed is not None:
        mg.seed(settings.trainer_seed)
        run.train.seed = settings.trainer_seed
    rows: list[dict[str, float]] = []
    best_weights: dict[str, Any] = {}
    best = lowest = np.inf  # of the losses that BestWeights and EarlyStopping watch
    step = waited = 0
    while len(rows) < settings.epochs and waited <= settings.seed % 3:
        losses = []
        model.train()
        for x, y in run.train:
            loss = mg.softmax_cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            if "clip" in settings.callbacks:
                optim.clip_gradients(optimizer.parameters(), 0.5)
            if "schedule" in settings.callbacks:
                optimizer.scale = SCHEDULE(step)
            optimizer.step()
            step += 1
            losses += [loss.item()] * len(y)
        row = {"step": step, "train_loss": float(np.mean(losses))}
        watched = row["train_loss"]
        if run.validation:
            watched = row["validation_loss"] = mean_loss(model, run.validation)
        rows.append(row)
        if "best" in settings.callbacks and watched < best:
            best, best_weights = watched, model.state_dict()
        if "early" in settings.callbacks:
            waited = 0 if lowest - watched > 0.01 else waited + 1
            lowest = lowest if waited else watched
    return rows, best_weights or model.state_dict()


def mean_loss(model: Any, batches: Any) -> float:
    """The mean over one pass of the batches, which begins at epoch 0, in evaluation mode."""
    before = batches.state_dict()
    batches.load_state_dict({**before, "epoch": 0, "position": 0})
    model.eval()
    losses = []
    with mg.no_grad():
        for x, y in batches:
            loss = mg.softmax_cross_entropy(model(x), y)
            losses += [loss.item()] * len(y)
    batches.load_state_dict(before)
    return float(np.mean(losses))
