"""Fused recurrent layers compute what the unrolled ones compute."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Embedding,
    LSTMCell,
    Sequential,
)
from minigrad.gates.fused import recurrent

from .helpers import (
    assert_close,
    gate_names,
    in_float64,
    kinds,
    leaf,
    normal,
    raises,
)

OPTIONS: list[dict[str, Any]] = [
    {},
    {"truncate": 3},
    {"truncate": 7},
    {"return_sequences": True, "truncate": 3},
    {"pooling": "mean"},
    {"pooling": "max", "bidirectional": True, "truncate": 2},
    {"layers": 2, "bidirectional": True, "truncate": 4},
]
MASK = np.ones((4, 7), bool)
MASK[1, :3] = False
MASK[2, 4:] = False
MASK[3, [1, 4]] = False
IDS = np.array([[1, 2, 2, 0]])

options = pytest.mark.parametrize("options", OPTIONS, ids=str)
masks = pytest.mark.parametrize(
    "mask",
    [None, MASK],
    ids=["whole", "masked"],
)


def is_fused(tensor):
    return any("Sequence" in name for name in gate_names(tensor))


def run(kind, mask, batch=4, **options):
    """The output, and the gradients of x and all parameters."""
    layer = in_float64(kind(5, 4, **options))
    x = leaf(normal(batch, 7, 5))
    if mask is not None:
        mask = mask[:batch]
    z = layer(x, mask=mask)
    with mg.no_grad():
        unrecorded = layer(x, mask=mask)
    assert_close(unrecorded, z, 1e-12)
    upstream = normal(*z.shape, seed=1)
    inputs = [x, *layer.parameters()]
    return z, *mg.grad(z, inputs, upstream=upstream)


@pytest.mark.parametrize("batch", [4, 0])
@masks
@options
@kinds
def test_fused_equals_unrolled(kind, options, mask, batch):
    expected = run(kind, mask, batch, fused=False, **options)
    found = run(kind, mask, batch, fused=True, **options)
    assert is_fused(found[0])
    assert not is_fused(expected[0])
    assert_close(found, expected, 1e-11, 1e-9)


@pytest.mark.parametrize("steps", [1, 2, 3])
@masks
@options
def test_fused_lstm_in_blocks_of_steps(monkeypatch, options, mask, steps):
    expected = run(LSTM, mask, fused=True, **options)
    one_step = 4 * 4 * 4  # batch, hidden, gates
    monkeypatch.setattr(recurrent, "BLOCK", one_step * steps)
    found = run(LSTM, mask, fused=True, **options)
    assert_close(found, expected, 1e-11, 1e-11)


@kinds
def test_fused_saturates_at_huge_values(kind):
    layer = kind(1, 2, fused=True)
    z = layer([[[1e30], [-1e30]]])
    z.sum().backward()
    assert np.isfinite(z.array).all()
    for parameter in layer.parameters():
        assert np.isfinite(parameter.grad).all()


# ---- when a layer is fused ----


def test_fused_block_decides():
    model = Sequential(Embedding(10, 3), RNN(3, 2))
    assert not is_fused(model(IDS))
    with mg.fused():
        assert is_fused(model(IDS))
        with mg.fused(False):
            assert not is_fused(model(IDS))


@pytest.mark.parametrize(
    "layer",
    [
        RNN(2, 2, activation=mg.relu),
        GRU(2, 2, reset_after=False),
    ],
)
def test_fused_is_refused_for_variants_without_a_gate(layer):
    x = normal(1, 3, 2)
    with mg.fused():
        assert not is_fused(layer(x))
    layer.fused = True
    with raises("MG226", "(relu|reset_after)"):
        layer(x)


def test_fused_leaves_subclasses_of_a_cell_alone():
    class Doubled(LSTMCell):
        def forward(self, x, state):
            _, (h, c) = super().forward(x, state)
            return 2.0 * h, (2.0 * h, c)

    layer = LSTM(3, 2)
    x = normal(2, 1, 3)
    expected = 2.0 * layer(x)
    doubled = Doubled(3, 2)
    doubled.load_state_dict(layer.cell.state_dict())
    layer.cell = doubled
    for block in (mg.enable_grad, mg.no_grad, mg.fused):
        with block():
            assert_close(layer(x), expected, 1e-6)


def pickled(layer):
    return pickle.loads(pickle.dumps(layer))


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_fused_survives_a_copy(copied):
    layer = copied(RNN(2, 3, fused=True))
    assert is_fused(layer(normal(1, 4, 2)))


# ---- lookup: rows of a table ----


@kinds
@pytest.mark.parametrize(
    ("table", "ids"),
    [
        ((9, 7, 5), (4,)),
        ((9,), (4, 7, 5)),
    ],
)
def test_fused_lookup_in_a_table_of_other_axes(kind, table, ids):
    rows = leaf(normal(*table))
    x = mg.lookup(rows, np.full(ids, 2))
    layer = kind(5, 4)
    expected = layer(x)
    layer.fused = True
    assert_close(layer(x), expected, 1e-6)


@pytest.mark.parametrize("recording", [mg.enable_grad, mg.no_grad])
@pytest.mark.parametrize("in_place", [False, True])
def test_fused_lookup_keeps_its_value_when_the_table_changes(recording, in_place):
    """The layer may multiply the table's rows in place of x: only while they are x."""
    embedding = Embedding(4, 3)
    table = embedding.table
    layer = RNN(3, 2)
    with recording(), mg.fused():
        x = embedding(IDS)
        expected = layer(x)
        if in_place:
            table.update(lambda array: array.fill(1))
        else:
            table.array = table.array + 1
        assert_close(layer(x), expected, 1e-6)
        copied = mg.Tensor(x.array)
        assert_close(layer(copied), expected, 1e-6)


@pytest.mark.parametrize("frozen", [False, True])
def test_fused_lookup_without_a_gradient_for_the_table(frozen):
    embedding = Embedding(4, 3)
    table = embedding.table
    table.requires_grad = not frozen
    layer: Any = RNN(3, 2, fused=True)
    with mg.enable_grad() if frozen else mg.no_grad():
        x = embedding(IDS)
    z = layer(x)
    if frozen:  # still looked up by distinct words
        assert "LookupProduct" in gate_names(z)
    z.sum().backward()
    assert table.grad is None
    assert layer.cell.W_xh.grad.any()


@kinds
@pytest.mark.parametrize("bidirectional", [False, True])
def test_fused_lookup_gradient_is_whole_if_others_use_the_rows(kind, bidirectional):
    embedding = Embedding(6, 5)
    layer = kind(5, 4, bidirectional=bidirectional)
    rows = embedding(IDS)
    (expected,) = mg.grad(layer(rows).sum(), rows)
    table = np.zeros((6, 5))
    np.add.at(table, IDS, expected.array)
    layer.fused = True
    others = embedding(IDS)
    inputs = [rows, others, embedding.table]
    found = mg.grad(layer(rows).sum(), inputs)
    assert_close(found, [expected, 0, table], 1e-6)
    both = layer(rows).sum() + (rows * rows).sum()
    for loss in (both, mg.unfuse(both)):
        (whole,) = mg.grad(loss, rows)
        assert_close(whole, expected + 2 * rows, 1e-6)
