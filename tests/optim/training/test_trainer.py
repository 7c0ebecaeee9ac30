"""Trainer: its loop against one written out by hand, its callbacks, and its errors."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose

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
)
from tests.optim.training.runs import (
    IDS,
    LABELS,
    At,
    build,
    data,
    held,
    rows_of,
    trainer_of,
    weights,
)


def test_fit_is_the_loop_that_one_would_write():
    ours, other = build(seed=4), build()
    history = ours.fit(data(), 2, held())
    mg.seed(4)
    model, optimizer, batches = other.model, other.optimizer, data(seed=4)
    for row in history.rows:
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
        expected = {
            "train_loss": losses / 48,
            "train_accuracy": right / 48,
            "validation_loss": mg.softmax_cross_entropy(logits, LABELS[48:]).item(),
            "validation_accuracy": np.mean(logits.array.argmax(1) == LABELS[48:]),
        }
        for name, value in expected.items():
            assert_allclose(row[name], value, rtol=1e-6, err_msg=name)
        assert row["seconds"] > 0
    assert weights(ours) == weights(other)
    assert history["epoch"] == [1, 2] and history["step"] == [6, 12]


def test_seed_decides_everything():
    def run(seed, draws):
        trainer, batches = build(seed=seed), data(seed=draws)
        mg.generator().random(draws)  # what was drawn before does not matter
        for _ in range(draws):
            list(batches)  # nor does how often the batches were walked through
        trainer.fit(batches, 2, held())
        return weights(trainer), rows_of(trainer)

    assert run(7, 0) == run(7, 5)
    assert run(7, 0)[0] != run(8, 0)[0]


def test_mode_is_training_only_while_training():
    trainer = build()
    model, modes = trainer.model, []

    def measure(output, labels):
        modes.append(model.training)
        return 0.0

    trainer.metrics = {"mode": measure}
    trainer.fit(data(48), 1, held())
    assert modes == [True, False, False, False] and not model.training
    model.train()
    trainer.evaluate(held())
    assert model.training  # evaluation puts back what it found


def test_metrics_that_compare_a_column_with_labels_warn():
    metrics = {"share": lambda output, labels: ((output > 0) == labels).mean()}
    trainer = trainer_of(Dense(1, 1), lambda output, labels: output.sum(), metrics=metrics)
    with pytest.warns(match="MG170") as caught:
        trainer.evaluate([(np.zeros((3, 1), "float32"), np.array([1.0, 0.0, 1.0]))])
    assert caught[0].filename == __file__


def test_fit_in_eight_threads_bit_for_bit(busy_threads):
    rng = np.random.default_rng(1)
    batches = [
        (
            rng.integers(0, 60, (4, 7)),
            rng.integers(0, 2, 4),
        )
        for _ in range(12)
    ]
    rules = [SGD, Adam, RMSprop, Adagrad] * 2
    cells = [RNN, GRU, LSTM] * 3

    def trainers():
        mg.seed(5)
        for rule, cell in zip(rules, cells, strict=False):
            model = Sequential(Embedding(60, 8), cell(8, 6), Dense(6, 2))
            clip = [ClipGradients(1.0)]
            yield trainer_of(model, mg.softmax_cross_entropy, rule, callbacks=clip)

    def fit(trainer):
        trainer.fit(batches, epochs=2, validation=batches[:3])
        return weights(trainer), rows_of(trainer)

    expected = [fit(trainer) for trainer in [*trainers()]]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fit, trainers())) == expected


def test_optimizer_may_train_a_part_of_the_model_or_the_loss_too():
    temperature = {"temperature": mg.Tensor([1.0], requires_grad=True)}
    build(optimizer=lambda p: SGD(p | temperature)).fit(data(), 1)
    build(optimizer=lambda p: SGD({"W": p["dense.W"]})).fit(data(), 1)


def replace(trainer):
    trainer.model.dense = Dense(6, 2)


@pytest.mark.parametrize(
    ("callbacks", "validation", "message"),
    [
        ([], iter(data()), "MG312. an evaluation had no batches"),
        ([At("on_start", 0, replace)], None, "MG327.* train dense.W, dense.b,"),
        ([At("on_step", 9, replace)], None, "MG327.* does not train dense.W"),
    ],
)  # the others are in docs/errors.md
def test_fit_is_refused(callbacks, validation, message):
    with pytest.raises(MinigradError, match=message):
        build(callbacks).fit(data(), 2, validation)


def test_metrics_cannot_be_called_loss():
    with pytest.raises(MinigradError, match="MG334.*'loss'"):
        build(metrics={"loss": len})


# ---- callbacks ----


def test_callbacks_run_in_order():
    called = []

    class Listen(Callback):
        def __init__(self, name):
            for event in dir(Callback):
                if event.startswith("on_"):
                    call = f"{name}.{event[3:]}"
                    setattr(self, event, lambda trainer, call=call: called.append(call))

    build([Listen("a"), Listen("b")]).fit(data(24), 1, held())
    step = ["forward", "gradients", "step"]
    events = ["start", *step, *step, "epoch_end", "end"]
    assert called == [f"{name}.{event}" for event in events for name in "ab"]


def test_callbacks_end_even_if_another_fails():
    ended = []

    class End(Callback):
        def on_end(self, trainer):
            ended.append(self)
            raise ZeroDivisionError

    callbacks = [End(), End(), At("on_step", 2, lambda trainer: 1 / 0)]
    with pytest.raises(ZeroDivisionError):
        build(callbacks).fit(data(), 1)
    assert ended == callbacks[:2]


def test_callbacks_by_default():
    callbacks = [type(callback) for callback in build(None).callbacks]
    assert callbacks == [ProgressBar, EpochReport, StopOnNonFinite]
