"""Faults of the data: each is named, and the same run with good data has none."""

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import (
    GRU,
    RNN,
    Dense,
    Embedding,
    Flatten,
    Layer,
    PaddingWarning,
    Sequential,
)
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

binary = mg.binary_cross_entropy


def with_nan(array):
    array = array.astype("float32")
    array[3] = np.nan
    return array


def reader():
    return Sequential(Embedding(30, 4), Flatten(), Dense(32, 2))


def test_good_data():
    assert codes(train()) == []
    result = train(
        lambda: network(4, 1),
        y=TARGETS,
        loss=squared,
        lr=0.05,
    )
    assert codes(result) == []


def test_inputs_that_are_not_finite():
    result = train(x=with_nan(X))
    first = named_first(result, "data-not-finite", "trainer.fit")
    assert "4 of 64 inputs of the last batch" in first.what


def test_targets_that_are_not_finite():
    result = train(lambda: network(4, 1), y=with_nan(TARGETS), loss=squared)
    first = named_first(result, "data-not-finite", "trainer.fit")
    assert "1 of 16 labels of the last batch" in first.what


def test_labels_that_are_all_equal():
    result = train(y=Y // 2)
    first = named_first(result, "labels-constant", "Batches")
    assert "all 640 labels are 0" in first.what


def test_labels_of_two_networks_that_play_against_each_other():
    """Each pass has constant labels, but not all passes have the same."""
    mg.seed(0)
    maker, judge = network(4, 4), network(4, 1)
    mine, other = (optim.Adam(one.named_parameters(), lr=0.01) for one in (maker, judge))
    real, false = np.ones((64, 1)), np.zeros((64, 1))
    with optim.diagnose(quiet=True) as diagnosis:
        for _ in range(10):
            other.zero_grad()
            loss = binary(judge(maker(X).detach()), false) + binary(judge(X), real)
            loss.backward()
            other.step()
            mine.zero_grad()
            binary(judge(maker(X)), real).backward()
            mine.step()
    assert codes(diagnosis.result) == []


def test_inputs_that_are_all_equal():
    first = named_first(train(x=X * 0), "inputs-constant", "Batches")
    assert "all are 0" in first.what
    first = named_first(train(x=0 * X + X[0]), "inputs-constant", "Batches")
    assert "all rows are equal" in first.what


@pytest.mark.parametrize("shuffle", [False, True])
def test_rows_in_the_order_of_the_classes(shuffle):
    order = np.argsort(Y)
    result = train(
        x=X[order],
        y=Y[order],
        shuffle=shuffle,
        size=8,
    )
    if shuffle:
        assert codes(result) == []
    else:
        first = named_first(result, "rows-sorted", "Batches")
        assert first.what.startswith("70 of 80 batches")


def test_labels_among_the_inputs():
    x = np.column_stack([X, 3 - 2 * Y]).astype("float32")
    result = train(lambda: network(5), x=x)
    first = named_first(result, "target-in-inputs", "Batches")
    assert "column 4" in first.what


@pytest.mark.parametrize("share", [0.8, 0.2])
def test_ids_that_are_mostly_unknown(share):
    ids = np.where(RNG.random(IDS.shape) < share, 1, IDS)
    y = (IDS[:, 0] > 6).astype(int)
    result = train(
        reader,
        ids,
        y,
        size=32,
        lr=0.05,
        rule=optim.Adam,
        epochs=20,
    )
    if share > 0.5:
        first = named_first(result, "ids-unknown", "Batches")
        assert "of the ids are 1" in first.what
    else:
        assert codes(result) == []


def test_inputs_of_large_columns():
    scales = np.array([1000, 1000, 1, 1], "float32")
    result = train(x=X * scales, lr=0.1)
    first = named_first(result, "inputs-unscaled", "Batches", "proved")
    assert "differ by a factor of" in first.what


def test_small_inputs():
    named_first(
        train(x=X / 1000, lr=0.1),
        "inputs-unscaled",
        "Batches",
        "proved",
    )


def test_large_targets():
    def make():
        return network(4, 1)

    y = 5000 + 1000 * TARGETS
    result = train(
        make,
        y=y,
        loss=squared,
        rule=optim.Adam,
        lr=0.01,
    )
    named_first(result, "targets-unscaled", "Batches", "proved")


def test_axes_of_time_and_batch():
    series = RNG.standard_normal((64, 16, 2)).astype("float32")
    y = (series[:, -1, 0] > 0).astype(int)

    def run(axes):
        mg.seed(0)
        model = Sequential(RNN(2, 8), Dense(8, 2))
        optimizer = optim.Adam(model.named_parameters(), lr=0.02)
        with optim.diagnose(quiet=True) as diagnosis, mg.fused():
            for step in range(60):
                rows = slice(step % 4 * 16, step % 4 * 16 + 16)
                x = series[rows].transpose(axes)
                optimizer.zero_grad()
                loss = crossed(model(x), y[rows])
                loss.backward()
                optimizer.step()
        return diagnosis.result

    named_first(run((1, 0, 2)), "axes-swapped", "model(x)", "proved")
    assert codes(run((0, 1, 2))) == []


class Reader(Layer):
    def __init__(self, masked):
        self.embedding = Embedding(12, 6)
        self.rnn = GRU(6, 6)
        self.head = Dense(6, 2)
        self.masked = masked

    def forward(self, ids):
        mask = {
            True: ids != 0,
            False: None,
            "wrong": ids == 0,
        }[self.masked]
        return self.head(self.rnn(self.embedding(ids), mask=mask))


@pytest.mark.parametrize("masked", [False, True])
def test_padding_after_the_words(masked):
    ids = np.zeros((64, 24), int)
    ids[:, :3] = IDS[:, :3]
    y = (ids[:, 2] > 6).astype(int)

    def make():
        return Reader(masked)

    def run():
        return train(make, ids, y, rule=optim.Adam, lr=0.02)

    if masked:
        assert codes(run()) == []
    else:
        with pytest.warns(PaddingWarning):
            result = run()
        named_first(result, "padding-read", "mask=mask", "proved")


@pytest.mark.parametrize("carried", [True, False])
def test_state_that_is_carried_to_other_rows(carried):
    rng = np.random.default_rng(5)
    mg.seed(0)
    rnn, head = RNN(2, 8, return_state=True), Dense(8, 2)
    parameters = [*rnn.parameters(), *head.parameters()]
    optimizer, state = optim.Adam(parameters, lr=0.01), None
    with optim.diagnose(quiet=True) as diagnosis:
        for _ in range(60):
            x = rng.standard_normal((16, 2, 2)).astype("float32")
            y = (x[:, 0, 0] > 0).astype(int)
            optimizer.zero_grad()
            output, new = rnn(x, state)
            state = new.detach() * 30 if carried else None
            loss = crossed(head(output), y)
            loss.backward()
            optimizer.step()
    if carried:
        named_first(diagnosis.result, "state-carried", "state", "proved")
    else:
        assert codes(diagnosis.result) == []
