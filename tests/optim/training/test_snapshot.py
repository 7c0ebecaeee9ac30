"""A run that is resumed ends as the one that was not interrupted, whatever changes on the way; or
an error says why.
"""

import copy
import functools
import itertools
from collections.abc import Callable
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
from tests.optim.training.runs import IDS, LABELS, At, build, data, held, state, weights


def check_resumes(folder, run):
    """`run(further callbacks, resume)`, interrupted after each of its steps, ends as if it had not
    been.
    """
    expected = state(
        run([Snapshots(folder, every_steps=1, every_epochs=1, keep=1000)], None)
    )
    snapshots = sorted(folder.iterdir())
    assert len(snapshots) >= 8
    for snapshot in snapshots:
        assert state(run([], snapshot)) == expected, snapshot.name


def momentum(parameters):
    groups = [{"parameters": {path: p}} for path, p in parameters.items()]
    return SGD(groups, lr=0.3, momentum=0.9, nesterov=True)


def adam(parameters):
    return Adam(parameters, lr=0.02)


def set_lr(value):
    return lambda trainer: setattr(trainer.optimizer, "lr", value)


CHANGES: dict[str, tuple[Any, list[tuple[str, int, Any]]]] = {
    "lr": (adam, [("on_step", 3, set_lr(0.05)), ("on_epoch_end", 12, set_lr(0.01))]),
    "lr of one group": (momentum, [("on_step", 7, lambda t: setattr(t.optimizer.groups[2], "lr", 0.5))]),
    "lr of NumPy": (adam, [("on_step", 3, set_lr(np.float32(0.05)))]),
    "scale": (adam, [("on_step", 3, lambda t: setattr(t.optimizer, "scale", 0.3))]),
    "weight_decay": (momentum, [("on_step", 3, lambda t: setattr(t.optimizer.groups[1], "weight_decay", 0.1))]),
    "betas": (adam, [("on_step", 6, lambda t: setattr(t.optimizer, "beta1", 0.1))]),
    "a layer's mode": (momentum, [("on_step", 3, lambda t: t.model.dropout.eval())]),
    "freezing": (momentum, [("on_step", 3, lambda t: freeze(t.model, "*")),
                            ("on_step", 3, lambda t: unfreeze(t.model, "rnn")),
                            ("on_step", 8, lambda t: unfreeze(t.model, "embedding"))]),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_setting_changed_during_the_run_is_resumed(tmp_path, change):
    optimizer, changes = CHANGES[change]

    def run(further, resume):
        trainer = build([*(At(*one) for one in changes), *further], optimizer, seed=4)
        trainer.fit(data(), 3, held(), resume=resume)
        return trainer

    check_resumes(tmp_path, run)


def test_running_means_are_resumed(tmp_path):
    x = np.random.default_rng(0).normal(2, 3, (40, 4)).astype(np.float32)
    y = (x[:, 0] > 2).astype(int)

    def run(further, resume):
        mg.seed(1)
        model = Sequential(Dense(4, 3), BatchNorm(3), Dense(3, 2))
        optimizer = SGD(model.named_parameters(), lr=0.1)
        callbacks = [BestWeights(), *further]
        trainer = Trainer(
            model, mg.softmax_cross_entropy, optimizer, callbacks=callbacks, seed=1
        )
        batches, held = Batches(x, y, batch_size=8), Batches(x[:8], y[:8], batch_size=8)
        trainer.fit(batches, 3, held, resume=resume)
        return trainer

    def everything(trainer):
        arrays = {
            name: one.tobytes() for name, one in trainer.model.state_dict().items()
        }
        return arrays, state(trainer)

    whole = run([Snapshots(tmp_path, every_steps=1, keep=100)], None)
    assert list(whole.model.named_buffers()) == ["batchnorm.mean", "batchnorm.variance"]
    for snapshot in sorted(tmp_path.iterdir()):
        assert everything(run([], snapshot)) == everything(whole), snapshot.name


USES: dict[str, Callable[[Batches], list[Callback]]] = {
    "as validation": lambda train: [],
    "every 2 steps": lambda train: [Evaluate(train, every_steps=2)],
    "shuffled test": lambda train: [Evaluate(data(seed=8), every_steps=3)],
    "by a callback": lambda train: [
        At("on_step", step, lambda trainer: list(train)) for step in (3, 6, 8)
    ],
}


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("use", USES)
def test_batches_used_in_several_places_are_resumed(tmp_path, use, seed):
    def run(further, resume):
        train = data(seed=6 if seed is None else 0)
        trainer = build([*USES[use](train), *further], seed=seed)
        if resume is not None:
            mg.seed(9)  # what a snapshot holds is not taken from here
        trainer.fit(train, 3, train if use == "as validation" else None, resume=resume)
        return trainer

    check_resumes(tmp_path, run)


RULES = {
    "momentum": momentum,
    "adam": adam,
    "decay": lambda p: SGD(p, lr=0.3, weight_decay=0.01),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_callback_at_once_is_resumed(tmp_path, rule):
    folders = itertools.count()

    def run(further, resume):
        folder, statistics = (
            tmp_path / f"run {next(folders)}",
            Statistics(every_steps=3),
        )
        callbacks = [
            statistics, ClipGradients(0.5), LearningRate(WarmUp(4, CosineSchedule(30))),
            Evaluate(held(), every_steps=4), EarlyStopping(patience=1),
            BestWeights(folder / "best.safetensors"), LogFile(folder / "log.csv"),
        ]  # fmt: skip
        metrics = {"share": lambda output, labels: np.float32(labels.mean())}
        trainer = build([*callbacks, *further], RULES[rule], metrics=metrics, seed=2)
        trainer.fit(
            data(), 4, Batches(IDS[48:], LABELS[48:], batch_size=5), resume=resume
        )
        trainer.history.rows += statistics.history.rows
        trainer.history.rows.append(mg.load(folder / "best.safetensors").info)
        return trainer

    check_resumes(tmp_path / "snapshots", run)


@pytest.mark.parametrize("rule", RULES)
def test_storing_a_run_does_not_change_it_and_it_can_be_made_longer(tmp_path, rule):
    whole, stored, longer = (build([], RULES[rule], seed=2) for _ in range(3))
    stored.callbacks = [Snapshots(tmp_path, every_steps=1)]
    whole.fit(data(), 2)
    stored.fit(data(), 2)
    assert weights(stored) == weights(whole)
    longer.fit(data(), 4, resume=Snapshots.latest(tmp_path))
    whole = build([], RULES[rule], seed=2)
    whole.fit(data(), 4)
    assert state(longer) == state(whole)


def test_a_list_of_batches_is_resumed_and_a_shorter_one_refused(tmp_path):
    batches = list(data())

    def run(further, resume):
        trainer = build(further, seed=2)
        trainer.fit(batches, 3, resume=resume)
        return trainer

    check_resumes(tmp_path, run)
    told = "the number of batches was 6 and is now 4"
    with pytest.raises(CheckpointError, match=told):
        build().fit(batches[:4], 3, resume=tmp_path / "step-000000003.safetensors")


def test_a_second_fit_is_resumed(tmp_path):
    def run(further, resume):
        fails = At("on_step", 8, lambda trainer: 1 / 0)
        trainer, train = build([ClipGradients(0.1), fails], momentum), data()
        with pytest.raises(ZeroDivisionError):
            trainer.fit(train, 2)
        trainer.callbacks = [trainer.callbacks[0], *further]
        trainer.fit(train, 2, resume=resume)
        return trainer

    check_resumes(tmp_path, run)


# ---- what does not fit ----


def edited(change):
    """A change to the content of a snapshot, whose checksum then fits."""

    def edit(path):
        checkpoint = mg.load(path)
        change(checkpoint, checkpoint.info)
        mg.save(path, checkpoint, checkpoint.info)

    return edit


def other_head(parameters):
    parameters["dense.W"].node.output = np.zeros((6, 3), "float32")
    return momentum(parameters)


@pytest.mark.parametrize(
    ("change", "code", "told"),
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
        (edited(lambda arrays, info: arrays.pop("model/dense.b")), "MG505", "dense.b"),
        (
            edited(lambda arrays, info: arrays.pop("optimizer/velocity/dense.b")),
            "MG505",
            "dense.b",
        ),
        (Path.unlink, "MG501", "cannot read"),
    ],
)
def test_a_snapshot_that_does_not_fit_leaves_the_model_alone(
    tmp_path, change, code, told
):
    build([Snapshots(tmp_path, every_steps=7)], momentum).fit(data(), 2)
    newest = Snapshots.latest(tmp_path)
    assert newest is not None
    options = dict(change) if isinstance(change, dict) else change(newest) or {}
    train = options.pop("train", data())
    trainer = build(**{"optimizer": momentum, **options})
    before = weights(trainer)
    with pytest.raises(MinigradError) as error:
        trainer.fit(train, 2, resume=newest)
    assert error.value.code == code and told in str(error.value)
    assert weights(trainer) == before


class Position:
    """Batches of a user, whose position is one attribute."""

    def __init__(self):
        self.batches, self.position = list(data()), {"epoch": 0}

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


def rich(further=()):
    """A run with pending updates, and callbacks of which the last one can fail."""
    mine = [
        Statistics(every_steps=2),
        ClipGradients(0.5),
        EarlyStopping(),
        BestWeights(),
        Letters(),
    ]
    return build([*mine, *further], adam, seed=2)


def resumable(trainer):
    """Everything that resuming changes."""
    arrays = {**trainer.optimizer.raw_state(), **trainer.model.state_dict()}
    return repr((
        {name: (array.tobytes(), array.shape) for name, array in sorted(arrays.items())},
        [(type(one).__name__, sorted(one.state_dict().items())) for one in trainer.callbacks],
        {path: layer.training for path, layer in trainer.model.named_layers().items()},
        [getattr(trainer, name) for name in ("epoch", "step", "batch", "trained", "stop_reason")],
        trainer.optimizer.hyperparameters(), trainer.started, vars(trainer.means),
        trainer.history.rows, trainer.seconds, trainer.train.state_dict(),
        mg.generator().bit_generator.state,
    ))  # fmt: skip


def places(value, path=()):
    """Yield the path of each item in nested dicts."""
    for name, item in value.items():
        yield (*path, name)
        if isinstance(item, dict):
            yield from places(item, (*path, name))


def without_or_wrong(whole):
    """Yield (description, arrays, info) of a snapshot in which one part is missing or wrong."""
    for path in places(whole.info):
        for wrong in ("missing", "?"):
            info = copy.deepcopy(whole.info)
            *above, last = path
            parent = functools.reduce(lambda value, name: value[name], above, info)
            if wrong == "missing":
                del parent[last]
            else:
                parent[last] = wrong
            yield (*path, wrong), whole, info
    for name, array in whole.items():
        rest = {other: one for other, one in whole.items() if other != name}
        yield (name, "missing"), rest, whole.info
        for wrong in (array[None], array.astype(bool)):
            yield (name, wrong.shape, wrong.dtype), {**rest, name: wrong}, whole.info


def test_a_snapshot_with_a_missing_or_wrong_part_changes_nothing(
    tmp_path,
):
    rich([Snapshots(tmp_path, every_steps=1, keep=100)]).fit(Position(), 3, held())
    whole = mg.load(tmp_path / "step-000000010.safetensors")
    assert (
        "optimizer/pending sums/embedding.table" in whole and whole.info["batch"] == 4
    )

    def resume(arrays, info):
        path = tmp_path / "edited.safetensors"
        mg.save(path, arrays, info)
        trainer, error = rich(), None
        trainer.begin(Position(), 3, held())
        try:
            trainer._start(path)
        except Exception as raised:
            error = raised
        return error, resumable(trainer)

    error, resumed = resume(whole, whole.info)
    assert error is None
    error, unchanged = resume(whole, {})
    assert isinstance(error, CheckpointError) and unchanged != resumed
    for what, arrays, info in without_or_wrong(whole):
        error, after = resume(arrays, info)
        if error is not None:
            assert isinstance(error, MinigradError), (what, repr(error))
            assert after == unchanged, (what, error)
        else:
            # a callback and a reason to stop may contain any text
            text = what[0] in ("callbacks", "stop_reason") and what[-1] == "?"
            assert text or (what == ("form", "missing") and after == resumed), what


def carrying(callbacks=()):
    """A run whose model carries the state (h, c) of an LSTM, and its batches."""
    mg.seed(3)
    lstm = LSTM(3, 2, return_sequences=True, return_state=True)
    model = Stateful(lstm, TruncatedBPTT(2, 3))
    optimizer = SGD(model.named_parameters(), lr=0.1)

    def loss(output, labels):
        return mg.mean_squared_error(output, labels[:, -output.shape[1] :])

    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(2, 2, 2, 3)).astype("float32") for _ in range(4)]
    trainer = Trainer(model, loss, optimizer, metrics={}, callbacks=callbacks)
    return trainer, [(x, y[..., :2]) for x, y in batches]


