"""Faults of layers and of the evaluation, and the corrected runs."""

from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import pytest

import layers
import minigrad as mg
import optim
from layers import (
    GRU,
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    Layer,
    MultiHeadAttention,
    PositionalEmbedding,
    Sequential,
    pool,
)
from minigrad.data import Batches
from tests.optim.diagnosis.helpers import (
    IDS,
    RNG,
    TARGETS,
    X,
    Y,
    codes,
    crossed,
    named_first,
    network,
    squared,
    train,
)

adam = partial(train, rule=optim.Adam, lr=0.02)


def with_dropout(rate=0.1):
    return Sequential(
        Dense(4, 16, mg.relu),
        Dropout(rate),
        Dense(16, 2),
    )


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_mode_of_the_evaluation(mode):
    mg.seed(0)
    model = with_dropout()
    optimizer = optim.SGD(model.named_parameters(), lr=0.5)
    with optim.diagnose(quiet=True) as diagnosis:
        for _ in range(40):
            optimizer.zero_grad()
            loss = crossed(model(X), Y)
            loss.backward()
            optimizer.step()
        getattr(model, mode)()
        model(X)
    if mode == "train":
        code = "training-mode-in-evaluation"
        first = named_first(diagnosis.result, code, "model(X)")
        assert "Dropout on" in first.what
    else:
        assert codes(diagnosis.result) == []


@pytest.mark.parametrize("size", [2, 16])
def test_batchnorm_of_few_rows(size):
    def make():
        return Sequential(
            Dense(4, 8),
            BatchNorm(8),
            Dense(8, 2),
        )

    result = train(make, size=size, lr=0.2)
    if size == 2:
        first = named_first(result, "batchnorm-few-rows", "batchnorm")
        assert "only 2 numbers" in first.what
    else:
        assert codes(result) == []


@pytest.mark.parametrize("rate", [0.97, 0.2])
def test_dropout(rate):
    result = train(lambda: with_dropout(rate), lr=0.5)
    if rate > 0.5:
        first = named_first(result, "dropout-too-high", "Dropout(rate)", "proved")
        assert "3% of the paths" in first.what
    else:
        assert codes(result) == []


def test_overfitting():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((240, 20)).astype("float32")
    y = (x[:, 0] + 0.5 * rng.standard_normal(240) > 0).astype(int)
    run = partial(
        adam,
        lambda: network(20),
        x[:60],
        y[:60],
        validation=[(x[60:], y[60:])],
    )
    first = named_first(run(epochs=60), "overfitting", "trainer.fit")
    assert "loss of other rows is lowest after" in first.what
    assert "overfitting" not in codes(run(epochs=6))


@pytest.mark.parametrize("block", [mg.no_grad, nullcontext])
def test_overfitting_in_an_own_loop(block):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((240, 20)).astype("float32")
    y = (x[:, 0] + 0.5 * rng.standard_normal(240) > 0).astype(int)

    def run(epochs):
        mg.seed(0)
        with optim.diagnose(quiet=True) as diagnosis:
            model = network(20)
            optimizer = optim.Adam(model.named_parameters(), lr=0.02)
            for _ in range(epochs):
                optimizer.zero_grad()
                crossed(model(x[:60]), y[:60]).backward()
                optimizer.step()
                with block():
                    crossed(model(x[60:]), y[60:])
        return diagnosis.result

    named_first(run(epochs=150), "overfitting", ".backward()")
    assert codes(run(epochs=20)) == []


class Writer(Layer):
    """A language model of one layer."""

    def __init__(self, layer: Any):
        self.embedding = Embedding(12, 8)
        self.positions = PositionalEmbedding(8, 8)
        self.layer = layer
        self.head = Dense(8, 12)

    def forward(self, ids):
        return self.head(self.layer(self.positions(self.embedding(ids))))


@pytest.mark.parametrize("causal", [False, True])
def test_attention_that_sees_the_target(causal):
    ids = (RNG.integers(0, 11, (64, 1)) + np.arange(8)) % 11 + 1

    def make():
        return Writer(MultiHeadAttention(8, 2, causal=causal))

    result = adam(
        make,
        ids[:, :-1],
        ids[:, 1:],
        epochs=25,
    )
    if causal:
        assert codes(result) == []
    else:
        named_first(result, "sees-the-target", "writer.layer")


def test_label_of_the_same_step():
    def make():
        return Writer(GRU(8, 8, return_sequences=True))

    result = adam(make, IDS, IDS)
    first = named_first(result, "sees-the-target", "trainer.fit")
    assert "same step" in first.what


class Masked(Layer):
    def __init__(self, inverted):
        self.embedding = Embedding(12, 8)
        self.gru = GRU(8, 8)
        self.head = Dense(8, 2)
        self.inverted = inverted

    def forward(self, ids):
        mask = ids == 0 if self.inverted else ids != 0
        return self.head(self.gru(self.embedding(ids), mask=mask))


