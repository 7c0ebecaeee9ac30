"""A run that is resumed ends as the one that was not interrupted, whatever changes on the way; or an error says why.

snapshot_0_1 and snapshot_0_1_end were written by version 0.1 as of commit 3f1c234: a snapshot after 26 steps of a run,
with updates pending for rows of the table, and the weights at that run's end, after 32 steps. snapshot_e233385 is from
commit e233385, after 15 of 24 steps of another run; its losses at the end are in the test.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Dropout, Embedding, Sequential, Stateful, TruncatedBPTT
from minigrad.data import Batches
from minigrad.errors import CheckpointError, DtypeError, MinigradError
from optim import (
    SGD,
    Adam,
    BestWeights,
    Callback,
    ClipGradients,
    EarlyStopping,
    EpochReport,
    Evaluate,
    LearningRate,
    LogFile,
    Optimizer,
    ProgressBar,
    Snapshots,
    Statistics,
    StepSchedule,
    Trainer,
    WarmUp,
    freeze,
    unfreeze,
)

DATA = Path(__file__).parent / "data"
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)).astype("float32"), RNG.integers(0, 2, 20)
STEPS = 5  # in an epoch


class Then(Callback):
    """Calls `act(trainer)` after the step of that number."""

    def __init__(self, step: int, act: Callable[[Any], object], moment: str = "on_step") -> None:
        self.step = step
        setattr(self, moment, lambda trainer: act(trainer) if trainer.step == step else None)


def batches(**options: Any) -> Batches:
    return Batches(X, Y, batch_size=4, **options)


def build(callbacks: Any = (), optimizer: Any = SGD, **options: Any) -> Trainer:
    mg.seed(3)
    model = Sequential(Dense(3, 4), Dropout(0.2), Dense(4, 2))
    made = optimizer(model.named_parameters(), lr=0.1)
    return Trainer(model, mg.softmax_cross_entropy, made, callbacks=callbacks, **options)


def state(trainer: Trainer) -> dict[str, Any]:
    """All that two runs are compared by."""
    found = {path: tensor.array.tobytes() for path, tensor in trainer.model.named_parameters().items()}
    found |= {name: array.tobytes() for name, array in trainer.optimizer.state_dict().items()}
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in trainer.history.rows]
    drawn = mg.generator().bit_generator.state
    return found | {"rows": rows, "lr": trainer.optimizer.lr, "stop": trainer.stop_reason, "generator": drawn}


def check_resumes(folder: Path, run: Callable[[list[Callback], Path | None], Trainer]) -> None:
    """`run(further callbacks, resume)`, interrupted after each of its steps, ends as if it had not been."""
    expected = state(run([Snapshots(folder, every_steps=1, every_epochs=1, keep=1000)], None))
    snapshots = sorted(folder.iterdir())
    assert len(snapshots) >= 2 * STEPS
    for snapshot in snapshots:
        assert state(run([], snapshot)) == expected, snapshot.name


# ---- what moves while a run goes on ----


def momentum(parameters: Any, lr: float) -> Optimizer:
    return SGD([{"parameters": {path: p}} for path, p in parameters.items()], lr=lr, momentum=0.9)


def set_decay(trainer: Trainer) -> None:
    trainer.optimizer.groups[1].weight_decay = 0.1


def halve(trainer: Trainer) -> None:
    trainer.optimizer.lr /= 2


CHANGES: dict[str, tuple[Any, list[Callable[[], Callback]]]] = {
    "lr": (SGD, [lambda: Then(3, halve), lambda: Then(8, halve)]),
    "lr of one group": (momentum, [lambda: Then(7, lambda t: setattr(t.optimizer.groups[2], "lr", 0.5))]),
    "lr after an epoch": (SGD, [lambda: Then(5, halve, "on_epoch_end")]),
    "lr of NumPy": (SGD, [lambda: Then(3, lambda t: setattr(t.optimizer, "lr", np.float32(0.3)))]),
    "scale": (Adam, [lambda: Then(3, lambda t: setattr(t.optimizer, "scale", 0.3))]),
    "weight_decay": (momentum, [lambda: Then(3, set_decay)]),
    "momentum": (momentum, [lambda: Then(6, lambda t: setattr(t.optimizer, "momentum", 0.1))]),
    "a layer's mode": (SGD, [lambda: Then(3, lambda t: t.model.dropout.eval())]),
    "betas": (Adam, [lambda: Then(6, lambda t: setattr(t.optimizer, "beta1", 0.1))]),
    "freezing": (
        momentum,
        [lambda: Then(3, lambda t: freeze(t.model, "dense")), lambda: Then(8, lambda t: unfreeze(t.model, "dense.b"))],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_setting_changed_during_the_run_is_resumed(tmp_path: Path, change: str) -> None:
    optimizer, makers = CHANGES[change]

    def run(further: list[Callback], resume: Path | None) -> Trainer:
        trainer = build([*(make() for make in makers), *further], optimizer, seed=4)
        trainer.fit(batches(), 3, batches(shuffle=False), resume=resume)
        return trainer

    check_resumes(tmp_path, run)


def walk(trainer: Trainer) -> None:
    assert sum(len(y) for _, y in SHARED[-1]) == len(Y)


SHARED: list[Batches] = []  # the newest run's training batches

USES: dict[str, Callable[[Batches], list[Callback]]] = {
    "as validation": lambda train: [],
    "every 2 steps": lambda train: [Evaluate(train, every_steps=2)],
    "every epoch": lambda train: [Evaluate(train, every_epochs=1)],
    "shuffled test": lambda train: [Evaluate(batches(seed=8), every_steps=3)],
    "by a callback": lambda train: [Then(3, walk), Then(5, walk, "on_epoch_end"), Then(8, walk, "on_gradients")],
}


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("use", USES)
def test_batches_used_in_several_places_are_resumed(tmp_path: Path, use: str, seed: int | None) -> None:
    def run(further: list[Callback], resume: Path | None) -> Trainer:
        SHARED.append(train := batches(seed=6 if seed is None else 0))
        trainer = build([*USES[use](train), *further], seed=seed)
        if resume is not None:
            mg.seed(9)  # what a snapshot holds is not taken from here
        trainer.fit(train, 3, train if use == "as validation" else None, resume=resume)
        return trainer

    check_resumes(tmp_path, run)


def test_evaluation_does_not_change_the_order_of_the_training_batches() -> None:
    plain, evaluated = build(seed=1), build(seed=1)
    plain.fit(batches(), 3)
    train = batches()
    evaluated.callbacks = [Evaluate(train, every_steps=2)]
    evaluated.fit(train, 3, train)
    assert plain.history["train_loss"] == evaluated.history["train_loss"]


def test_every_callback_at_once_is_resumed(tmp_path: Path) -> None:
    def run(further: list[Callback], resume: Path | None) -> Trainer:
        folder = tmp_path / ("whole" if resume is None else "again")
        statistics = Statistics(every_steps=3)
        callbacks = [
            statistics, ClipGradients(0.5), LearningRate(StepSchedule(4, 0.5)), Evaluate(batches(), every_epochs=2),
            EarlyStopping(patience=1), BestWeights(folder / "best.safetensors"), LogFile(folder / "log.csv"),
        ]  # fmt: skip
        metrics = {"share": lambda output, labels: np.float32(labels.mean())}
        trainer = build([*callbacks, *further], momentum, metrics=metrics, seed=2)
        trainer.fit(batches(), 4, batches(), resume=resume)
        trainer.history.rows += statistics.history.rows
        trainer.history.rows.append(mg.load(folder / "best.safetensors").info)
        return trainer

    check_resumes(tmp_path / "snapshots", run)


def test_a_resumed_run_prints_what_the_interrupted_one_would_have(tmp_path: Path, capsys: Any) -> None:
    data = Batches(np.repeat(X, 5, axis=0), np.repeat(Y, 5), batch_size=4)  # 25 batches

    def printed(further: list[Callback], resume: Path | None = None) -> tuple[list[str], list[str]]:
        report, bar = EpochReport(), ProgressBar()
        build([report, bar, Evaluate(batches(), every_epochs=2), *further], seed=2).fit(data, 3, resume=resume)
        out, err = capsys.readouterr()
        return [line[:-9] for line in out.splitlines()], [line.rsplit("  ", 1)[0] for line in err.splitlines()]

    (head, *rows), bars = printed([Snapshots(tmp_path, every_steps=1, every_epochs=1, keep=1000)])
    assert len(rows) == 3 and len(bars) == 30
    for snapshot in sorted(tmp_path.iterdir()):
        info = mg.load(snapshot).info
        later = bars[10 * info["epoch"] + info["batch"] * 10 // 25 :]
        assert printed([], snapshot) == ([head, *rows[info["epoch"] :]] if info["epoch"] < 3 else [], later)


def test_a_list_of_batches_is_resumed_and_a_shorter_one_refused(tmp_path: Path) -> None:
    data = list(batches())

    def run(further: list[Callback], resume: Path | None) -> Trainer:
        trainer = build(further, seed=2)
        trainer.fit(data, 3, resume=resume)
        return trainer

    check_resumes(tmp_path, run)
    for other, told in ((data[:4], "the number of batches was 5 and is 4"), (batches(), "state_dict")):
        with pytest.raises(CheckpointError, match=told):
            build().fit(other, 3, resume=tmp_path / "step-000000003.safetensors")


def test_a_second_fit_is_resumed(tmp_path: Path) -> None:
    def run(further: list[Callback], resume: Path | None) -> Trainer:
        trainer, train = build([ClipGradients(0.1)], momentum), batches()
        with pytest.raises(ZeroDivisionError):
            trainer.callbacks.append(Then(8, lambda trainer: 1 / 0))  # type: ignore[attr-defined]
            trainer.fit(train, 2)
        trainer.callbacks = [trainer.callbacks[0], *further]
        trainer.fit(train, 2, resume=resume)
        return trainer

    check_resumes(tmp_path, run)


def test_a_float32_metric_is_a_number_like_any_other(tmp_path: Path) -> None:
    trainer = build([Snapshots(tmp_path)], metrics={"one": lambda output, labels: np.float32(1) / np.float32(3)})
    history = trainer.fit(batches(), 1)
    assert type(history["train_one"][0]) is float and Snapshots.latest(tmp_path)


# ---- what does not fit ----


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"optimizer": lambda p, lr: SGD(p, lr=0.2)}, "lr of group 0 was 0.1 and is 0.2"),
        ({"metrics": {}}, "the metrics was ['accuracy', 'loss'] and is ['loss']"),
        ({"epochs": 1}, "it is in epoch 2, and epochs is 1"),
    ],
)
def test_a_run_with_other_options_is_refused(tmp_path: Path, change: Any, told: str) -> None:
    build([Snapshots(tmp_path, every_steps=7)]).fit(batches(), 2)
    epochs = change.pop("epochs", 2)
    with pytest.raises(CheckpointError) as error:
        build(**change).fit(batches(), epochs, resume=Snapshots.latest(tmp_path))
    assert error.value.code == "MG508" and told in error.value.what


def test_a_warning_names_the_callbacks_and_layers_that_differ(tmp_path: Path) -> None:
    build([ClipGradients(1.0), LogFile(tmp_path / "log.csv"), Snapshots(tmp_path)]).fit(batches(), 1)
    trainer = build([LearningRate(StepSchedule(2))])
    assert isinstance(trainer.model, Sequential)
    trainer.model.dropout.rate = 0.5
    told = r"MG324.*only one has ClipGradients; only one has LearningRate; dropout was Dropout\(0.2\) and is .*\(0.5\)"
    with pytest.warns(UserWarning, match=told):
        trainer.fit(batches(), 2, resume=Snapshots.latest(tmp_path))


def test_a_warning_names_a_carried_layer_whose_windows_differ(tmp_path: Path) -> None:
    def fit(k2: int, resume: Path | None = None) -> None:
        model = Stateful(RNN(3, 2, return_sequences=True, return_state=True), TruncatedBPTT(2, k2))
        optimizer = SGD(model.named_parameters(), lr=0.1)
        trainer = Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=[Snapshots(tmp_path)])
        trainer.fit([(np.ones((2, 2, 3)), np.ones((2, 2), int))], 1 if resume is None else 2, resume=resume)

    fit(2)
    with pytest.warns(UserWarning, match=r"was Stateful\(.*k2=2\)\) and is Stateful\(.*k2=3\)\)"):
        fit(3, Snapshots.latest(tmp_path))


def test_a_warning_names_the_arguments_of_callbacks_that_differ(tmp_path: Path, recwarn: Any) -> None:
    def fit(most: float, steps: int, patience: int = 2, resume: Path | None = None) -> None:
        schedule = LearningRate(WarmUp(2, StepSchedule(steps)))
        stop = EarlyStopping("train_loss", patience=patience)
        callbacks = [ClipGradients(most), schedule, stop, BestWeights(monitor="train_loss"), Snapshots(tmp_path)]
        build(callbacks).fit(batches(), 1 if resume is None else 2, resume=resume)

    fit(0.5, 2)
    newest = Snapshots.latest(tmp_path)
    fit(0.5, 2, resume=newest)
    assert not recwarn.list
    told = (
        r"differ: max_norm of ClipGradients was 0.5 and is 1.0; patience of EarlyStopping was 2 and is 3; schedule of "
        r"LearningRate was WarmUp\(steps=2, after=StepSchedule\(every=2, factor=0.1\)\) and is .*every=3"
    )
    with pytest.warns(UserWarning, match=told):
        fit(1.0, 3, 3, newest)


def test_a_rate_of_numpy_is_resumed_by_the_same_trainer(tmp_path: Path) -> None:
    trainer = build([Then(3, lambda t: setattr(t.optimizer, "lr", np.float64(0.05))), Snapshots(tmp_path)])
    trainer.fit(batches(), 1)
    assert len(trainer.fit(batches(), 2, resume=Snapshots.latest(tmp_path))["train_loss"]) == 2


@pytest.mark.parametrize("kind", [EarlyStopping, BestWeights])
def test_the_best_value_of_one_column_is_not_taken_for_that_of_another(tmp_path: Path, kind: Any) -> None:
    build([kind(monitor="train_accuracy"), Snapshots(tmp_path)]).fit(batches(), 1)
    with pytest.raises(CheckpointError, match=r"MG508.*it watched 'train_accuracy', not 'train_loss'"):
        build([kind(monitor="train_loss")]).fit(batches(), 2, resume=Snapshots.latest(tmp_path))


def changed(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Path:
    """A snapshot with other content and a checksum that fits."""
    checkpoint = mg.load(path)
    change(checkpoint, checkpoint.info)
    mg.save(path.parent / "changed.safetensors", checkpoint, checkpoint.info)
    return path.parent / "changed.safetensors"


ENTRIES = ["config", "optimizer", "epoch", "step", "batch", "trained", "stop_reason", "seconds", "means", "history",
           "generator", "train", "validation", "callbacks"]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        *((lambda arrays, info, name=name: info.pop(name), "MG508", name) for name in ENTRIES),
        (lambda arrays, info: info["generator"].pop("state"), "MG508", "generator"),
        (lambda arrays, info: info["means"].pop("count"), "MG508", "means"),
        (lambda arrays, info: info["callbacks"]["EarlyStopping"].pop("waited"), "MG508", "EarlyStopping"),
        (lambda arrays, info: info["train"].update(epoch="x"), "MG414", "epoch x"),
        (lambda arrays, info: info["validation"].update(rows=3), "MG414", "rows was 3"),
        (lambda arrays, info: arrays.pop("model/dense.b"), "MG505", "dense.b"),
        (lambda arrays, info: arrays.pop("optimizer/velocity/dense.b"), "MG505", "dense.b"),
    ],
)
def test_a_snapshot_with_parts_missing_changes_nothing(tmp_path: Path, change: Any, code: str, told: str) -> None:
    def callbacks() -> list[Callback]:
        return [BestWeights(), EarlyStopping()]

    build([*callbacks(), Snapshots(tmp_path, every_steps=7)], momentum, seed=1).fit(batches(), 2, batches())
    newest = Snapshots.latest(tmp_path)
    assert newest is not None
    bad = changed(newest, change)
    trainer, train = build(callbacks(), momentum, seed=1), batches()
    before = state(trainer)
    with pytest.raises(MinigradError) as error:
        trainer.fit(train, 2, batches(), resume=bad)
    assert error.value.code == code and told in str(error.value)
    assert error.value.cause and error.value.remedy
    after = state(trainer) | {name: before[name] for name in ("stop", "generator")}  # `fit` seeds the generator
    assert after == before and train.state_dict() == batches().state_dict() | {"seed": train.seed}


class Own:
    """Batches of the user's own, which fail when they are loaded."""

    position = 1

    def __iter__(self) -> Any:
        return iter(batches())

    def state_dict(self) -> dict[str, int]:
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.position = state["place"]


