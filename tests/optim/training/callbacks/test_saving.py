"""Callbacks that write files: what is in them, what stays, and what happens if they cannot be
written.
"""

import contextlib
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from layers import BatchNorm, Dense, Sequential
from minigrad.errors import MinigradError, OptionError
from optim import (
    SGD,
    BestWeights,
    Callback,
    GraphPicture,
    LearningCurves,
    LogFile,
    Snapshots,
    Trainer,
)
from tests.optim.training.callbacks.point import run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def steps(*numbers):
    return [f"step-{number:09d}.safetensors" for number in numbers]


@pytest.mark.parametrize("end", ["done", "stop", "ctrl-c", "error"])
def test_the_best_weights_come_back_however_the_run_ends(tmp_path, end):
    class End(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 4 and end == "stop":
                trainer.stop("enough")
            elif trainer.epoch == 4 and end != "done":
                raise KeyboardInterrupt if end == "ctrl-c" else ZeroDivisionError

        def on_end(self, trainer):
            weights.append(trainer.model.named_parameters()["point.w"])

    path = tmp_path / "deep" / "best.safetensors"
    best, weights = BestWeights(path), list[mg.Tensor]()
    with contextlib.suppress(KeyboardInterrupt, ZeroDivisionError):
        run([best, End()], epochs=5, scores=[3.0, 1.0, 2.0, 2.0, 5.0])
    assert (best.epoch, best.value, weights[0].item()) == (2, 1.0, -2.0)
    saved = mg.load(path)
    assert saved["point.w"].tolist() == [-2.0]
    assert saved.info == {"config": {"size": 1}, "epoch": 2, "validation_loss": 1.0}


def test_the_running_means_of_the_best_epoch_come_back():
    model = Sequential(BatchNorm(1), Dense(1, 1))
    means: list[float] = []

    class Epochs(Callback):
        def on_epoch_end(self, trainer):
            means.append(float(model.batchnorm.mean[0]))

    best, scores = BestWeights(monitor="train_score"), iter([1.0, 3.0, 2.0])
    x = np.array([[1.0], [5.0]], np.float32)
    optimizer = SGD(model.named_parameters(), lr=0.1)
    metrics = {"score": lambda output, labels: next(scores)}
    callbacks = [Epochs(), best]
    trainer = Trainer(
        model, mg.mean_squared_error, optimizer, metrics=metrics, callbacks=callbacks
    )
    trainer.fit([(x, x)], 3)
    np.testing.assert_allclose(
        means, [0.3, 0.57, 0.813], rtol=1e-6
    )  # 3 is the batch's mean
    assert model.batchnorm.mean[0] == means[1] == best.weights["batchnorm.mean"][0]


def test_snapshots_are_kept_by_number_and_found_by_age(tmp_path):
    run([Snapshots(tmp_path, every_steps=4, keep=3)], xs=[1] * 10, epochs=2)
    assert names(tmp_path) == steps(12, 16, 20)
    assert Snapshots.latest(tmp_path) == tmp_path / "step-000000020.safetensors"
    assert Snapshots.latest(tmp_path / "none") is None
    run([Snapshots(tmp_path / "by_epoch", every_epochs=2)], xs=[1] * 3, epochs=5)
    assert names(tmp_path / "by_epoch") == steps(6, 12)


def test_a_new_run_does_not_mix_its_snapshots_with_an_old_one_s(tmp_path):
    run([Snapshots(tmp_path / "a")], xs=[1] * 2)
    run([Snapshots(tmp_path / "b", every_steps=1, keep=9)], xs=[1] * 5)
    for resume in (None, Snapshots.latest(tmp_path / "a")):
        with pytest.raises(OptionError, match="MG321"):
            run([Snapshots(tmp_path / "b")], xs=[1] * 2, epochs=2, resume=resume)
    assert names(tmp_path / "b") == steps(1, 2, 3, 4, 5)
    # Resumed from step 2, the run comes to other steps 3 to 5 than those that are there.
    earlier = tmp_path / "b" / "step-000000002.safetensors"
    late = Snapshots(tmp_path / "b", every_steps=2, every_epochs=1, keep=2)
    run([late], xs=[1] * 5, resume=earlier)
    assert names(tmp_path / "b") == steps(4, 5)


def test_a_log_is_complete_after_each_epoch(tmp_path):
    path, seen = tmp_path / "logs" / "log.csv", list[int]()
    read = Callback()
    read.on_epoch_end = lambda trainer: seen.append(path.read_text().count("\n"))  # type: ignore[method-assign]
    run([LogFile(path), read], xs=[1, 3], epochs=3)
    assert seen == [2, 3, 4]


def test_curves_and_the_first_step_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    drawn: list[Callback] = [
        LearningCurves(tmp_path / "c.svg"),
        GraphPicture(tmp_path / "graph.dot"),
    ]
    run(drawn, xs=[1, 1], epochs=2, scores=[2, 1])
    assert "<svg" in (tmp_path / "c.svg").read_text()
    assert "Hadamard" in (tmp_path / "graph.dot").read_text()


def test_a_run_goes_on_when_its_files_cannot_be_written(tmp_path):
    folder, elsewhere = tmp_path / "snapshots", tmp_path / "elsewhere"

    class Break(Callback):
        """After the first epoch there is no folder any more, and nothing can be made in its
        place.
        """

        last = True

        def on_epoch_end(self, trainer):
            if trainer.epoch == 1:
                folder.rename(elsewhere)
                folder.write_text("in the way")
            if trainer.epoch == 3:
                folder.unlink()
                elsewhere.rename(folder)

    writers: list[Callback] = [
        BestWeights(folder / "b.safetensors"),
        LogFile(folder / "l.csv"),
    ]
    with pytest.warns(RuntimeWarning) as warned:
        run(
            [*writers, Snapshots(folder, keep=9), Break()],
            epochs=4,
            scores=[4, 3, 2, 1],
        )
    told = [str(warning.message) for warning in warned]
    assert len(told) == 6 and all(
        "MG506" in text and "training continues" in text for text in told
    )
    assert names(folder) == ["b.safetensors", "l.csv", *steps(1, 4)]


def test_a_folder_that_cannot_be_made_is_found_out_before_the_run(
    tmp_path,
):
    with pytest.raises(NotADirectoryError):
        run([LogFile(Path(__file__) / "folder" / "log.csv")])


@pytest.mark.parametrize("without", ["safetensors.numpy", "matplotlib.figure"])
def test_what_would_fail_each_time_ends_the_run(tmp_path, without, monkeypatch):
    monkeypatch.setitem(sys.modules, without, None)
    with pytest.raises(MinigradError, match="MG509|MG706"):
        run(
            [Snapshots(tmp_path)]
            if "safe" in without
            else [LearningCurves(tmp_path / "c.png")]
        )


def test_snapshots_leave_other_files_alone(tmp_path):
    others = ["step-best", "step-5", "step-00000000x", "step-0000000001"]
    for name in others:
        (tmp_path / f"{name}.safetensors").write_text("mine")
    run([Snapshots(tmp_path, every_steps=1, keep=1)], xs=[1] * 3)
    newest = tmp_path / "step-000000003.safetensors"
    assert {path.stem for path in tmp_path.iterdir()} == {newest.stem, *others}
    assert Snapshots.latest(tmp_path) == newest
