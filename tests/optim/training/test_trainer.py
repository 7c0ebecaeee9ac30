"""The Trainer's loop against loops written out by hand, and its refusals."""

from __future__ import annotations

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Layer, Sequential
from minigrad.errors import (
    DataError,
    DtypeError,
    MinigradError,
    OptionError,
)
from optim import (
    SGD,
    Adagrad,
    Adam,
    BestWeights,
    Callback,
    ClipGradients,
    EarlyStopping,
    EpochReport,
    ProgressBar,
    RMSprop,
    Run,
    StopOnNonFinite,
    Trainer,
    freeze,
)
from tests.optim.training.runs import IDS, LABELS, At, build, data, held, weights


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
        rows.append(
            (losses / count, right / count, mg.softmax_cross_entropy(logits, LABELS[48:]).item())
        )
    assert weights(ours) == weights(other)
    assert history["epoch"] == [1, 2] and history["step"] == [6, 12]
    measured = list(
        zip(
            history["train_loss"],
            history["train_accuracy"],
            history["validation_loss"],
            strict=True,
        )
    )
    np.testing.assert_allclose(measured, rows, rtol=1e-6)
    assert all(seconds > 0 for seconds in history["seconds"])


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
                setattr(
                    self, moment, lambda trainer, moment=moment: told.append(f"{name}.{moment[3:]}")
                )

    class Look(Callback):
        def on_gradients(self, trainer: Run) -> None:
            assert (
                trainer.loss_tensor is not None
                and trainer.model.named_parameters()["dense.W"].grad is not None
            )

        def on_step(self, trainer: Run) -> None:
            assert trainer.loss_tensor is None  # the graph is gone

    build([Listen("a"), Listen("b"), Look()]).fit(data(24), 1, held())
    step = ["forward", "gradients", "step"]
    moments = ["start", *step, *step, "epoch_end", "end"]
    assert told == [f"{name}.{moment}" for moment in moments for name in "ab"]


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
    assert modes == [
        ("train", True),
        ("measure", True),
        ("measure", False),
        ("measure", False),
        ("measure", False),
    ]
    assert not model.training
    model.train()
    trainer.evaluate(held())
    assert model.training  # evaluation puts back what it found


def test_evaluation_records_nothing_and_weights_batches_by_their_size() -> None:
    trainer = build()
    trainer.model.eval()
    logits = trainer.model(IDS[48:])
    found = trainer.evaluate(held())  # batches of 5, 5 and 2
    assert found["loss"] == pytest.approx(
        mg.softmax_cross_entropy(logits, LABELS[48:]).item(), rel=1e-6
    )
    assert found["accuracy"] == np.mean(logits.array.argmax(1) == LABELS[48:])


def test_a_metric_that_compares_a_column_with_labels_warns() -> None:
    model = Dense(1, 1)
    metrics = {"share": lambda out, y: ((out > 0) == y).mean()}
    trainer = Trainer(
        model,
        lambda out, y: out.sum(),
        SGD(model.named_parameters()),
        metrics=metrics,
        callbacks=[],
    )
    with pytest.warns(match="MG170") as caught:
        trainer.evaluate([(np.zeros((3, 1), "float32"), np.array([1.0, 0.0, 1.0]))])
    assert caught[0].filename == __file__


def test_several_inputs_and_lists_of_batches() -> None:
    class Two(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = (mg.Tensor([[1.0]], requires_grad=True) for _ in "ab")

        def forward(self, x: Any, y: Any) -> Any:
            return x @ self.a + y @ self.b

    model = Two()
    x, y = np.random.default_rng(1).normal(size=(2, 20, 1)).astype("float32")
    trainer = Trainer(
        model,
        mg.mean_squared_error,
        SGD(model.named_parameters(), lr=0.2),
        metrics={},
        callbacks=[],
    )
    trainer.fit(
        [(x[:10], y[:10], 2 * x[:10] - 3 * y[:10]), [x[10:], y[10:], 2 * x[10:] - 3 * y[10:]]], 100
    )
    assert (model.a.item(), model.b.item()) == pytest.approx((2, -3), abs=1e-3)


def test_eight_threads_train_eight_models_bit_for_bit_as_one_after_the_other() -> None:
    def trainers() -> list[Trainer]:
        mg.seed(5)
        rules = [SGD, Adam, RMSprop, Adagrad]
        cells = [RNN, GRU, LSTM]
        made = []
        for number in range(8):
            model = Sequential(Embedding(60, 8), cells[number % 3](8, 6), Dense(6, 2))
            optimizer = rules[number % 4](model.named_parameters(), lr=0.01)
            made.append(
                Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=[ClipGradients(1.0)])
            )
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


def replaced(name: str, moment: str, step: int) -> None:
    """A run whose last layer is another one than the optimizer trains, from `step` on."""
    trainer = build([At(moment, step, lambda trainer: setattr(trainer.model, name, Dense(6, 2)))])
    trainer.fit(data(), 2)


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
    ("act", "kind", "code", "what"),
    [
        (lambda: build(config={"f": len}), DtypeError, "MG507", "config"),
        (lambda: build().fit(data(), epochs=1.5), OptionError, "MG305", "epochs is 1.5"),  # type: ignore[arg-type]
        (lambda: build().fit([(IDS,)], 1), DataError, "MG311", "a batch is a tuple of 1"),
        (lambda: build().fit([], 1), DataError, "MG312", "epoch 1"),
        (lambda: build().fit(iter([(IDS, LABELS)]), 2), DataError, "MG312", "epoch 2 had no batches"),
        (lambda: build().fit(data(), 2, iter(data())), DataError, "MG312", "an evaluation had no batches"),
        (lambda: build(metrics={"f": "accuracy"}), DtypeError, "MG334", "'f': 'accuracy'"),
        (lambda: replaced("dense", "on_start", 0), OptionError, "MG327", "would not train dense.W, dense.b;"),
        (lambda: replaced("dense", "on_step", 9), OptionError, "MG327", "would not train dense.W"),
        (lambda: replaced("dense", "on_epoch_end", 6), OptionError, "MG327", "would not train dense.W"),
    ],
)  # fmt: skip
# the others are in errors.md
def test_bad_input(act: Any, kind: type[MinigradError], code: str, what: str) -> None:
    with pytest.raises(kind) as error:
        act()
    assert error.value.code == code and what in error.value.what


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


def test_the_default_callbacks_show_and_guard() -> None:
    callbacks = build(None).callbacks
    assert [type(callback) for callback in callbacks] == [ProgressBar, EpochReport, StopOnNonFinite]