def test_batches_that_cannot_be_loaded_change_nothing(tmp_path: Path) -> None:
    build([ClipGradients(0.5), Snapshots(tmp_path)], seed=1).fit(Own(), 1)
    trainer = build([ClipGradients(0.5)], seed=1)
    before = state(trainer)
    with pytest.raises(CheckpointError, match="MG508.*the state of the batches of train cannot be loaded .*'place'"):
        trainer.fit(Own(), 2, resume=Snapshots.latest(tmp_path))
    assert state(trainer) | {name: before[name] for name in ("stop", "generator")} == before
    assert trainer.callbacks[0].largest == 0.0


def test_a_parameter_may_be_called_value(tmp_path: Path) -> None:
    class Named:
        def __init__(self) -> None:
            self.value = mg.Tensor(np.ones((3, 2)), requires_grad=True)

        def named_parameters(self) -> dict[str, mg.Tensor]:
            return {"value": self.value}

        def train(self) -> None: ...

        def eval(self) -> None: ...

        def __call__(self, x: Any) -> mg.Tensor:
            product: mg.Tensor = x @ self.value
            return product

    def run(further: list[Callback], resume: Path | None) -> Trainer:
        model = Named()
        optimizer = SGD(model.named_parameters(), lr=3.0)  # so that the first epoch is the best
        trainer = Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=[BestWeights(), *further])
        trainer.fit(batches(), 3, batches(), resume=resume)
        return trainer

    check_resumes(tmp_path, run)


