"""The Trainer's loop against loops written out by hand, and its refusals."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad.errors import MinigradError
from optim import (
    SGD,
    Adagrad,
    Adam,
    Callback,
    ClipGradients,
    EpochReport,
    ProgressBar,
    RMSprop,
    StopOnNonFinite,
    Trainer,
)
from tests.optim.training.runs import IDS, LABELS, At, build, data, held, weights


def test_the_loop_is_the_loop_that_one_would_write():
    ours = build(seed=4)
    history = ours.fit(data(), 2, held())
    other = build()
    mg.seed(4)
    model, optimizer = other.model, other.optimizer
    batches, rows = data(seed=4), []
    for _ in range(2):
        model.train()
        losses, right = 0.0, 0
        for ids, labels in batches:
            with mg.fused():  # as a Trainer asks for
                logits = model(ids)
            loss = mg.softmax_cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += loss.item() * len(labels)
            right += (logits.array.argmax(1) == labels).sum()
        model.eval()
        with mg.no_grad():
            logits = model(IDS[48:])
        held_loss = mg.softmax_cross_entropy(logits, LABELS[48:]).item()
        held_accuracy = np.mean(logits.array.argmax(1) == LABELS[48:])
        rows.append((losses / 48, right / 48, held_loss, held_accuracy))
    assert weights(ours) == weights(other)
    assert history["epoch"] == [1, 2] and history["step"] == [6, 12]
    names = "train_loss", "train_accuracy", "validation_loss", "validation_accuracy"
    measured = [[row[name] for name in names] for row in history.rows]
    np.testing.assert_allclose(
        measured, rows, rtol=1e-6
    )  # validation batches of 5, 5 and 2
    assert all(seconds > 0 for seconds in history["seconds"])


def test_one_seed_decides_everything():
    runs = []
    for seed, draws in ((7, 0), (7, 5), (8, 0)):
        trainer = build(seed=seed)
        mg.generator().random(draws)  # what was drawn before does not matter
        batches = data(seed=draws)
        for _ in range(draws):
            list(batches)  # nor does how often the batches were walked through
        history = trainer.fit(batches, 2, held())
        runs.append(
            (weights(trainer), history["train_loss"], history["validation_loss"])
        )
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]


def test_the_moments_come_in_order():
    told: list[str] = []

    class Listen(Callback):
        def __init__(self, name):
            for moment in dir(Callback):
                if moment.startswith("on_"):
                    note = f"{name}.{moment[3:]}"
                    setattr(self, moment, lambda trainer, note=note: told.append(note))

    build([Listen("a"), Listen("b")]).fit(data(24), 1, held())
    step = ["forward", "gradients", "step"]
    moments = ["start", *step, *step, "epoch_end", "end"]
    assert told == [f"{name}.{moment}" for moment in moments for name in "ab"]


def test_the_mode_is_training_evaluation_and_evaluation_at_the_end():
    modes: list[bool] = []
    model: Any = None

    def measure(output, labels):
        modes.append(model.training)
        return 0.0

    trainer = build(metrics={"mode": measure})
    model = trainer.model
    trainer.fit(data(48), 1, held())
    assert modes == [True, False, False, False]
    assert not model.training
    model.train()
    trainer.evaluate(held())
    assert model.training  # evaluation puts back what it found


def test_a_metric_that_compares_a_column_with_labels_warns():
    model = Dense(1, 1)
    metrics = {"share": lambda out, y: ((out > 0) == y).mean()}
    optimizer = SGD(model.named_parameters())
    trainer = Trainer(
        model, lambda out, y: out.sum(), optimizer, metrics=metrics, callbacks=[]
    )
    with pytest.warns(match="MG170") as caught:
        trainer.evaluate([(np.zeros((3, 1), "float32"), np.array([1.0, 0.0, 1.0]))])
    assert caught[0].filename == __file__


def test_eight_threads_train_eight_models_bit_for_bit_as_one_after_the_other(
    busy_threads,
):
    def trainers():
        mg.seed(5)
        made = []
        for rule, cell in zip(
            [SGD, Adam, RMSprop, Adagrad] * 2, [RNN, GRU, LSTM] * 3, strict=False
        ):
            model = Sequential(Embedding(60, 8), cell(8, 6), Dense(6, 2))
            optimizer = rule(model.named_parameters(), lr=0.01)
            clip = [ClipGradients(1.0)]
            made.append(
                Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=clip)
            )
        return made

    rng = np.random.default_rng(1)
    batches = [(rng.integers(0, 60, (4, 7)), rng.integers(0, 2, 4)) for _ in range(12)]

    def fit(trainer):
        trainer.fit(batches, epochs=2, validation=batches[:3])
        return (
            weights(trainer),
            trainer.history["train_loss"],
            trainer.history["validation_loss"],
        )

    expected = [fit(trainer) for trainer in trainers()]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fit, trainers())) == expected


def replaced(name, moment, step):
    """A run whose last layer is another one than the optimizer trains, from `step` on."""
    trainer = build(
        [At(moment, step, lambda trainer: setattr(trainer.model, name, Dense(6, 2)))]
    )
    trainer.fit(data(), 2)


def test_part_of_a_model_can_be_trained_and_a_loss_may_have_parameters():
    temperature = {"temperature": mg.Tensor([1.0], requires_grad=True)}
    build([], lambda parameters: SGD(parameters | temperature)).fit(data(), 1)
    build([], lambda parameters: SGD({"W": parameters["dense.W"]})).fit(data(), 1)


@pytest.mark.parametrize(
    ("act", "code", "what"),
    [
        (lambda: build().fit([], 1), "MG312", "an epoch had no batches"),
        (
            lambda: build().fit(data(), 2, iter(data())),
            "MG312",
            "an evaluation had no batches",
        ),
        (lambda: build(metrics={"loss": len}), "MG334", "'loss'"),
        (
            lambda: replaced("dense", "on_start", 0),
            "MG327",
            "does not train dense.W, dense.b,",
        ),
        (lambda: replaced("dense", "on_step", 9), "MG327", "does not train dense.W"),
    ],
)
def test_bad_input(act, code, what):
    with pytest.raises(MinigradError) as error:
        act()
    assert error.value.code == code and what in error.value.what


def test_every_callback_has_its_end_even_where_another_fails():
    ended: list[str] = []

    class End(Callback):
        def __init__(self, name):
            self.name = name

        def on_end(self, trainer):
            ended.append(self.name)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build(
            [End("first"), End("second"), At("on_step", 2, lambda trainer: 1 / 0)]
        ).fit(data(), 1)
    assert ended == ["first", "second"]


def test_the_default_callbacks_show_and_guard():
    callbacks = build(None).callbacks
    assert [type(callback) for callback in callbacks] == [
        ProgressBar,
        EpochReport,
        StopOnNonFinite,
    ]
