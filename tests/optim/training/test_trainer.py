"""The Trainer's loop against loops written out by hand, its resume against runs never broken off, and its refusals."""

from __future__ import annotations

import itertools
import signal
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Dropout, Embedding, Sequential
from minigrad.data import Batches
from minigrad.errors import (
    CheckpointError,
    DataError,
    DtypeError,
    MinigradError,
    NonFiniteError,
    OptionError,
    ShapeError,
)
from optim import (
    SGD,
    Adagrad,
    Adam,
    BestWeights,
    Callback,
    ClipGradients,
    CosineSchedule,
    EarlyStopping,
    Evaluate,
    LearningRate,
    RMSprop,
    Run,
    Snapshots,
    StopOnNonFinite,
    Trainer,
    WarmUp,
    accuracy,
    freeze,
)

RNG = np.random.default_rng(1)
IDS = RNG.integers(1, 30, (60, 6))
LABELS = (IDS[:, -1] > 15).astype(int)


def build(callbacks: Any = (), *, dropout: float = 0.2, optimizer: Any = None, **options: Any) -> Trainer:
    mg.seed(11)
    model = Sequential(Embedding(30, 8), RNN(8, 6), Dropout(dropout), Dense(6, 2))
    make = optimizer or (lambda parameters: SGD(parameters, lr=0.3, momentum=0.9))
    return Trainer(model, mg.softmax_cross_entropy, make(model.named_parameters()), callbacks=callbacks, **options)


def data(batch_size: int = 8, **options: Any) -> Batches:
    return Batches(IDS[:48], LABELS[:48], batch_size=batch_size, **options)


def held() -> Batches:
    return Batches(IDS[48:], LABELS[48:], batch_size=5, shuffle=False)


def weights(trainer: Trainer) -> dict[str, bytes]:
    return {path: tensor.array.tobytes() for path, tensor in trainer.model.named_parameters().items()}


class At(Callback):
    """Does something at one moment of one step."""

    rank_0_only = True  # as far as a resumed run is concerned: it may be without it

    def __init__(self, moment: str, step: int, act: Any) -> None:
        setattr(self, moment, lambda trainer: act(trainer) if trainer.step == step else None)


# ---- the loop ----


def test_the_loop_is_the_loop_that_one_would_write() -> None:
    ours = build(seed=4)
    history = ours.fit(data(), 2, held())
    other = build()
    mg.seed(4)
    model, optimizer = other.model, other.optimizer
    batches, rows = data(seed=4), []
    for _ in range(2):
        model.train()
        losses, right, count = 0.0, 0, 0
        for ids, labels in batches:
            with mg.fused():  # as a Trainer asks for
                logits = model(ids)
            loss = mg.softmax_cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += loss.item() * len(labels)
            right += (logits.array.argmax(1) == labels).sum()
            count += len(labels)
        model.eval()
        with mg.no_grad():
            logits = model(IDS[48:])
        rows.append((losses / count, right / count, mg.softmax_cross_entropy(logits, LABELS[48:]).item()))
    assert weights(ours) == weights(other)
    assert history["epoch"] == [1, 2] and history["step"] == [6, 12]
    measured = list(zip(history["train_loss"], history["train_accuracy"], history["validation_loss"], strict=True))
    np.testing.assert_allclose(measured, rows, rtol=1e-6)
    assert all(seconds > 0 for seconds in history["seconds"])


def test_it_learns() -> None:
    history = build(seed=0, dropout=0.0).fit(data(), 30, held())
    assert history["train_accuracy"][-1] == 1 and history["validation_accuracy"][-1] > 0.8


def test_one_seed_decides_everything() -> None:
    runs = []
    for seed, draws in ((7, 0), (7, 5), (8, 0)):
        trainer = build(seed=seed)
        mg.generator().random(draws)  # what was drawn before does not matter
        batches = data(seed=draws)
        for _ in range(draws):
            list(batches)  # nor does how often the batches were walked through
        history = trainer.fit(batches, 2, held())
        runs.append((weights(trainer), history["train_loss"], history["validation_loss"]))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]