@pytest.mark.parametrize("state", [{"f": len}, {"arrays": [np.ones(2)]}])
def test_a_state_that_no_snapshot_can_hold_ends_the_run(tmp_path: Path, state: Any) -> None:
    class Odd(Callback):
        def state_dict(self) -> dict[str, Any]:
            return dict(state)

    with pytest.raises(DtypeError) as error:
        build([Odd(), Snapshots(tmp_path)]).fit(batches(), 1)
    assert error.value.code == "MG507"


# ---- snapshots of earlier versions ----


def test_a_snapshot_of_the_last_version_goes_on_as_it_would_have() -> None:
    rng = np.random.default_rng(11)
    batches = [(rng.integers(0, 8 + 4 * k, (4, 5)), rng.integers(0, 2, 4)) for k in range(8)]
    model = Sequential(Embedding(40, 4), RNN(4, 3), Dense(3, 2))
    optimizer = Adam(model.named_parameters(), lr=0.05)
    config = {"hidden": 3}
    trainer = Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=[], seed=1, config=config)
    snapshot = mg.load(DATA / "snapshot_0_1.safetensors")
    assert any("idle table/" in name for name in snapshot), "there must be something pending in it"
    trainer.fit(batches, epochs=4, resume=DATA / "snapshot_0_1.safetensors")
    assert trainer.step == 32
    expected = mg.load(DATA / "snapshot_0_1_end.safetensors")
    assert expected.keys() == model.state_dict().keys()
    for path, array in model.state_dict().items():
        np.testing.assert_allclose(array, expected[path], rtol=1e-5, atol=1e-7)


