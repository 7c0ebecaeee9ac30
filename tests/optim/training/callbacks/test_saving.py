"""Callbacks that write files: what is in them, what stays, and files that cannot be written."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import minigrad as mg
from layers import BatchNorm, Dense, Sequential
from minigrad.errors import MinigradError, OptionError
from optim import (
    BestWeights,
    Callback,
    GraphPicture,
    LearningCurves,
    LogFile,
    RunPage,
    Snapshots,
)
from tests.needs import package
from tests.optim.training import runs
from tests.optim.training.callbacks.point import run
from tests.optim.training.runs import build, data, held, trainer_of


def steps(*numbers):
    return [f"step-{number:09d}.safetensors" for number in numbers]


def names(folder):
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("end", [None, KeyboardInterrupt, ZeroDivisionError, "stop"])
def test_best_weights_come_back_however_the_run_ends(tmp_path, end):
    class End(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 4 and end == "stop":
                trainer.stop("enough")
            elif trainer.epoch == 4 and end:
                raise end

        def on_end(self, trainer):
            weights.append(trainer.model.w)

    path = tmp_path / "deep" / "best.safetensors"
    best, weights = BestWeights(path), list[mg.Tensor]()
    with contextlib.suppress(KeyboardInterrupt, ZeroDivisionError):
        run(
            [best, End()],
            epochs=5,
            scores=[3.0, 1.0, 2.0, 2.0, 5.0],
        )
    assert (
        best.epoch,
        best.value,
        weights[0].item(),
    ) == (2, 1.0, -2.0)
    saved = mg.load(path)
    assert saved["point.w"].tolist() == [-2.0]
    assert saved.info == {"config": {"size": 1}, "epoch": 2, "validation_loss": 1.0}


def test_best_weights_do_not_hide_an_error_at_the_start():
    with pytest.raises(OptionError, match="MG314"):
        run([BestWeights()])


def test_best_weights_bring_back_running_means():
    model = Sequential(BatchNorm(1), Dense(1, 1))
    scores = iter([1.0, 3.0, 2.0])
    best = BestWeights(monitor="train_score")
    x = np.array([[1.0], [5.0]], np.float32)
    metrics = {"score": lambda output, labels: next(scores)}
    trainer = trainer_of(model, metrics=metrics, callbacks=[best])
    trainer.fit([(x, x)], 3)
    # after two of the three epochs, each of which moves it by a tenth towards the batch's 3
    mean = 0.9 * 0.3 + 0.1 * 3
    assert_allclose(model.batchnorm.mean, mean, rtol=1e-6)
    assert_allclose(best.weights["batchnorm.mean"], mean, rtol=1e-6)


def test_snapshots_keep_the_newest(tmp_path):
    run(
        [Snapshots(tmp_path, every_steps=4, keep=3)],
        xs=[1] * 10,
        epochs=2,
    )
    assert names(tmp_path) == steps(12, 16, 20)
    assert Snapshots.latest(tmp_path) == tmp_path / steps(20)[0]
    assert Snapshots.latest(tmp_path / "none") is None
    by_epoch = tmp_path / "by_epoch"
    run([Snapshots(by_epoch, every_epochs=2)], xs=[1] * 3, epochs=5)
    assert names(by_epoch) == steps(6, 12)


def test_snapshots_of_two_runs_are_not_mixed(tmp_path):
    a, b, xs = tmp_path / "a", tmp_path / "b", [1] * 5
    run([Snapshots(a)], xs)
    run([Snapshots(b, every_steps=1, keep=9)], xs)
    for resume in (None, Snapshots.latest(a)):
        with pytest.raises(OptionError, match="MG321"):
            run([Snapshots(b)], xs, epochs=2, resume=resume)
    assert names(b) == steps(1, 2, 3, 4, 5)
    # Resumed from step 2, the run comes to other steps 3 to 5 than those that are there.
    late = Snapshots(b, every_steps=2, every_epochs=1, keep=2)
    run([late], xs, resume=b / steps(2)[0])
    assert names(b) == steps(4, 5)


def test_snapshots_leave_other_files_alone(tmp_path):
    others = ["step-best", "step-5", "step-00000000x", "step-0000000001"]
    for name in others:
        (tmp_path / f"{name}.safetensors").write_text("mine")
    run([Snapshots(tmp_path, every_steps=1, keep=1)], xs=[1] * 3)
    newest = tmp_path / steps(3)[0]
    assert {path.stem for path in tmp_path.iterdir()} == {newest.stem, *others}
    assert Snapshots.latest(tmp_path) == newest


def test_log_file_is_complete_after_each_epoch(tmp_path):
    path, lines = tmp_path / "logs" / "log.csv", []
    read: Any = Callback()
    read.on_epoch_end = lambda trainer: lines.append(path.read_text().count("\n"))
    run([LogFile(path), read], xs=[1, 3], epochs=3)
    assert lines == [2, 3, 4]


def test_learning_curves_and_graph_picture(tmp_path):
    package("matplotlib")
    curves, graph = tmp_path / "curves.svg", tmp_path / "graph.dot"
    run(
        [LearningCurves(curves), GraphPicture(graph)],
        epochs=2,
        scores=[2, 1],
    )
    assert "<svg" in curves.read_text()
    assert "Hadamard" in graph.read_text()


def test_files_that_cannot_be_written_do_not_end_the_run(tmp_path):
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"

    class Break(Callback):
        """From epoch 1 to epoch 3 there is no folder, and nothing can be made in its place."""

        last = True

        def on_epoch_end(self, trainer):
            if trainer.epoch == 1:
                folder.rename(elsewhere)
                folder.write_text("in the way")
            if trainer.epoch == 3:
                folder.unlink()
                elsewhere.rename(folder)

    best, log = BestWeights(folder / "b.safetensors"), LogFile(folder / "l.csv")
    with pytest.warns(RuntimeWarning, match="(?s)MG506.*training continues") as warned:
        run(
            [best, log, Snapshots(folder, keep=9), Break()],
            epochs=4,
            scores=[4, 3, 2, 1],
        )
    assert len(warned) == 6
    assert names(folder) == ["b.safetensors", "l.csv", *steps(1, 4)]


def test_folders_that_cannot_be_made_end_the_run_at_its_start():
    with pytest.raises(NotADirectoryError):
        run([LogFile(Path(__file__) / "folder" / "log.csv")])


@pytest.mark.parametrize(
    ("make", "module", "code"),
    [
        (Snapshots, "safetensors.numpy", "MG509"),
        (LearningCurves, "matplotlib.figure", "MG706"),
    ],
)
def test_packages_that_are_missing_end_the_run(make, module, code, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MinigradError, match=code):
        run([make(tmp_path / "curves.png")])


@pytest.mark.parametrize("end", [None, KeyboardInterrupt, ZeroDivisionError])
def test_page_of_the_run_however_it_ends(tmp_path, end):
    class End(Callback):
        def on_step(self, trainer):
            if trainer.step == 4 and end:
                raise end

    path = tmp_path / "run.html"
    trainer = build([RunPage(path), End()], seed=3)
    with contextlib.suppress(KeyboardInterrupt, ZeroDivisionError):
        trainer.fit(data(), 1)
    assert f'"count":{4 if end else 6},' in path.read_text("utf-8")


def test_page_of_the_run_is_run_html_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build([RunPage()], seed=3).fit(data(), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["run.html"]


@pytest.mark.parametrize("kind", [Snapshots, LogFile, LearningCurves, GraphPicture])
def test_a_callback_without_a_path_is_answered(kind):
    with pytest.raises(MinigradError, match=rf"(?s)MG129.*{kind.__name__}\((path|folder)"):
        kind()


def test_run_with_its_page_is_the_same(tmp_path):
    plain, shown = build(seed=3), build([RunPage(tmp_path / "run.html")], seed=3)
    first, second = plain.fit(data(), 2, held()), shown.fit(data(), 2, held())
    assert first["train_loss"] == second["train_loss"]
    assert runs.weights(plain) == runs.weights(shown)


def test_page_that_cannot_be_written_is_a_warning(tmp_path):
    trainer = build([RunPage(tmp_path / "no" / "run.html")])
    with pytest.warns(RuntimeWarning, match="MG803"):
        trainer.fit(data(), 1)
    assert trainer.step == 6
