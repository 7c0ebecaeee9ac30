"""Callbacks that write files: what is in them, what stays, and what happens if they cannot be
written.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from minigrad.errors import CheckpointError, MinigradError, OptionError
from optim import (
    BestWeights,
    Callback,
    GraphPicture,
    LearningCurves,
    LogFile,
    Run,
    Snapshots,
)
from tests.optim.training.callbacks.point import run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def steps(*numbers: int) -> list[str]:
    return [f"step-{number:09d}.safetensors" for number in numbers]


@pytest.mark.parametrize("end", ["done", "stop", "ctrl-c", "error"])
def test_the_best_weights_come_back_however_the_run_ends(tmp_path: Path, end: str) -> None:
    class End(Callback):
        def on_epoch_end(self, trainer: Run) -> None:
            if trainer.epoch == 4 and end == "stop":
                trainer.stop("enough")
            elif trainer.epoch == 4 and end != "done":
                raise KeyboardInterrupt if end == "ctrl-c" else ZeroDivisionError

    path = tmp_path / "deep" / "best.safetensors"
    best, weights = BestWeights(path), []

    class After(Callback):
        last = True

        def on_end(self, trainer: Run) -> None:
            weights.append(trainer.model.named_parameters()["point.w"])

    with contextlib.suppress(KeyboardInterrupt, ZeroDivisionError):
        run([best, End(), After()], epochs=5, scores=[3.0, 1.0, 2.0, 2.0, 5.0])
    assert (best.epoch, best.value, weights[0].item()) == (2, 1.0, -2.0)
    saved = mg.load(path)
    assert saved["point.w"].tolist() == [-2.0]
    assert saved.info == {"config": {"size": 1}, "epoch": 2, "validation_loss": 1.0}


def test_snapshots_are_kept_by_number_and_found_by_age(tmp_path: Path) -> None:
    others = ["step-0000000001.safetensors", "step-00000000x.safetensors", "step-best.safetensors"]
    for name in others:  # the user's, which stay
        (tmp_path / name).write_text("mine")
    run([Snapshots(tmp_path, every_steps=4, keep=3)], xs=[1] * 10, epochs=2)
    assert names(tmp_path) == sorted([*steps(12, 16, 20), *others])
    assert Snapshots.latest(tmp_path) == tmp_path / "step-000000020.safetensors"
    assert Snapshots.latest(tmp_path / "none") is None
    run([Snapshots(tmp_path / "by_epoch", every_epochs=2)], xs=[1] * 3, epochs=5)
    assert names(tmp_path / "by_epoch") == steps(6, 12)


def test_a_new_run_does_not_mix_its_snapshots_with_an_old_one_s(tmp_path: Path) -> None:
    run([Snapshots(tmp_path / "a")], xs=[1] * 2)
    run([Snapshots(tmp_path / "b", every_steps=1, keep=9)], xs=[1] * 5)
    for resume in (None, Snapshots.latest(tmp_path / "a")):
        with pytest.raises(OptionError, match="MG321"):
            run([Snapshots(tmp_path / "b")], xs=[1] * 2, epochs=2, resume=resume)
    assert names(tmp_path / "b") == steps(1, 2, 3, 4, 5)
    # Resumed from step 2, the run comes to other steps 3 to 5 than those that are there.
    earlier = tmp_path / "b" / "step-000000002.safetensors"
    run(
        [Snapshots(tmp_path / "b", every_steps=2, every_epochs=1, keep=2)],
        xs=[1] * 5,
        resume=earlier,
    )
    assert names(tmp_path / "b") == steps(4, 5)


def test_a_log_is_complete_after_each_epoch(tmp_path: Path) -> None:
    seen: list[int] = []

    class Read(Callback):
        def on_epoch_end(self, trainer: Run) -> None:
            seen.append(len((tmp_path / "logs" / "log.csv").read_text().splitlines()))

    trainer = run(
        [LogFile(tmp_path / "logs" / "log.csv"), LogFile(tmp_path / "log.jsonl"), Read()],
        xs=[1, 3],
        epochs=3,
    )
    assert seen == [2, 3, 4]
    assert [
        json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()
    ] == trainer.history.rows


def test_curves_and_the_first_step_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run(
        [LearningCurves(tmp_path / "c.svg"), GraphPicture(tmp_path / "graph.dot")],
        xs=[1, 1],
        epochs=2,
        scores=[2, 1],
    )
    assert (
        "<svg" in (tmp_path / "c.svg").read_text()
        and "Hadamard" in (tmp_path / "graph.dot").read_text()
    )
    assert names(tmp_path) == ["c.svg", "graph.dot"]


def test_the_best_weights_are_written_where_a_resumed_run_has_its_files(tmp_path: Path) -> None:
    def fit(folder: Path, epochs: int, resume: Path | None = None) -> Path:
        best = BestWeights(folder / "best.safetensors")
        run(
            [best, Snapshots(folder)],
            epochs=epochs,
            scores=[1, 2][:epochs] if resume is None else [2],
            resume=resume,
        )
        return folder / "best.safetensors"

    whole = fit(tmp_path / "a", 2)
    fit(tmp_path / "b", 1)
    moved = fit(tmp_path / "c", 2, Snapshots.latest(tmp_path / "b"))
    assert moved.read_bytes() == whole.read_bytes()


def test_a_run_goes_on_when_its_files_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"

    class Break(Callback):
        """After the first epoch there is no folder any more, and nothing can be made in its
        place.
        """

        def on_epoch_end(self, trainer: Run) -> None:
            if trainer.epoch == 1:
                folder.rename(tmp_path / "elsewhere")
                folder.write_text("in the way")
            if trainer.epoch == 3:
                folder.unlink()
                (tmp_path / "elsewhere").rename(folder)

    writers = [
        BestWeights(folder / "b.safetensors"),
        LogFile(folder / "l.csv"),
        Snapshots(folder, keep=9),
        Break(),
    ]
    writers.append(type("Last", (Break,), {"last": True})())
    writers.remove(writers[3])
    with pytest.warns(RuntimeWarning) as warned:
        trainer = run(writers, epochs=4, scores=[4, 3, 2, 1])
    assert trainer.epoch == 4
    told = [str(warning.message) for warning in warned]
    assert len(told) == 6 and all("MG506" in text and "training goes on" in text for text in told)
    assert sum("step-000000002.safetensors" in text for text in told) == 1
    found = sorted(path.name for path in folder.iterdir())
    assert found == [
        "b.safetensors",
        "l.csv",
        "step-000000001.safetensors",
        "step-000000004.safetensors",
    ]


def test_a_folder_that_cannot_be_made_is_found_out_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="MG506"):
        run([LogFile(tmp_path / "file" / "folder" / "log.csv")])


@pytest.mark.parametrize("without", ["safetensors.numpy", "matplotlib.figure"])
def test_what_would_fail_each_time_ends_the_run(
    tmp_path: Path, without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, without, None)
    with pytest.raises(MinigradError, match="MG509|MG706"):
        run([Snapshots(tmp_path)] if "safe" in without else [LearningCurves(tmp_path / "c.png")])


@pytest.mark.parametrize(
    ("act", "code", "what"),
    [
        (lambda: run([BestWeights()]), "MG314", "fit was given no validation batches"),
        (lambda: Snapshots("x", keep=0), "MG305", "keep is 0"),
        (lambda: Snapshots("x", every_steps=0), "MG305", "every_steps is 0"),
        (lambda: LogFile("log.txt"), "MG317", "'log.txt'"),
        (lambda: LearningCurves("c.gif"), "MG317", "'c.gif'"),
    ],
)
def test_bad_input(act: Any, code: str, what: str) -> None:
    with pytest.raises(OptionError) as error:
        act()
    assert error.value.code == code and what in error.value.what


def test_snapshots_leave_other_files_alone(tmp_path: Path) -> None:
    names = ["step-best", "step-5", "step-00000000x", "step-0000000001"]
    others = [f"{name}.safetensors" for name in names]
    for name in others:
        (tmp_path / name).write_text("mine")
    run([Snapshots(tmp_path, every_steps=1, keep=1)], xs=[1] * 3)
    newest = tmp_path / "step-000000003.safetensors"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([newest.name, *others])
    assert Snapshots.latest(tmp_path) == newest
