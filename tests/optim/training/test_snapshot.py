"""Resumed runs end as uninterrupted ones, and a snapshot that does not fit is an error."""

import copy
import functools
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, BatchNorm, Dense, Sequential, Stateful, TruncatedBPTT
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
    Snapshots,
    Statistics,
    Trainer,
    WarmUp,
    freeze,
    unfreeze,
)
from tests.optim.training.runs import At, build, data, held, in_bytes, state, weights


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
    "betas": (adam, assign(6, "beta1", 0.1)),
    "mode": (momentum, At("on_step", 3, lambda t: t.model.dropout.eval())),
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
    check_resumes(
        tmp_path, lambda: (build(changes, optimizer, seed=4), data(), 2, held())
    )


def test_resume_restores_running_means(tmp_path):
    x = np.random.default_rng(0).normal(2, 3, (32, 4)).astype(np.float32)
    y = (x[:, 0] > 2).astype(int)

    def make():
        mg.seed(1)
        model = Sequential(Dense(4, 3), BatchNorm(3), Dense(3, 2))
        trainer = Trainer(
            model,
            mg.softmax_cross_entropy,
            SGD(model.named_parameters(), lr=0.1),
            callbacks=[BestWeights()],
            seed=1,
        )
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


@pytest.mark.parametrize("rule", [momentum, adam, decay])
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


def test_resume_with_a_parameter_called_value(tmp_path):
    class Named(Dense):
        def named_parameters(self):
            return {"value": self.W, "b": self.b}

        def forward(self, ids):
            return super().forward(ids / 30.0)

    def make():
        mg.seed(1)
        model = Named(6, 2)
        # a rate at which the first epoch is the best
        optimizer = SGD(model.named_parameters(), lr=3.0)
        loss = mg.softmax_cross_entropy
        trainer = Trainer(model, loss, optimizer, callbacks=[BestWeights()])
        return trainer, data(), 2, held()

    check_resumes(tmp_path, make)


# ---- what does not fit ----


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
        (
            edited(lambda arrays, info: info["callbacks"].pop("EarlyStopping")),
            "MG508",
            "not the ones that the run stored",
        ),
        (without("model/dense.b"), "MG505", "dense.b"),
        (without("optimizer/velocity/dense.b"), "MG505", "dense.b"),
        (Path.unlink, "MG501", "cannot read"),
    ],
)
def test_resume_refuses_what_does_not_fit(tmp_path, change, code, message):
    stopping = EarlyStopping("train_loss")
    build([stopping, Snapshots(tmp_path)], momentum).fit(data(), 1)
    newest: Any = Snapshots.latest(tmp_path)
    options = {"optimizer": momentum, "train": data()}
    options |= change if isinstance(change, dict) else change(newest) or {}
    train = options.pop("train")
    trainer = build([stopping], **options)
    before = weights(trainer)
    with pytest.raises(MinigradError) as error:
        trainer.fit(train, 2, resume=newest)
    assert error.value.code == code and message in str(error.value)
    assert weights(trainer) == before


class Position:
    """Batches of a user, whose position is one attribute."""

    def __init__(self):
        self.batches, self.position = list(data(4))[:3], {"epoch": 0}

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        self.position = {"epoch": self.position["epoch"] + 1}
        return iter(self.batches)

    def state_dict(self):
        return self.position

    def load_state_dict(self, position):
        self.position = position


class Letters(Callback):
    """A callback of a user, which fails after it has loaded another state."""

    remembers = ("letters",)

    def on_start(self, trainer):
        self.letters = ["a"]

    def load_state_dict(self, state):
        super().load_state_dict(state)
        if state["letters"] != ["a"]:
            raise RuntimeError("these are not my letters")


def begun(*callbacks):
    """A trainer with pending updates, and with callbacks of which the last one can fail."""
    mine = [
        Statistics(2),
        ClipGradients(0.5),
        EarlyStopping(),
        BestWeights(),
        Letters(),
    ]
    trainer = build([*mine, *callbacks], adam, seed=2)
    trainer.begin(Position(), 2, held())
    return trainer


def everything(trainer):
    """All that resuming changes."""
    names = "epoch", "step", "batch", "trained", "started", "seconds", "history"
    return {
        "pending": in_bytes(trainer.optimizer.raw_state()),
        **state(trainer),
        **{name: copy.deepcopy(getattr(trainer, name)) for name in names},
        "hyperparameters": trainer.optimizer.hyperparameters(),
        "means": vars(trainer.means),
        "modes": [one.training for one in trainer.model.named_layers().values()],
        "train": trainer.train.state_dict(),
    }