@pytest.mark.parametrize("inverted", [True, False])
def test_mask(inverted):
    ids = IDS.copy()
    ids[:, 4:] = 0
    y = (ids[:, 3] > 6).astype(int)
    result = adam(lambda: Masked(inverted), ids, y)
    if inverted:
        named_first(result, "mask-inverted", "mask=mask")
    else:
        assert codes(result) == []


def test_letters_in_order_are_no_continuation():
    """Sorted letters are the same letters, but each label is not the next input."""

    def make():
        return Writer(MultiHeadAttention(8, 2))

    result = adam(make, IDS, np.sort(IDS, axis=1), epochs=3)
    assert "sees-the-target" not in codes(result)


@pytest.mark.parametrize("shared", [8, 0])
def test_rows_that_are_also_for_training(shared):
    x, y = X[:48], Y[:48]
    start = 48 - shared
    result = train(
        x=x,
        y=y,
        validation=Batches(X[start:], Y[start:]),
        epochs=14,
    )
    if shared:
        first = named_first(result, "validation-in-training", "trainer.fit")
        assert f"8 of {16 + shared} rows" in first.what
    else:
        assert codes(result) == []


def test_evaluation_on_the_training_rows_is_meant():
    assert codes(train(validation=Batches(X, Y))) == []


def wrong(output, labels):
    return (output.argmax(axis=-1) != labels).mean()


class Bag(Layer):
    def __init__(self, positions):
        self.embedding = Embedding(12, 8)
        self.attention = MultiHeadAttention(8, 2)
        self.head = Dense(8, 2)
        self.positions = PositionalEmbedding(8, 8) if positions else None

    def forward(self, ids):
        h = self.embedding(ids)
        if self.positions is not None:
            h = self.positions(h)
        return self.head(pool(self.attention(h), "mean"))


def test_regression_has_no_metric_of_classes():
    result = train(
        lambda: network(4, 1),
        y=TARGETS,
        loss=squared,
        lr=0.1,
    )
    assert codes(result) == []


@pytest.mark.parametrize(("factor", "shift"), [(1, 0), (0.01, 0), (1, 100)])
def test_rows_on_another_scale(factor, shift):
    mg.seed(0)
    with optim.diagnose(quiet=True) as diagnosis:
        model = network()
        optimizer = optim.SGD(model.named_parameters(), lr=0.5)
        for _ in range(40):
            optimizer.zero_grad()
            crossed(model(X[:40]), Y[:40]).backward()
            optimizer.step()
        with mg.no_grad():
            model(factor * X[40:] + np.float32(shift))
    expected = ["evaluated-otherwise"] if factor < 1 or shift else []
    assert codes(diagnosis.result) == expected


def test_average_over_masks():
    mg.seed(0)
    x = X[:16]
    with optim.diagnose(quiet=True) as diagnosis:
        model = Sequential(Dense(4, 32, mg.relu), Dropout(0.2), Dense(32, 2))
        optimizer = optim.SGD(model.named_parameters(), lr=0.5)
        for _ in range(40):
            optimizer.zero_grad()
            crossed(model(X), Y).backward()
            optimizer.step()
        np.mean([model(x).array for _ in range(10)], axis=0)
    assert codes(diagnosis.result) == []


@pytest.mark.parametrize("new", [True, False])
def test_ids_that_training_never_had(new):
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 10, (64, 8))
    y = (ids[:, 0] > 4).astype(int)
    held = (ids + 10)[:50] if new else ids[:50]
    mg.seed(0)
    with optim.diagnose(quiet=True) as diagnosis:
        model = Sequential(Embedding(20, 4), layers.Flatten(), Dense(32, 2))
        optimizer = optim.Adam(model.named_parameters(), lr=0.05)
        for _ in range(60):
            optimizer.zero_grad()
            crossed(model(ids), y).backward()
            optimizer.step()
        model.eval()
        model(held)
    assert codes(diagnosis.result) == ["evaluated-otherwise"] * new
    if new:
        assert "100% of their ids never occur" in diagnosis.result.findings[0].what


@pytest.mark.parametrize("momentum", [0.0, 0.1])
def test_batchnorm_whose_statistics_stay_behind(momentum):
    mg.seed(0)
    with optim.diagnose(quiet=True) as diagnosis:
        model = Sequential(Dense(4, 8), BatchNorm(8, momentum=momentum), Dense(8, 2))
        optimizer = optim.Adam(model.named_parameters(), lr=0.05)
        for _ in range(60):
            optimizer.zero_grad()
            crossed(model(20 + 3 * X), Y).backward()
            optimizer.step()
    expected = ["batchnorm-statistics"] if momentum == 0 else []
    assert codes(diagnosis.result) == expected