@pytest.mark.parametrize("array", ["state.0", "state.1", "x"])
def test_a_carried_state_that_lacks_an_array_is_refused_before_anything_changes(
    tmp_path, array
):
    trainer, batches = carrying([Snapshots(tmp_path, every_steps=1, keep=4)])
    trainer.fit(batches, 1)
    path = tmp_path / "step-000000002.safetensors"
    edited(lambda arrays, info: arrays.pop(f"carried/{array}"))(path)
    trainer, batches = carrying()
    before = weights(trainer)
    with pytest.raises(CheckpointError, match="MG508"):
        trainer.fit(batches, 1, resume=path)
    assert weights(trainer) == before and trainer.step == 0


@pytest.mark.parametrize("name", ["Statistics", "ClipGradients"])
def test_a_callback_whose_state_is_missing_is_not_taken_for_a_new_one(tmp_path, name):
    rich([Snapshots(tmp_path, every_steps=2, keep=9)]).fit(data(), 1, held())
    path = tmp_path / "step-000000004.safetensors"
    edited(lambda arrays, info: info["callbacks"].pop(name))(path)
    trainer = rich()
    before = weights(trainer)
    with pytest.raises(CheckpointError, match="not the ones that the run stored"):
        trainer.fit(data(), 1, held(), resume=path)
    assert weights(trainer) == before and trainer.step == 0


