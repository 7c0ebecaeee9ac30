"""Each callback on a run whose figures are known: what it shows, leaves, changes and refuses."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import CheckpointError, MinigradError, OptionError
from optim import (
    SGD,
    BestWeights,
    Callback,
    ClipGradients,
    EarlyStopping,
    EpochReport,
    Evaluate,
    GraphPicture,
    History,
    LearningCurves,
    LearningRate,
    LogFile,
    ProgressBar,
    Run,
    Snapshots,
    Statistics,
    StepSchedule,
    StopOnNonFinite,
    Trainer,
)


class Point:
    """One number w, whose loss on a batch (x, y) is the mean of w x: its gradient is the mean of x."""

    training = False

    def __init__(self) -> None:
        self.w = mg.Tensor(np.zeros(1), requires_grad=True, name="w")

    def named_parameters(self) -> dict[str, mg.Tensor]:
        return {"point.w": self.w}

    def train(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False

    def __call__(self, x: Any) -> mg.Tensor:
        product: mg.Tensor = self.w * x
        return product


def run(callbacks: list[Callback], *, xs: Any = (1.0,), epochs: int = 1, scores: Any = None, **options: Any) -> Trainer:
    """A run over batches of one example, at learning rate 1; `scores` is the validation loss of each epoch."""
    point = Point()
    trainer = Trainer(
        point,
        lambda output, labels: output.sum(),
        SGD(point.named_parameters(), lr=1.0),
        metrics={},
        callbacks=callbacks,
    )
    batches = [(np.array([x]), np.zeros(1)) for x in xs]
    validation = None
    if scores is not None:
        left = iter(scores)
        trainer.evaluate = lambda batches: {"loss": next(left)}  # type: ignore[method-assign]
        validation = batches
    trainer.fit(batches, epochs, validation, **options)
    return trainer


def w(trainer: Trainer) -> float:
    assert isinstance(trainer.model, Point)
    return trainer.model.w.item()


# ---- steering ----


def test_learning_rate_follows_the_schedule_and_joins_the_history() -> None:
    trainer = run([LearningRate(StepSchedule(every=2, factor=0.5))], xs=[1, 1, 1], epochs=2)
    assert w(trainer) == -(1 + 1 + 0.5 + 0.5 + 0.25 + 0.25)
    assert trainer.history["lr"] == [0.5, 0.25]
    assert trainer.optimizer.scale == 1


def test_clipping_joins_the_history() -> None:
    trainer = run([ClipGradients(2.0)], xs=[1, 8, -3], epochs=1)
    assert w(trainer) == pytest.approx(-(1 + 2 - 2))
    assert trainer.history["largest_gradient_norm"] == [8]


def test_clipping_forgets_a_run_that_failed() -> None:
    clip = ClipGradients(2.0)
    with pytest.raises(OptionError):
        run([EarlyStopping("none"), clip], xs=[9])
    assert run([clip], xs=[3]).history["largest_gradient_norm"] == [3]


def test_evaluation_every_so_many_epochs_joins_their_rows() -> None:
    trainer = run([Evaluate([(np.array([2.0]), np.zeros(1))], every_epochs=2)], epochs=4)
    assert [row.get("test_loss") for row in trainer.history.rows] == [None, -4, None, -8]


def test_evaluation_every_so_many_steps_makes_rows_of_its_own() -> None:
    evaluate = Evaluate([(np.array([2.0]), np.zeros(1))], "held", every_steps=2)
    trainer = run([evaluate], xs=[1, 1, 1], epochs=2)
    found = [(row["epoch"], row["step"], row["held_loss"]) for row in trainer.history.rows if "held_loss" in row]
    assert found == [(0.6667, 2, -4), (1.3333, 4, -8), (2.0, 6, -12)]
    assert trainer.history["train_loss"] == [-1, -4]  # means of 0 -1 -2 and -3 -4 -5


@pytest.mark.parametrize(
    ("patience", "min_delta", "scores", "epochs"),
    [
        (0, 0.0, [5, 4, 4, 3], 3),
        (1, 0.0, [5, 4, 4, 3, 3.5, 3.2, 1], 6),
        (2, 0.0, [5, 6, 7, 8, 1], 4),
        (0, 0.5, [5, 4.6, 1], 2),
        (1, 0.0, [math.nan, 5, math.nan, 4, 3], 5),
        (1, 0.0, [5, math.nan, math.nan, 1], 3),
    ],
)
def test_early_stopping_counts_epochs_that_are_no_better(
    patience: int, min_delta: float, scores: list[float], epochs: int
) -> None:
    trainer = run([EarlyStopping(patience=patience, min_delta=min_delta)], epochs=len(scores), scores=scores)
    assert trainer.epoch == epochs
    assert bool(trainer.stop_reason) == (epochs < len(scores))


def test_higher_is_better_for_what_is_no_loss() -> None:
    class Score(Callback):
        def on_epoch_end(self, trainer: Run) -> None:
            trainer.history.rows[-1]["train_accuracy"] = [0.5, 0.7, 0.6, 0.9][trainer.epoch - 1]

    best = BestWeights(monitor="train_accuracy")
    trainer = run([Score(), EarlyStopping("train_accuracy", patience=0), best], epochs=4)
    assert trainer.epoch == 3 and (best.epoch, best.value) == (2, 0.7)
    assert trainer.stop_reason == "train_accuracy was not better than 0.7000 for 1 epochs"


# ---- best weights ----


@pytest.mark.parametrize("end", ["done", "stop", "ctrl-c", "error"])
def test_the_best_weights_come_back_however_the_run_ends(tmp_path: Path, end: str) -> None:
    class End(Callback):
        def on_epoch_end(self, trainer: Run) -> None:
            if trainer.epoch == 4:
                if end == "stop":
                    trainer.stop("enough")
                elif end != "done":
                    raise KeyboardInterrupt if end == "ctrl-c" else ZeroDivisionError

    path = tmp_path / "deep" / "best.safetensors"
    best = BestWeights(path)
    point, scores = Point(), iter([3.0, 1.0, 2.0, 2.0, 5.0])
    trainer = Trainer(
        point,
        lambda output, labels: output.sum(),
        SGD(point.named_parameters(), lr=1.0),
        metrics={},
        callbacks=[best, End()],
        config={"size": 1},
    )
    trainer.evaluate = lambda batches: {"loss": next(scores)}  # type: ignore[method-assign]
    batches = [(np.array([1.0]), np.zeros(1))]
    try:
        trainer.fit(batches, 5, batches)
    except (KeyboardInterrupt, ZeroDivisionError):
        assert end in ("ctrl-c", "error")
    assert (best.epoch, best.value, point.w.item()) == (2, 1.0, -2.0)
    saved = mg.load(path)
    assert saved["point.w"].tolist() == [-2.0]
    assert saved.info == {"config": {"size": 1}, "epoch": 2, "validation_loss": 1.0}


def test_without_any_measured_epoch_the_weights_stay() -> None:
    class Fail(Callback):
        def on_step(self, trainer: Run) -> None:
            raise ZeroDivisionError

    point = Point()
    optimizer = SGD(point.named_parameters(), lr=1.0)
    batches = [(np.array([1.0]), np.zeros(1))]
    with pytest.raises(ZeroDivisionError):
        Trainer(point, lambda o, labels: o.sum(), optimizer, metrics={}, callbacks=[BestWeights(), Fail()]).fit(
            batches, 1, batches
        )
    assert point.w.item() == -1


# ---- files ----


def test_snapshots_are_kept_by_number_and_found_by_age(tmp_path: Path) -> None:
    run([Snapshots(tmp_path, every_steps=4, keep=3)], xs=[1] * 10, epochs=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"step-{n:09d}.safetensors" for n in (12, 16, 20)]
    assert Snapshots.latest(tmp_path) == tmp_path / "step-000000020.safetensors"
    assert Snapshots.latest(tmp_path / "none") is None
    run([Snapshots(tmp_path / "by_epoch", every_epochs=2)], xs=[1] * 3, epochs=5)
    assert [path.name for path in sorted((tmp_path / "by_epoch").iterdir())] == [
        f"step-{n:09d}.safetensors" for n in (6, 12)
    ]


def test_snapshots_leave_other_files_alone(tmp_path: Path) -> None:
    others = [
        "step-best.safetensors",
        "step-5.safetensors",
        "step-00000000x.safetensors",
        "step-0000000001.safetensors",
    ]
    for name in others:
        (tmp_path / name).write_text("mine")
    run([Snapshots(tmp_path, every_steps=1, keep=1)], xs=[1] * 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["step-000000003.safetensors", *others])
    assert Snapshots.latest(tmp_path) == tmp_path / "step-000000003.safetensors"


def test_a_new_run_does_not_mix_its_snapshots_with_an_old_one_s(tmp_path: Path) -> None:
    run([Snapshots(tmp_path, every_steps=1, keep=9)], xs=[1] * 5)
    with pytest.raises(OptionError) as error:
        run([Snapshots(tmp_path)])
    newest = Snapshots.latest(tmp_path)
    assert newest is not None
    assert error.value.code == "MG321" and newest.name in error.value.what and str(newest) in error.value.remedy
    assert len(list(tmp_path.iterdir())) == 5
    # Resumed from step 2, the run comes to other steps 3 to 5 than those that are there.
    earlier = tmp_path / "step-000000002.safetensors"
    run([Snapshots(tmp_path, every_steps=2, every_epochs=1, keep=2)], xs=[1] * 5, resume=earlier)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"step-{n:09d}.safetensors" for n in (4, 5)]


def test_a_run_resumed_from_another_folder_leaves_a_third_run_s_snapshots(tmp_path: Path) -> None:
    run([Snapshots(tmp_path / "a")], xs=[1] * 2)
    run([Snapshots(tmp_path / "b", every_steps=1, keep=9)], xs=[1] * 5)
    resume = Snapshots.latest(tmp_path / "a")
    with pytest.raises(OptionError, match="MG321"):
        run([Snapshots(tmp_path / "b")], xs=[1] * 2, epochs=2, resume=resume)
    assert len(list((tmp_path / "b").iterdir())) == 5
    for _ in range(2):  # its own snapshots in a second folder, from the first attempt, are no obstacle
        run([Snapshots(tmp_path / "c")], xs=[1] * 2, epochs=2, resume=resume)


def test_a_log_is_complete_after_each_epoch(tmp_path: Path) -> None:
    seen: list[int] = []

    class Read(Callback):
        def on_epoch_end(self, trainer: Run) -> None:
            seen.append(len((tmp_path / "logs" / "log.csv").read_text().splitlines()))

    paths = tmp_path / "logs" / "log.csv", tmp_path / "log.jsonl"
    trainer = run([LogFile(paths[0]), LogFile(paths[1]), Read()], xs=[1, 3], epochs=3)
    assert seen == [2, 3, 4]
    rows = list(csv.DictReader(io.StringIO(paths[0].read_text())))
    assert [float(row["train_loss"]) for row in rows] == trainer.history["train_loss"]
    assert [json.loads(line) for line in paths[1].read_text().splitlines()] == trainer.history.rows


def test_learning_curves_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run([LearningCurves(tmp_path / "c.png"), LearningCurves(tmp_path / "c.svg")], epochs=2, scores=[2, 1])
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "c.svg").read_text()
    assert "<svg" in text and sorted(path.name for path in tmp_path.iterdir()) == ["c.png", "c.svg"]


def test_curves_show_the_figures_of_the_history() -> None:
    pytest.importorskip("matplotlib")
    rows = [{"epoch": n, "train_loss": 1 / n, "validation_loss": 2 / n, "train_accuracy": n / 10} for n in (1, 2, 3)]
    figure = History([*rows, {"epoch": 2.5, "step": 9, "test_loss": 0.1}]).plot()
    loss, accuracy = figure.axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in loss.get_lines()}
    assert lines["train"] == [[1, 1], [2, 0.5], [3, 1 / 3]] and lines["test"] == [[2.5, 0.1]]
    assert lines["validation"] == [[1, 2], [2, 1], [3, 2 / 3]]
    assert [line.get_label() for line in accuracy.get_lines()] == ["train"] and accuracy.get_ylabel() == "accuracy"


def test_the_first_step_is_drawn_with_its_gradients(tmp_path: Path) -> None:
    run([GraphPicture(tmp_path / "graph.dot")], xs=[1, 1])
    text = (tmp_path / "graph.dot").read_text()
    assert "digraph" in text and "Hadamard" in text


def test_the_best_weights_are_written_where_a_resumed_run_has_its_files(tmp_path: Path) -> None:
    def fit(folder: Path, epochs: int, resume: Path | None = None) -> Path:
        best = BestWeights(folder / "best.safetensors")
        run([best, Snapshots(folder)], epochs=epochs, scores=[1, 2][:epochs] if resume is None else [2], resume=resume)
        return folder / "best.safetensors"

    whole = fit(tmp_path / "a", 2)
    fit(tmp_path / "b", 1)
    moved = fit(tmp_path / "c", 2, Snapshots.latest(tmp_path / "b"))
    assert moved.read_bytes() == whole.read_bytes()


def test_statistics_by_scope(tmp_path: Path) -> None:
    path = tmp_path / "s" / "statistics.csv"
    statistics = Statistics(path, every_steps=2)
    run([statistics], xs=[1, 2, 3, 4, 5])
    rows = statistics.history.rows
    assert [row["step"] for row in rows] == [1, 3, 5]
    assert [row["point gradient_norm"] for row in rows] == [1, 3, 5]
    assert [row["point parameter_norm"] for row in rows] == [0, 1 + 2, 1 + 2 + 3 + 4]
    assert [row["point update_ratio"] for row in rows] == pytest.approx([1, 3 / 3, 5 / 10])
    assert len(path.read_text().splitlines()) == 4


def test_statistics_of_gradients_whose_squares_float32_cannot_hold() -> None:
    point, statistics = Point(), Statistics(every_steps=1)
    point.w = mg.Tensor(np.zeros(1, "float32"), requires_grad=True)
    optimizer = SGD(point.named_parameters(), lr=1.0)
    trainer = Trainer(point, lambda output, labels: output.sum(), optimizer, metrics={}, callbacks=[statistics])
    trainer.fit([(np.array([x]), np.zeros(1)) for x in (1e-30, 1e25)], 1)
    norms = [row["point gradient_norm"] for row in statistics.history.rows]
    assert norms == pytest.approx([1e-30, 1e25], rel=1e-6, abs=0)


# ---- files that cannot be written ----


def test_a_run_goes_on_when_its_files_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"

    class Break(Callback):
        """After the first epoch there is no folder any more, and nothing can be made in its place."""

        def on_epoch_end(self, trainer: Run) -> None:
            if trainer.epoch == 1:
                folder.rename(tmp_path / "elsewhere")
                folder.write_text("in the way")
            if trainer.epoch == 3:
                folder.unlink()
                (tmp_path / "elsewhere").rename(folder)

    writers = [BestWeights(folder / "b.safetensors"), LogFile(folder / "l.csv"), Snapshots(folder, keep=9), Break()]
    writers.append(type("Last", (Break,), {"last": True})())
    writers.remove(writers[3])
    with pytest.warns(RuntimeWarning) as warned:
        trainer = run(writers, epochs=4, scores=[4, 3, 2, 1])
    assert trainer.epoch == 4
    told = [str(warning.message) for warning in warned]
    assert len(told) == 6 and all("MG506" in text and "training goes on" in text for text in told)
    assert sum("step-000000002.safetensors" in text for text in told) == 1
    found = sorted(path.name for path in folder.iterdir())
    assert found == ["b.safetensors", "l.csv", "step-000000001.safetensors", "step-000000004.safetensors"]


@pytest.mark.parametrize("build", [lambda p: Snapshots(p), lambda p: LogFile(p / "x.csv")])
def test_a_folder_that_cannot_be_made_is_found_out_before_the_run(tmp_path: Path, build: Any) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError) as error:
        run([build(tmp_path / "file" / "folder")])
    assert error.value.code == "MG506" and "file" in error.value.what and error.value.remedy


# ---- what a person sees ----


def test_the_report_is_a_table_with_a_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    run([EpochReport()], xs=[1], epochs=3, scores=[2, 1, 0.5])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split("  ") != [] and " ".join(head.split()) == "epoch train loss validation loss seconds"
    assert [line.split()[:3] for line in lines] == [
        ["1", "0.0000", "2.0000"],
        ["2", "-1.0000", "1.0000"],
        ["3", "-2.0000", "0.5000"],
    ]
    assert {len(line) for line in lines} == {len(head)}


def test_without_a_terminal_the_bar_is_ten_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    run([ProgressBar("reviews")], xs=[1] * 30)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10 and "\r" not in "".join(lines)
    assert lines[0].startswith("epoch 1/1  batch 3/30  loss -1.000  ")  # the mean of 0, -1 and -2
    assert lines[-1].startswith("epoch 1/1  batch 30/30  loss -14.500  ") and lines[-1].endswith(" reviews/s")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    run([ProgressBar("reviews")], xs=[1] * 4, epochs=2, scores=[1, 1])
    text = screen.getvalue()
    assert "epoch 1/2" in text and "epoch 2/2" in text and "4/4" in text
    assert "loss=-1.500" in text and "reviews/s=" in text and "now=validating" in text
    assert text.endswith("\r")  # the bar is wiped away for the report


def test_in_a_notebook_tqdm_is_asked_for_its_notebook_form(monkeypatch: pytest.MonkeyPatch) -> None:
    # tqdm.auto chooses the form; with no terminal, it is asked only where a notebook is found.
    shell = type("Shell", (), {"config": {"IPKernelApp": {}}})()
    monkeypatch.setitem(sys.modules, "IPython", type(sys)("IPython"))
    sys.modules["IPython"].get_ipython = lambda: shell  # type: ignore[attr-defined]
    made: list[Any] = []
    import tqdm.auto

    def make(**options: Any) -> Any:
        made.append(options)
        return tqdm.std.tqdm(disable=True)

    monkeypatch.setattr(tqdm.auto, "tqdm", make)
    run([ProgressBar()], xs=[1, 1])
    assert [options["total"] for options in made] == [2]


def test_a_length_that_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    class Stream:
        def __iter__(self) -> Any:
            return iter([(np.ones(1), np.zeros(1))] * 250)

    point = Point()
    optimizer = SGD(point.named_parameters())
    Trainer(point, lambda o, y: o.sum(), optimizer, metrics={}, callbacks=[ProgressBar(), EpochReport()]).fit(
        Stream(), 1
    )
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["batch 100", "batch 200"]


# ---- history ----


def test_history_reads_by_column() -> None:
    history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "lr": 0.1}])
    assert history["loss"] == [0.5] and list(history) == ["epoch", "loss", "lr"] and len(history) == 3
    assert "loss" in history and "none" not in history and dict(history)["lr"] == [0.1]
    with pytest.raises(KeyError, match="'none'; there are epoch, loss, lr"):
        history["none"]


def test_a_log_in_json_is_json_whatever_the_numbers() -> None:
    row: dict[str, Any] = {
        "epoch": 1,
        "loss": float("nan"),
        "high": float("inf"),
        "low": np.float32(0.5),
        "odd": np.float32("-inf"),
    }

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    read = json.loads(History([row]).json_lines(), parse_constant=refuse)
    assert read == {"epoch": 1, "loss": None, "high": None, "low": 0.5, "odd": None}
    assert np.isnan(row["loss"])  # the history itself keeps it


def test_a_log_has_the_same_digits_before_and_after_an_interruption() -> None:
    row: dict[str, Any] = {"epoch": 1, "loss": np.float32(0.1)}
    assert History([row]).csv() == History([{"epoch": 1, "loss": float(np.float32(0.1))}]).csv()


@pytest.mark.parametrize(
    ("name", "written"),
    [("=1+2", "'=1+2"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "\\t=1"), ("\r=1", "\\r=1")],
)
def test_a_spreadsheet_finds_no_formula_in_a_log(name: str, written: str) -> None:
    rows = list(csv.reader(io.StringIO(History([{"epoch": 1, name: -2.5}]).csv(), newline="")))
    assert rows == [["epoch", written], ["1", "-2.5"]]  # a number that is negative stays a number


# ---- refusals ----

VALIDATION = "fit was given no validation batches"


@pytest.mark.parametrize(
    ("act", "kind", "code", "told", "remedy"),
    [
        (lambda: run([EarlyStopping()]), OptionError, "MG314", VALIDATION, "validation=batches"),
        (lambda: run([BestWeights()]), OptionError, "MG314", VALIDATION, "validation=batches"),
        (
            lambda: run([EarlyStopping("train_los")]),
            OptionError,
            "MG314",
            "there are epoch, step, train_loss",
            "monitor",
        ),
        (lambda: EarlyStopping(patience=-1), OptionError, "MG305", "patience is -1", "range"),
        (lambda: EarlyStopping(min_delta=-0.1), OptionError, "MG305", "min_delta is -0.1", "range"),
        (lambda: ClipGradients(-1), OptionError, "MG305", "max_norm is -1", "range"),
        (lambda: Snapshots("x", keep=0), OptionError, "MG305", "keep is 0", "range"),
        (lambda: Snapshots("x", every_steps=0), OptionError, "MG305", "every_steps is 0", "range"),
        (lambda: Evaluate([]), OptionError, "MG320", "every_epochs=None", "every_epochs=1"),
        (lambda: Evaluate([], every_epochs=1, every_steps=1), OptionError, "MG320", "every_steps=1", "one of them"),
        (lambda: run([Evaluate([], "train", every_epochs=1)]), OptionError, "MG328", "'train'", "another name"),
        (lambda: run([Evaluate([], "validation", every_steps=1)], scores=[1]), OptionError, "MG328", "'va", "'test'"),
        (lambda: run([Evaluate([], every_steps=n) for n in (1, 2)]), OptionError, "MG328", "'test'", "another name"),
        (lambda: LogFile("log.txt"), OptionError, "MG317", "'log.txt'", ".csv or .jsonl"),
        (lambda: LearningCurves("c.gif"), OptionError, "MG317", "'c.gif'", ".png or .svg or .pdf"),
        (lambda: Statistics("s"), OptionError, "MG317", "(none)", ".csv or .jsonl"),
        (lambda: History().save("h"), OptionError, "MG317", "(none)", ".csv or .jsonl"),
    ],
)
def test_bad_input(act: Any, kind: type[MinigradError], code: str, told: str, remedy: str) -> None:
    with pytest.raises(kind) as error:
        act()
    assert error.value.code == code
    assert told in error.value.what
    assert error.value.cause and remedy in error.value.remedy


def test_without_matplotlib_curves_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for act in (lambda: LearningCurves("c.png"), lambda: History([{"epoch": 1, "train_loss": 1.0}]).plot()):
        with pytest.raises(MinigradError) as error:
            act()
        assert error.value.code == "MG706" and error.value.remedy.endswith("pip install matplotlib")


def test_the_default_callbacks_show_and_guard() -> None:
    trainer = Trainer(Point(), mg.mean_squared_error, SGD(Point().named_parameters()))
    assert [type(callback) for callback in trainer.callbacks] == [ProgressBar, EpochReport, StopOnNonFinite]