def test_a_snapshot_of_commit_e233385_goes_on_as_it_would_have() -> None:
    rng = np.random.default_rng(16)
    x, y = rng.normal(size=(24, 3)).astype("float32"), rng.integers(0, 2, 24)
    callbacks = [ClipGradients(0.5), EarlyStopping(patience=9), BestWeights()]
    trainer = build(callbacks, lambda p, lr: SGD(p, lr=lr, momentum=0.9), seed=1)
    train, held = Batches(x, y, batch_size=4), Batches(x[:8], y[:8], shuffle=False)
    path = DATA / "snapshot_e233385.safetensors"
    history = trainer.fit(train, 4, held, resume=path)
    assert history["train_loss"] == pytest.approx([0.7361066, 0.5598363, 0.5069212, 0.5674578], rel=1e-5)
    assert history["validation_loss"] == pytest.approx([0.6101274, 0.5957679, 0.6624240, 0.6473562], rel=1e-5)
    assert history["largest_gradient_norm"][2:] == pytest.approx([1.4595271, 1.8718220], rel=1e-5)
    best = mg.load(path)  # after epoch 2, and put back into the model at the end
    for name, tensor in trainer.model.named_parameters().items():
        np.testing.assert_array_equal(tensor.array, best[f"BestWeights/{name}"])