def test_a_callback_may_be_added_when_a_run_is_resumed(tmp_path):
    build([Snapshots(tmp_path, every_steps=2, keep=9)]).fit(data(), 1)
    statistics = Statistics(every_steps=1)
    build([statistics]).fit(data(), 1, resume=tmp_path / "step-000000004.safetensors")
    assert statistics.history["step"] == [5, 6]


def test_another_column_s_best_value_is_not_taken_over(tmp_path):
    build([EarlyStopping("train_accuracy"), Snapshots(tmp_path)]).fit(data(), 1)
    stopping = EarlyStopping("train_loss")
    history = build([stopping]).fit(data(), 2, resume=Snapshots.latest(tmp_path))
    assert stopping.value == history["train_loss"][1]


def test_a_state_that_no_snapshot_can_hold_ends_the_run(tmp_path):
    odd = Callback()
    odd.state_dict = lambda: {"arrays": [np.ones(2)]}  # type: ignore[method-assign]
    with pytest.raises(DtypeError, match="MG507"):
        build([odd, Snapshots(tmp_path)]).fit(data(), 1)


def test_a_float32_metric_is_a_number_like_any_other(tmp_path):
    third = {"one": lambda output, labels: np.float32(1) / np.float32(3)}
    history = build([Snapshots(tmp_path)], metrics=third).fit(data(), 1)
    assert type(history["train_one"][0]) is float and Snapshots.latest(tmp_path)


def test_a_parameter_may_be_called_value(tmp_path):
    class Named(Dense):
        def named_parameters(self):
            return {"value": self.W, "b": self.b}

        def forward(self, ids):
            return super().forward(ids / 30.0)

    def run(further, resume):
        mg.seed(1)
        model = Named(6, 2)
        optimizer = SGD(
            model.named_parameters(), lr=3.0
        )  # so that the first epoch is the best
        callbacks = [BestWeights(), *further]
        trainer = Trainer(
            model, mg.softmax_cross_entropy, optimizer, callbacks=callbacks
        )
        trainer.fit(data(), 3, held(), resume=resume)
        return trainer

    check_resumes(tmp_path, run)
