"""Training continues from a snapshot, after Ctrl-C and after `kill -9` with the same bits."""

import functools
import multiprocessing
import os
import pickle
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from optim import BestWeights, LogFile, Snapshots

from .strategies import examples
from .thresholds import small_thresholds, using
from .training import (
    CALLBACKS,
    MODELS,
    RULES,
    Change,
    Settings,
    Training,
    require_same,
)

settings = st.builds(
    Settings,
    seed=st.integers(0, 99),
    model=st.sampled_from(MODELS),
    rule=st.sampled_from([*RULES]),
    dtype=st.sampled_from(["float32", "float64"]),
    decay=st.sampled_from([0.0, 0.01]),
    epochs=st.integers(1, 4),
    shuffle=st.booleans(),
    trainer_seed=st.sampled_from([None, 3]),
    validation=st.sampled_from(["", "train", "test"]),
    callbacks=st.lists(st.sampled_from([*CALLBACKS]), max_size=3, unique=True),
    changes=st.lists(
        st.tuples(
            st.sampled_from(Change.KINDS),
            st.integers(1, 6),
            st.sampled_from(Change.MOMENTS),
        ),
        max_size=3,
    ),
)


@examples(0.4)
@given(
    small_thresholds,
    settings,
    st.integers(1, 5),
    st.integers(0, 99),
    st.integers(1, 12),
)
def test_resumed_run_ends_with_the_same_bits(small, settings, every, which, interrupt):
    with (
        using(small),
        patch.object(os, "fsync"),
        tempfile.TemporaryDirectory() as folder,
    ):
        expected = Training(settings).run()
        snapshots = Snapshots(Path(folder, "a"), every_steps=every, every_epochs=1, keep=99)
        require_same(Training(settings).run(snapshots), expected)
        paths = sorted(Path(folder, "a").iterdir())
        path = paths[which % len(paths)]
        require_same(Training(settings).run(resume=path), expected)
        snapshots = Snapshots(Path(folder, "b"), every_steps=every)
        try:
            Training(settings, interrupt).run(snapshots)
        except KeyboardInterrupt:
            if newest := Snapshots.latest(Path(folder, "b")):
                require_same(Training(settings).run(resume=newest), expected)


# ---- killed runs ----


def train(number, folder):
    """Train from the newest snapshot in a folder, if there is one, and store the result."""
    settings = Settings(
        seed=number,
        model="words",
        rule=list(RULES)[number % len(RULES)],
        epochs=4,
        shuffle=True,
        validation="test",
        callbacks=[*CALLBACKS],
    )
    best = folder / "best.safetensors"
    snapshots = folder / "snapshots"
    result = Training(settings).run(
        BestWeights(best),
        LogFile(folder / "history.csv"),
        Snapshots(snapshots, every_steps=2 + number % 2, every_epochs=1, keep=2),
        resume=Snapshots.latest(snapshots),
    )
    result["best weights"] = best.read_bytes()
    (folder / "result").write_bytes(pickle.dumps(result))


def run_process(number, folder, seconds=None):
    """Train in another process, which is killed after so many seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # so that most of the time is training
    process = context.Process(target=train, args=(number, folder))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()


@functools.cache
def whole_run(number):
    """Return the result of an uninterrupted run, and how many seconds it takes."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        run_process(number, Path(folder))
        seconds = time.monotonic() - began
        return pickle.loads(Path(folder, "result").read_bytes()), seconds


@pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(),
    reason="needs Linux or macOS",
)
@examples(0.1)
@given(st.integers(0, 9), st.lists(st.integers(0, 95), min_size=1, max_size=4))
def test_killed_run_is_resumed(number, moments):
    expected, seconds = whole_run(number)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for percent in moments:
            run_process(number, folder, seconds * percent / 100)
            for path in folder.rglob("*.safetensors"):
                mg.load(path)  # an error if it is incomplete
        run_process(number, folder)
        assert not list(folder.rglob("*.unfinished"))
        require_same(pickle.loads((folder / "result").read_bytes()), expected)