def test_the_moments_come_in_order() -> None:
    told: list[str] = []

    class Listen(Callback):
        def __init__(self, name: str) -> None:
            for moment in [moment for moment in dir(Callback) if moment.startswith("on_")]:
                setattr(self, moment, lambda trainer, moment=moment: told.append(f"{name}.{moment[3:]}"))

    build([Listen("a"), Listen("b")]).fit(data(24), 1, held())
    step = ["forward", "gradients", "step"]
    moments = ["start", *step, *step, "epoch_end", "end"]
    assert told == [f"{name}.{moment}" for moment in moments for name in "ab"]


def test_callbacks_see_gradients_before_the_step_and_the_graph_goes_after_it() -> None:
    seen: dict[str, Any] = {}

    class Look(Callback):
        def on_gradients(self, trainer: Run) -> None:
            seen["gradient"] = trainer.model.named_parameters()["dense.W"].grad is not None
            assert trainer.loss_tensor is not None
            seen["loss"] = trainer.loss_tensor.item()

        def on_step(self, trainer: Run) -> None:
            seen["after"] = trainer.loss_tensor

    build([Look()]).fit(data(48), 1)
    assert seen["gradient"] and 0 < seen["loss"] < 2 and seen["after"] is None


def test_the_mode_is_training_evaluation_and_evaluation_at_the_end() -> None:
    modes: list[tuple[str, bool]] = []
    trainer = build()
    model = trainer.model
    assert isinstance(model, Sequential)

    class Watch(Callback):
        def on_forward(self, trainer: Run) -> None:
            assert isinstance(trainer.model, Sequential)
            modes.append(("train", trainer.model.training))

    def measure(output: Any, labels: Any) -> float:
        modes.append(("measure", model.training))
        return 0.0

    trainer.callbacks = [Watch()]
    trainer.metrics = {"mode": measure}
    trainer.fit(data(48), 1, held())
    assert modes == [("train", True), ("measure", True), ("measure", False), ("measure", False), ("measure", False)]
    assert not model.training
    model.train()
    trainer.evaluate(held())
    assert model.training  # evaluation puts back what it found


def test_evaluation_records_nothing_and_weights_batches_by_their_size() -> None:
    trainer = build()
    trainer.model.eval()
    logits = trainer.model(IDS[48:])
    found = trainer.evaluate(held())  # batches of 5, 5 and 2
    assert found["loss"] == pytest.approx(mg.softmax_cross_entropy(logits, LABELS[48:]).item(), rel=1e-6)
    assert found["accuracy"] == np.mean(logits.array.argmax(1) == LABELS[48:])


def test_any_function_is_a_metric() -> None:
    trainer = build(metrics={"accuracy": accuracy, "positive": lambda output, labels: float(labels.mean())})
    history = trainer.fit(data(), 1, held())
    assert history["train_positive"] == [pytest.approx(LABELS[:48].mean())]
    assert history["validation_positive"] == [pytest.approx(LABELS[48:].mean())]


def test_a_metric_that_compares_a_column_with_labels_warns() -> None:
    model, y = Dense(1, 1), np.array([1.0, 0.0, 1.0])
    batches = [(np.zeros((3, 1), "float32"), y)]
    for share, expected in (
        (lambda out, y: ((out > 0) == y).mean(), 1),
        (lambda out, y: ((out[:, 0] > 0) == y).mean(), 0),
    ):
        trainer = Trainer(
            model,
            lambda out, y: mg.binary_cross_entropy(out.squeeze(1), y),
            SGD(model.named_parameters(), lr=0.1),
            metrics={"share": share},
            callbacks=[],
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trainer.evaluate(batches)
        assert ["MG170" in str(one.message) and one.filename == __file__ for one in caught] == [True] * expected


def test_several_inputs_and_lists_of_batches() -> None:
    a, b = mg.Tensor([[1.0]], requires_grad=True), mg.Tensor([[1.0]], requires_grad=True)

    class Two:
        def named_parameters(self): return {"a": a, "b": b}  # fmt: skip

        def train(self): pass  # fmt: skip

        def eval(self): pass  # fmt: skip

        def __call__(self, x, y): return x @ a + y @ b  # fmt: skip

    x, y = RNG.normal(size=(2, 20, 1)).astype("float32")
    trainer = Trainer(Two(), mg.mean_squared_error, SGD({"a": a, "b": b}, lr=0.2), metrics={}, callbacks=[])
    trainer.fit([(x[:10], y[:10], 2 * x[:10] - 3 * y[:10]), [x[10:], y[10:], 2 * x[10:] - 3 * y[10:]]], 100)
    assert (a.item(), b.item()) == pytest.approx((2, -3), abs=1e-3)


@pytest.mark.parametrize(
    ("output", "labels", "share"),
    [
        ([[1, 2], [2, 1], [0, 1]], [1, 1, 1], 2 / 3),
        ([0.1, -0.1, 0.0, 3.0], [1, 0, 1, 0], 0.5),
        ([[0.1], [-0.1]], [1, 0], 1),
        ([[0.1], [-0.1]], [[1], [1]], 0.5),
        ([[[1, 2], [3, 1]], [[0, 1], [1, 0]]], [[1, 0], [0, 0]], 0.75),
    ],
)
def test_accuracy(output: list[Any], labels: list[Any], share: float) -> None:
    assert accuracy(np.array(output), np.array(labels)) == pytest.approx(share)


# ---- resume ----


def everything(folder: Path, every_steps: int = 1) -> list[Callback]:
    return [
        ClipGradients(0.5),
        LearningRate(WarmUp(4, CosineSchedule(30))),
        Evaluate(held(), every_steps=4),
        BestWeights(folder / "best.safetensors", monitor="validation_accuracy"),
        EarlyStopping(patience=1),
        Snapshots(folder / "snapshots", every_steps=every_steps, keep=1000),
    ]


def rows_of(trainer: Trainer) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in trainer.history.rows]


