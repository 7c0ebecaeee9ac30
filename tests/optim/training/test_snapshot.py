"""Resumed runs end as uninterrupted ones, and a snapshot that does not fit is an error."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import BatchNorm, Dense, Sequential
from minigrad.data import Batches
from minigrad.errors import CheckpointError, DtypeError, MinigradError
from optim import (
    SGD,
    Adam,
    BestWeights,
    Callback,
    ClipGradients,
    CosineSchedule,
    EarlyStopping,
    Evaluate,
    LearningRate,
    LogFile,
    RMSprop,
    Snapshots,
    Statistics,
    WarmUp,
    freeze,
    unfreeze,
)
from tests.optim.training.runs import (
    At,
    build,
    data,
    held,
    state,
    trainer_of,
)


@pytest.fixture(autouse=True)
def unsynced(monkeypatch):
    """No snapshot waits for the disk."""
    monkeypatch.setattr("os.fsync", lambda file: None)


def check_resumes(folder, make):
    """A run, interrupted after each of its steps, ends as if it had not been. `make` returns its
    trainer and the arguments of fit.
    """

    def end(*callbacks, resume=None):
        trainer, *arguments = make()
        trainer.callbacks += callbacks
        if resume:
            mg.seed(9)  # what a snapshot holds is not taken from here
        trainer.fit(*arguments, resume=resume)
        return state(trainer)

    every = Snapshots(folder, every_steps=1, every_epochs=1, keep=99)
    expected = end(every)
    snapshots = sorted(folder.iterdir())
    assert len(snapshots) >= 8
    for snapshot in snapshots:
        assert end(resume=snapshot) == expected, snapshot.name


def momentum(parameters):
    groups = [{"parameters": {path: p}} for path, p in parameters.items()]
    return SGD(groups, lr=0.3, momentum=0.9, nesterov=True)


def adam(parameters):
    return Adam(parameters, lr=0.02)


def fading(parameters):
    return Adam(parameters, betas=(0.0, 0.99))


def decay(parameters):
    return SGD(parameters, lr=0.3, weight_decay=0.01)


def assign(step, name, value, group=None, moment="on_step"):
    """A callback that sets an attribute of the optimizer or of one of its groups."""

    def act(trainer):
        owner = trainer.optimizer
        setattr(owner if group is None else owner.groups[group], name, value)

    return At(moment, step, act)


CHANGES: dict[str, Any] = {
    "lr": (
        adam,
        assign(3, "lr", 0.05),
        assign(6, "lr", 0.01, moment="on_epoch_end"),
    ),
    "lr of one group": (momentum, assign(7, "lr", 0.5, group=2)),
    "lr of NumPy": (adam, assign(3, "lr", np.float32(0.05))),
    "scale": (adam, assign(3, "scale", 0.3)),
    "weight_decay": (momentum, assign(3, "weight_decay", 0.1, group=1)),
    "betas": (adam, assign(6, "beta1", np.float32(0.1))),
    "mode": (
        momentum,
        At("on_step", 3, lambda t: t.model.dropout.eval()),
    ),
    "freezing": (
        momentum,
        At("on_step", 3, lambda t: freeze(t.model, "*")),
        At("on_step", 3, lambda t: unfreeze(t.model, "rnn")),
        At("on_step", 8, lambda t: unfreeze(t.model, "embedding")),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_resume_after_a_setting_changed(tmp_path, change):
    optimizer, *changes = CHANGES[change]
    check_resumes(tmp_path, lambda: (build(changes, optimizer, seed=4), data(), 2, held()))


def test_resume_restores_running_means(tmp_path):
    x = np.random.default_rng(0).normal(2, 3, (32, 4))
    y = (x[:, 0] > 2).astype(int)

    def make():
        mg.seed(1)
        model = Sequential(Dense(4, 3), BatchNorm(3), Dense(3, 2))
        best = [BestWeights()]
        trainer = trainer_of(model, mg.softmax_cross_entropy, callbacks=best, seed=1)
        return trainer, Batches(x, y, batch_size=8), 2, [(x[:8], y[:8])]

    check_resumes(tmp_path, make)


USES: dict[str, Any] = {
    "as validation": lambda train: [],
    "every 2 steps": lambda train: [Evaluate(train, every_steps=2)],
    "shuffled test": lambda train: [Evaluate(data(seed=8), every_steps=3)],
    "by an act": lambda train: [
        At("on_step", step, lambda trainer: list(train)) for step in (3, 6, 8)
    ],
}


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("use", USES)
def test_resume_with_batches_used_in_several_places(tmp_path, use, seed):
    def make():
        train = data(seed=6 if seed is None else 0)
        validation = train if use == "as validation" else None
        return build(USES[use](train), seed=seed), train, 2, validation

    check_resumes(tmp_path, make)


@pytest.mark.parametrize("rule", [momentum, adam, fading, decay, RMSprop])
def test_resume_with_every_callback(tmp_path, rule):
    folders = map(Path, (tmp_path / f"run {n}" for n in itertools.count()))
    metrics = {"share": lambda output, labels: np.float32(labels.mean())}

    def make():
        folder = next(folders)
        callbacks = [
            Statistics(every_steps=3),
            ClipGradients(0.5),
            LearningRate(WarmUp(4, CosineSchedule(30))),
            Evaluate(held(), every_steps=4),
            EarlyStopping(patience=1),
            BestWeights(folder / "best.safetensors"),
            LogFile(folder / "log.csv"),
        ]
        trainer = build(callbacks, rule, metrics=metrics, seed=2)
        return trainer, data(12), 4, held()

    check_resumes(tmp_path / "snapshots", make)
    best = [mg.load(path / "best.safetensors").info for path in tmp_path.glob("run*")]
    assert best == best[:1] * len(best)


@pytest.mark.parametrize("rule", [momentum, adam, decay])
def test_snapshots_do_not_change_a_run_and_resume_makes_it_longer(tmp_path, rule):
    def run(epochs, *callbacks, resume=None):
        trainer = build(callbacks, rule, seed=2)
        trainer.fit(data(), epochs, resume=resume)
        return state(trainer)

    assert run(2, Snapshots(tmp_path, every_steps=1)) == run(2)
    assert run(4, resume=Snapshots.latest(tmp_path)) == run(4)


def test_resume_with_a_list_of_batches(tmp_path):
    batches = list(data())
    check_resumes(tmp_path, lambda: (build(seed=2), batches, 2))
    with pytest.raises(CheckpointError, match="number of batches was 6 and is now 4"):
        build().fit(batches[:4], 2, resume=tmp_path / "step-000000003.safetensors")


def test_resume_a_second_fit(tmp_path):
    def make():
        fails = At("on_step", 8, lambda trainer: 1 / 0)
        trainer, train = build([ClipGradients(0.1), fails], momentum), data()
        with pytest.raises(ZeroDivisionError):
            trainer.fit(train, 2)
        trainer.callbacks.remove(fails)
        return trainer, train, 2

    check_resumes(tmp_path, make)


# ---- what does not fit ----


class Letters(Callback):
    """A callback of a user, which fails after it has loaded another state."""

    remembers = ("letters",)

    def on_start(self, trainer):
        self.letters = ["a"]

    def load_state_dict(self, state):
        super().load_state_dict(state)
        if state["letters"] != ["a"]:
            raise RuntimeError("these are not my letters")


def edited(change):
    """A change to the arrays and the info of a snapshot, whose checksum then fits."""

    def edit(path):
        checkpoint = mg.load(path)
        change(checkpoint, checkpoint.info)
        mg.save(path, checkpoint, checkpoint.info)

    return edit


def without(name):
    """A snapshot that lacks an array."""
    return edited(lambda arrays, info: arrays.pop(name))


def other_head(parameters):
    parameters["dense.W"].node.output = np.zeros((6, 3), "float32")
    return momentum(parameters)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"optimizer": adam}, "MG508", "the optimizer was 'SGD' and is now 'Adam'"),
        (
            {"optimizer": lambda p: SGD(p, lr=0.2, momentum=0.9)},
            "MG508",
            "lr of group 0 was 0.3 and is now 0.2",
        ),
        ({"optimizer": other_head}, "MG505", "dense.W is (6, 2), but must be (6, 3)"),
        ({"metrics": {}}, "MG508", "the metrics were ['accuracy'] and are now []"),
        ({"config": {"hidden": 8}}, "MG508", "hidden was 'nothing' and is now 8"),
        (
            {"train": list(data())},
            "MG508",
            "the batches were 'Batches' and are now 'list'",
        ),
        ({"train": data(seed=5)}, "MG414", "seed"),
        (edited(lambda arrays, info: info.pop("kind")), "MG508", "only weights"),
        (edited(lambda arrays, info: info.pop("means")), "MG508", "it has no means"),
        (
            edited(lambda arrays, info: info["callbacks"].pop("EarlyStopping")),
            "MG508",
            "not the ones that the run stored",
        ),
        (
            edited(lambda arrays, info: info["callbacks"].update(Letters="b")),
            "MG508",
            "not the ones that the run stored",
        ),
        (
            edited(lambda arrays, info: info["callbacks"]["Letters"].update(letters=["b"])),
            "MG508",
            "these are not my letters",
        ),
        (without("model/dense.b"), "MG505", "dense.b"),
        (without("optimizer/velocity/dense.b"), "MG505", "dense.b"),
        (without("optimizer/pending sums/embedding.table"), "MG505", "pending sums"),
        (without("optimizer/pending up_to/embedding.table"), "MG505", "pending up_to"),
        (Path.unlink, "MG501", "cannot read"),
    ],
)
def test_resume_refuses_what_does_not_fit(tmp_path, change, code, message):
    callbacks = [Statistics(2), EarlyStopping("train_loss"), Letters()]
    build([*callbacks, Snapshots(tmp_path)], momentum).fit(data(), 1)
    newest: Any = Snapshots.latest(tmp_path)
    options = {"optimizer": momentum, "train": data()}
    options |= change if isinstance(change, dict) else change(newest) or {}
    train = options.pop("train")
    trainer = build(callbacks, **options)
    trainer.fit(train, 0)
    before = state(trainer)
    with pytest.raises(MinigradError) as error:
        trainer.fit(train, 2, resume=newest)
    assert error.value.code == code and message in str(error.value)
    assert state(trainer) == before


def test_resume_with_a_new_callback(tmp_path):
    build([Snapshots(tmp_path, every_steps=2, keep=9)]).fit(
        data(),
        1,
    )
    statistics = Statistics(every_steps=1)
    build([statistics]).fit(data(), 1, resume=tmp_path / "step-000000004.safetensors")
    assert statistics.history["step"] == [5, 6]


def test_resume_forgets_the_best_value_of_another_column(tmp_path):
    build([EarlyStopping("train_accuracy"), Snapshots(tmp_path)]).fit(data(), 1)
    stopping = EarlyStopping("train_loss")
    history = build([stopping]).fit(
        data(),
        2,
        resume=Snapshots.latest(tmp_path),
    )
    assert stopping.value == history["train_loss"][1]


def test_snapshots_refuse_a_callback_state_that_is_not_json(tmp_path):
    odd: Any = Callback()
    odd.state_dict = lambda: {"arrays": [np.ones(2)]}
    with pytest.raises(DtypeError, match="MG507"):
        build([odd, Snapshots(tmp_path)]).fit(data(), 1)