def places(value, path=()):
    """Yield the path of each item in nested dicts."""
    for name, item in value.items():
        yield (*path, name)
        if isinstance(item, dict):
            yield from places(item, (*path, name))


def damaged(whole):
    """Yield (path, arrays, info) of a snapshot in which one part is missing or wrong."""
    for path in places(whole.info):
        for wrong in ("missing", "?"):
            info = copy.deepcopy(whole.info)
            *above, last = path
            parent = functools.reduce(lambda value, name: value[name], above, info)
            parent[last] = wrong
            if wrong == "missing":
                del parent[last]
            yield (*path, wrong), whole, info
    for name, array in whole.items():
        rest = {other: one for other, one in whole.items() if other != name}
        yield (name, "missing"), rest, whole.info
        yield (name, "shape"), {**rest, name: array[None]}, whole.info
        yield (name, "dtype"), {**rest, name: array.astype(bool)}, whole.info


def test_resume_changes_nothing_if_a_part_is_missing_or_wrong(tmp_path):
    begun(Snapshots(tmp_path, every_steps=2)).fit(Position(), 2, held())
    whole = mg.load(tmp_path / "step-000000004.safetensors")
    assert (
        "optimizer/pending sums/embedding.table" in whole and whole.info["batch"] == 1
    )
    path = tmp_path / "edited.safetensors"

    def resume(arrays, info):
        mg.save(path, arrays, info)
        trainer, error = begun(), None
        try:
            trainer._start(path)
        except MinigradError as raised:
            error = raised
        return error, everything(trainer)

    error, complete = resume(whole, whole.info)
    assert error is None
    error, unchanged = resume(whole, {})
    assert error is not None and unchanged != complete
    for part, arrays, info in damaged(whole):
        error, after = resume(arrays, info)
        if error is not None:
            assert after == unchanged, (part, error)
        else:
            # a callback and a reason to stop may contain any text
            text = part[0] in ("callbacks", "stop_reason") and part[-1] == "?"
            assert text or part == ("form", "missing") and after == complete, part


def carrying(callbacks=()):
    """A run whose model carries the state (h, c) of an LSTM, and its batches."""
    mg.seed(3)
    lstm = LSTM(3, 2, return_sequences=True, return_state=True)
    model = Stateful(lstm, TruncatedBPTT(2, 3))
    optimizer = SGD(model.named_parameters(), lr=0.1)

    def loss(output, labels):
        return mg.mean_squared_error(output, labels[:, -output.shape[1] :])

    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 2, 2, 3)).astype("float32")
    batches = list(zip(x, x[..., :2], strict=True))
    return Trainer(model, loss, optimizer, metrics={}, callbacks=callbacks), batches


@pytest.mark.parametrize("array", ["state.0", "state.1", "x"])
def test_resume_refuses_a_carried_state_without_an_array(tmp_path, array):
    trainer, batches = carrying([Snapshots(tmp_path, every_steps=1, keep=4)])
    trainer.fit(batches, 1)
    path = tmp_path / "step-000000002.safetensors"
    without(f"carried/{array}")(path)
    trainer, batches = carrying()
    before = weights(trainer)
    with pytest.raises(CheckpointError, match="MG508"):
        trainer.fit(batches, 1, resume=path)
    assert weights(trainer) == before and trainer.step == 0


def test_resume_with_a_new_callback(tmp_path):
    build([Snapshots(tmp_path, every_steps=2, keep=9)]).fit(data(), 1)
    statistics = Statistics(every_steps=1)
    build([statistics]).fit(data(), 1, resume=tmp_path / "step-000000004.safetensors")
    assert statistics.history["step"] == [5, 6]


def test_resume_forgets_the_best_value_of_another_column(tmp_path):
    build([EarlyStopping("train_accuracy"), Snapshots(tmp_path)]).fit(data(), 1)
    stopping = EarlyStopping("train_loss")
    history = build([stopping]).fit(data(), 2, resume=Snapshots.latest(tmp_path))
    assert stopping.value == history["train_loss"][1]


def test_snapshots_refuse_a_callback_state_that_is_not_json(tmp_path):
    odd: Any = Callback()
    odd.state_dict = lambda: {"arrays": [np.ones(2)]}
    with pytest.raises(DtypeError, match="MG507"):
        build([odd, Snapshots(tmp_path)]).fit(data(), 1)


def test_snapshots_store_a_float32_metric(tmp_path):
    third = {"one": lambda output, labels: np.float32(1) / np.float32(3)}
    history = build([Snapshots(tmp_path)], metrics=third).fit(data(), 1)
    assert type(history["train_one"][0]) is float and Snapshots.latest(tmp_path)