RULES = {
    "momentum": lambda p: SGD(p, lr=0.3, momentum=0.9, nesterov=True),
    "adam": lambda p: Adam(p, lr=0.02),
    "decay": lambda p: SGD(p, lr=0.3, weight_decay=0.01),
}


@pytest.mark.parametrize("rule", RULES)
def test_resumed_from_any_step_it_ends_the_same_to_the_last_byte(tmp_path: Path, rule: str) -> None:
    def run(folder: Path, resume: Path | None = None) -> tuple[Any, ...]:
        trainer = build(everything(folder), optimizer=RULES[rule], seed=2)
        trainer.fit(data(), 5, Batches(IDS[48:], LABELS[48:], batch_size=5), resume=resume)
        state = {name: array.tobytes() for name, array in trainer.optimizer.state_dict().items()}
        return weights(trainer), state, rows_of(trainer), trainer.stop_reason, mg.load(folder / "best.safetensors").info

    whole = run(tmp_path / "whole")
    snapshots = sorted((tmp_path / "whole" / "snapshots").iterdir())
    assert len(snapshots) > 12
    for snapshot in snapshots:
        assert run(tmp_path / "again", snapshot) == whole, snapshot.name


def test_eight_threads_train_eight_models_bit_for_bit_as_one_after_the_other() -> None:
    def trainers() -> list[Trainer]:
        mg.seed(5)
        rules = [SGD, Adam, RMSprop, Adagrad]
        cells = [RNN, GRU, LSTM]
        made = []
        for number in range(8):
            model = Sequential(Embedding(60, 8), cells[number % 3](8, 6), Dense(6, 2))
            optimizer = rules[number % 4](model.named_parameters(), lr=0.01)
            made.append(Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=[ClipGradients(1.0)]))
        return made

    rng = np.random.default_rng(1)
    batches = [(rng.integers(0, 60, (4, 7)), rng.integers(0, 2, 4)) for _ in range(12)]

    def fit(trainer: Trainer) -> dict[str, Any]:
        history = trainer.fit(batches, epochs=2, validation=batches[:3])
        losses = np.array([history["train_loss"], history["validation_loss"]])
        return {**trainer.model.state_dict(), **trainer.optimizer.state_dict(), "losses": losses}  # type: ignore[attr-defined]

    expected = [fit(trainer) for trainer in trainers()]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # seconds between turns of threads
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(fit, trainers()))
    finally:
        sys.setswitchinterval(before)
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name], err_msg=name)


def test_batches_without_a_position_are_passed_over(tmp_path: Path) -> None:
    batches = [(IDS[i : i + 8], LABELS[i : i + 8]) for i in range(0, 48, 8)]
    whole = build([Snapshots(tmp_path, every_steps=1, keep=100)], seed=2)
    whole.fit(batches, 2)
    for snapshot in sorted(tmp_path.iterdir()):
        again = build(seed=2)
        again.fit(batches, 2, resume=snapshot)
        assert weights(again) == weights(whole) and rows_of(again) == rows_of(whole)


@pytest.mark.parametrize("rule", RULES)
def test_storing_a_run_does_not_change_it(tmp_path: Path, rule: str) -> None:
    stored, plain = (
        build(callbacks, optimizer=RULES[rule], seed=2)
        for callbacks in ([Snapshots(tmp_path, every_steps=1, keep=1)], [])
    )
    stored.fit(data(), 3)
    plain.fit(data(), 3)
    assert weights(stored) == weights(plain)


def test_a_finished_run_can_be_made_longer(tmp_path: Path) -> None:
    long, short, more = build(seed=2), build([Snapshots(tmp_path)], seed=2), build(seed=2)
    long.fit(data(), 4)
    short.fit(data(), 2)
    more.fit(data(), 4, resume=Snapshots.latest(tmp_path))
    assert weights(more) == weights(long) and rows_of(more) == rows_of(long)


@pytest.mark.parametrize("moment", ["on_step", "on_gradients"])
def test_ctrl_c_stores_a_place_from_which_the_run_ends_the_same(tmp_path: Path, moment: str, capsys: Any) -> None:
    whole = build(everything(tmp_path / "whole", every_steps=1000), seed=2)
    whole.fit(data(), 4, held())
    press = At(moment, 9, lambda trainer: signal.raise_signal(signal.SIGINT))
    broken = build([*everything(tmp_path, every_steps=1000), press], seed=2)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(data(), 4, held())
    made = 9 if moment == "on_step" else 10  # the step under way is finished
    newest = Snapshots.latest(tmp_path / "snapshots")
    assert newest is not None
    assert newest.name == f"step-{made:09d}.safetensors"
    told = capsys.readouterr().out
    assert f"Stopped by Ctrl-C after step {made}. To go on: fit(..., resume={str(newest)!r})" in told
    assert "best weights: those of epoch 1" in told
    best = mg.load(tmp_path / "best.safetensors")
    assert {name: array.tobytes() for name, array in best.items()} == weights(broken)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert broken.evaluate(held())  # the trainer is no longer interrupted
    again = build(everything(tmp_path, every_steps=1000), seed=2)
    again.fit(data(), 4, held(), resume=newest)
    assert weights(again) == weights(whole) and rows_of(again) == rows_of(whole)


def test_ctrl_c_during_validation_goes_on_with_that_validation(tmp_path: Path) -> None:
    whole = build(seed=2)
    whole.fit(data(), 3, held())

    class Press(Batches):
        def __iter__(self) -> Any:
            for number, batch in enumerate(super().__iter__()):
                if number == 1:
                    signal.raise_signal(signal.SIGINT)
                yield batch

    broken = build([Snapshots(tmp_path)], seed=2)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(data(), 3, Press(IDS[48:], LABELS[48:], batch_size=5, shuffle=False))
    assert broken.history.rows == []
    again = build(seed=2)
    again.fit(data(), 3, held(), resume=Snapshots.latest(tmp_path))
    assert weights(again) == weights(whole) and rows_of(again) == rows_of(whole)


def test_ctrl_c_between_two_callbacks_stores_nothing_half_done(tmp_path: Path) -> None:
    press = At("on_step", 4, lambda trainer: signal.raise_signal(signal.SIGINT))
    evaluate = Evaluate(held(), every_steps=4)  # finds the signal while it measures, before Snapshots has its turn
    broken = build([press, evaluate, Snapshots(tmp_path, every_steps=3)], seed=2)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(data(), 3)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000003.safetensors"]


def test_a_second_ctrl_c_acts_at_once() -> None:
    def press(trainer: Trainer) -> None:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        build([At("on_forward", 2, press)]).fit(data(), 1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_very_last_moment_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    press = At("on_epoch_end", 6, lambda trainer: signal.raise_signal(signal.SIGINT))
    trainer = build([press])
    monkeypatch.setattr(trainer, "_stop_if_interrupted", lambda: None)  # nobody looks any more
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(data(), 1)


# ---- refusals ----


def test_a_snapshot_of_another_run_is_refused_and_the_model_left_alone(tmp_path: Path) -> None:
    def snapshot(name: str, trainer: Trainer, batches: Any) -> Path | None:
        trainer.callbacks = [Snapshots(tmp_path / name)]
        trainer.fit(batches, 1)
        return Snapshots.latest(tmp_path / name)

    other = build(config={"hidden": 8, "kind": "rnn"})
    mg.seed(0)
    assert isinstance(other.model, Sequential)
    mg.save(tmp_path / "weights.safetensors", other.model.state_dict())
    other.model.dense = Dense(6, 3)
    other.optimizer = SGD(other.model.named_parameters(), lr=0.3, momentum=0.9)
    cases = [
        (snapshot("config", build(config={"hidden": 16}), data()), CheckpointError, "MG508",
         ("hidden was 16 and is 8", "kind was None and is 'rnn'")),
        (snapshot("rule", build(optimizer=Adam, config=other.config), data()), CheckpointError, "MG508",
         ("the optimizer was 'Adam' and is 'SGD'",)),
        (tmp_path / "weights.safetensors", CheckpointError, "MG508", ("only weights",)),
        (snapshot("shape", other, data()), CheckpointError, "MG505",
         ("dense.W is (6, 3), and (6, 2)", "dense.b is (3,), and (2,)")),
        (snapshot("batches", build(config=other.config), data(4)), OptionError, "MG414", ("batch_size was 4, is 8",)),
        (tmp_path / "none.safetensors", CheckpointError, "MG501", ("cannot read",)),
    ]  # fmt: skip
    for path, kind, code, told in cases:
        trainer = build(config={"hidden": 8, "kind": "rnn"})
        before = weights(trainer)
        with pytest.raises(kind) as error:
            trainer.fit(data(), 2, resume=path)
        assert error.value.code == code and error.value.cause and error.value.remedy
        for part in told:
            assert part in str(error.value)
        assert weights(trainer) == before


def not_finite(parameter: str) -> None:
    trainer = build([StopOnNonFinite()])
    tensor = trainer.model.named_parameters()[parameter]
    tensor.array = np.full(tensor.shape, np.inf, "float32")
    with np.errstate(invalid="ignore"):
        trainer.fit(data(), 1)


def replaced(name: str, step: int = 0) -> None:
    """A run whose last layer is another one than the optimizer trains, from `step` on."""

    class Model(Sequential):
        def forward(self, x: Any) -> mg.Tensor:
            last = [layer for layer in self.named_layers().values() if isinstance(layer, Dense)][-1]
            output: mg.Tensor = last(self.embedding(x).mean(axis=1))
            return output

    def replace(_: Any) -> None:
        if name == "new":
            del model.dense
        setattr(model, name, Dense(8, 2))

    model = Model(Embedding(30, 8), Dense(8, 2))
    optimizer = SGD(model.named_parameters())
    if step == 0:
        replace(None)
    callbacks = [At("on_step" if step == 9 else "on_epoch_end", step, replace)]  # 9: within the last epoch
    Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=callbacks).fit(data(), 2)


def test_part_of_a_model_can_be_trained_and_a_loss_may_have_parameters() -> None:
    model, temperature = Sequential(Dense(3, 2), Dense(2, 2)), mg.Tensor([1.0], requires_grad=True)
    batches = [(np.ones((4, 3)), np.array([0, 1, 1, 0]))]

    def loss(output: mg.Tensor, labels: Any) -> mg.Tensor:
        return mg.softmax_cross_entropy(output * temperature, labels)

    def fit(parameters: dict[str, mg.Tensor]) -> None:
        Trainer(model, loss, SGD(parameters), callbacks=[]).fit(batches, 1)

    fit(model.named_parameters() | {"temperature": temperature})
    freeze(model, "dense")
    fit({"W": model.named_parameters()["dense_2.W"], "b": model.named_parameters()["dense_2.b"]})


@pytest.mark.parametrize(
    ("act", "kind", "code", "told", "remedy"),
    [
        (lambda: Trainer(object(), len, None), DtypeError, "MG309", "named_parameters, train, eval, __call__", "Layer"),  # type: ignore[arg-type]
        (lambda: build(config={"f": len}), DtypeError, "MG507", "config", "turn"),
        (lambda: build().fit(data(), 0), OptionError, "MG305", "epochs is 0", "range"),
        (lambda: build().fit(data(), 1.5), OptionError, "MG305", "epochs is 1.5", "range"),  # type: ignore[arg-type]
        (lambda: build().fit(IDS, 1), DataError, "MG311", "a batch is a ndarray", "Batches"),
        (lambda: build().fit([(IDS,)], 1), DataError, "MG311", "a batch is a tuple of 1", "Batches"),
        (lambda: build().fit([], 1), DataError, "MG312", "epoch 1", "list"),
        (lambda: build().fit(iter([(IDS, LABELS)]), 2), DataError, "MG312", "epoch 2 had no batches", "list"),
        (lambda: build(metrics={"loss": accuracy}), OptionError, "MG325", "name 'loss'", "another name"),
        (lambda: build(metrics={"f": lambda out, y: None}).fit(data(), 1), DtypeError, "MG326", "'f'", "number"),
        (lambda: build(metrics={"f": lambda out, y: y}).fit(data(), 1), DtypeError, "MG326", "shape (8,)", "number"),
        (lambda: build(metrics={"f": lambda *_: np.ma.masked}).fit(data(), 1), DtypeError, "MG326", "'f'", "number"),
        (lambda: build(metrics=["accuracy"]), DtypeError, "MG334", "given as ['accuracy']", "by name"),
        (lambda: build(metrics={"f": "accuracy"}), DtypeError, "MG334", "'f': 'accuracy'", "by name"),
        (lambda: build().fit(data(), 2, iter(data())), DataError, "MG312", "an evaluation had no batches", "list"),
        (lambda: replaced("new", 9), OptionError, "MG327", "would not train new.W", "freeze"),
        (lambda: replaced("dense"), OptionError, "MG327", "would not train dense.W, dense.b;", "make the optimizer"),
        (lambda: replaced("new"), OptionError, "MG327", "would not train new.W, new.b; it has dense.W", "freeze"),
        (lambda: replaced("new", 6), OptionError, "MG327", "would not train new.W", "freeze"),
        (lambda: accuracy(np.ones((4, 2)), np.ones(3)), ShapeError, "MG316", "and labels of shape (3,)", "argmax"),
        (lambda: not_finite("dense.b"), NonFiniteError, "MG315", "epoch 1, batch 1", "learning rate"),
    ],
)  # fmt: skip
def test_bad_input(act: Any, kind: type[MinigradError], code: str, told: str, remedy: str) -> None:
    with pytest.raises(kind) as error:
        act()
    assert error.value.code == code
    assert told in error.value.what
    assert error.value.cause and remedy in error.value.remedy


def test_the_culprit_of_a_loss_that_is_not_finite_is_named() -> None:
    with pytest.raises(NonFiniteError) as error:
        not_finite("dense.b")
    assert "'dense.b' at the top level holds 2 values of 2" in error.value.where
    assert "the parameter itself" in error.value.cause and "learning rate 0.3" in error.value.cause

    trainer = build([StopOnNonFinite()], dropout=0.0)
    trainer.loss = lambda logits, labels: mg.log(0 * logits).sum()
    with pytest.raises(NonFiniteError) as error, np.errstate(all="ignore"):
        trainer.fit(data(48), 1)
    assert error.value.where.startswith("Log at the top level") and "96 values of 96" in error.value.where
    assert "Log is the first gate" in error.value.cause

    x = np.ones((4, 3), "float32")
    x[1, 2] = np.nan
    model = Sequential(Dense(3, 2))
    trainer = Trainer(model, mg.softmax_cross_entropy, SGD(model.named_parameters()), callbacks=[StopOnNonFinite()])
    with pytest.raises(NonFiniteError) as error:
        trainer.fit([(x, np.zeros(4, int))], 1)
    assert "holds 1 value of 12" in error.value.where and "input data" in error.value.cause


def test_every_callback_has_its_end_even_where_another_fails() -> None:
    ended: list[str] = []

    class Fail(Callback):
        def on_end(self, trainer: Run) -> None:
            ended.append("first")
            raise ZeroDivisionError

    class Quiet(Callback):
        def on_end(self, trainer: Run) -> None:
            ended.append(trainer.stop_reason)

    with pytest.raises(ZeroDivisionError):
        build([Fail(), Quiet(), At("on_step", 2, lambda trainer: 1 / 0)]).fit(data(), 1)
    assert ended == ["first", "ZeroDivisionError"]


def test_nothing_is_kept_from_one_fit_to_the_next() -> None:
    trainer = build([EarlyStopping(patience=0), BestWeights()])
    first = trainer.fit(data(), 2, held())
    second = trainer.fit(data(), 1, held())
    assert first is not second and second["epoch"] == [1]
    assert list(itertools.chain(first["epoch"])) == [1, 2][: len(first.rows)]
