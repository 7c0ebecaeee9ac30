"""Fused recurrent layers compute what the unrolled ones compute."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, LSTMCell, Sequential
from minigrad.errors import OptionError
from minigrad.gates.fused import recurrent
from optim import SGD, Trainer
from optim.training.callbacks import Callback

from .helpers import assert_close, gate_names, in_float64, leaf, normal

OPTIONS: list[dict[str, Any]] = [
    {},
    {"truncate": 3},
    {"truncate": 7},
    {"return_sequences": True, "truncate": 3},
    {"pooling": "mean"},
    {"pooling": "max", "bidirectional": True, "truncate": 2},
    {"layers": 2, "bidirectional": True, "truncate": 4},
]
LENGTHS = np.array([[7], [4], [4], [7]])
MASK = np.arange(7) < LENGTHS
MASK[1] = MASK[1, ::-1]  # padded on the left
MASK[3, [1, 4]] = False
kinds = pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
masks = pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
options = pytest.mark.parametrize("options", OPTIONS, ids=str)


def run(kind, mask, batch=4, **options):
    """The output, and the gradients of x and all parameters."""
    layer = in_float64(kind(5, 4, **options))
    x = leaf(normal(batch, 7, 5))
    mask = mask if mask is None else mask[:batch]
    z = layer(x, mask=mask)
    with mg.no_grad():
        unrecorded = layer(x, mask=mask)
    assert_close(unrecorded, z, atol=1e-12)
    z.backward(normal(*z.shape, seed=1))
    inputs = [x, *layer.parameters()]
    return [z, *(tensor.grad for tensor in inputs)]


def assert_agree(found, expected, rtol):
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other, 1e-11, rtol)


@pytest.mark.parametrize("batch", [4, 0])
@masks
@options
@kinds
def test_fused_equals_unrolled(kind, options, mask, batch):
    expected = run(kind, mask, batch, fused=False, **options)
    found = run(kind, mask, batch, fused=True, **options)
    new = gate_names(found[0]) - gate_names(expected[0])
    assert f"{kind.__name__}Sequence" in new
    assert_agree(found, expected, 1e-9)


@pytest.mark.parametrize("steps", [1, 2, 3])
@masks
@options
def test_fused_lstm_in_blocks_of_steps(monkeypatch, options, mask, steps):
    expected = run(LSTM, mask, fused=True, **options)
    # batch, hidden and four gates
    monkeypatch.setattr(recurrent, "BLOCK", 4 * 4 * 4 * steps)
    found = run(LSTM, mask, fused=True, **options)
    assert_agree(found, expected, 1e-11)


@kinds
def test_fused_saturates_at_huge_values(kind):
    layer = kind(1, 2, fused=True)
    z = layer(np.array([[[1e30], [-1e30]]], np.float32))
    z.sum().backward()
    assert np.isfinite(z.array).all()
    for parameter in layer.parameters():
        assert np.isfinite(parameter.grad).all()


# ---- when a layer is fused ----


def small_model():
    return Sequential(Embedding(10, 3), RNN(3, 2), Dense(2, 2))


def is_fused(tensor):
    return "RNNSequence" in gate_names(tensor)


def test_fused_block_decides():
    model = small_model()
    ids = np.array([[1, 2, 3]])
    assert not is_fused(model(ids))
    with mg.fused():
        assert is_fused(model(ids))
        with mg.fused(False):
            assert not is_fused(model(ids))


def test_fused_in_a_trainer():
    seen = []

    class Look(Callback):
        def on_forward(self, trainer):
            seen.append(is_fused(trainer.loss_tensor))

    model = small_model()
    optimizer = SGD(model.named_parameters())
    trainer = Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=[Look()])
    batch = (np.array([[1, 2, 3]]), np.array([0]))
    trainer.fit([batch], epochs=1)
    assert seen == [True]


@pytest.mark.parametrize(
    "layer",
    [RNN(2, 2, activation=mg.relu), GRU(2, 2, reset_after=False)],
    ids=["relu", "reset_after"],
)
def test_fused_is_refused_for_variants_without_a_gate(layer):
    x = np.ones((1, 3, 2), np.float32)
    with mg.fused():
        names = gate_names(layer(x))
    assert not names & {"RNNSequence", "GRUSequence"}
    layer.fused = True
    with pytest.raises(OptionError, match="MG226.*(relu|reset_after)"):
        layer(x)


def test_fused_leaves_subclasses_of_a_cell_alone():
    class Doubled(LSTMCell):
        def forward(self, x, state):
            h, (_, c) = super().forward(x, state)
            return 2.0 * h, (2.0 * h, c)

    layer = LSTM(3, 2)
    x = np.ones((2, 1, 3), np.float32)
    expected = 2.0 * layer(x)
    doubled = Doubled(3, 2)
    doubled.load_state_dict(layer.cell.state_dict())
    layer.cell = doubled
    for block in (mg.enable_grad, mg.no_grad, mg.fused):
        with block():
            assert_close(layer(x), expected, atol=1e-6)


def pickled(layer):
    return pickle.loads(pickle.dumps(layer))


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_fused_survives_a_copy(copied):
    layer = copied(RNN(2, 3, fused=True))
    assert is_fused(layer(np.ones((1, 4, 2))))


# ---- lookup: rows of a table ----


@kinds
@pytest.mark.parametrize(("table", "ids"), [((9, 7, 5), 4), ((9,), (4, 7, 5))])
def test_fused_lookup_in_a_table_of_other_axes(kind, table, ids):
    rows = leaf(normal(*table))
    x = mg.lookup(rows, np.arange(np.prod(ids)).reshape(ids) % 9)
    layer = kind(5, 4)
    expected = layer(x)
    layer.fused = True
    assert_close(layer(x), expected, atol=1e-6)


@pytest.mark.parametrize("recording", [mg.enable_grad, mg.no_grad])
@pytest.mark.parametrize("in_place", [False, True])
def test_fused_lookup_keeps_its_value_when_the_table_changes(recording, in_place):
    """The layer may multiply the table's rows in place of x: only while they are x."""
    embedding = Embedding(4, 3)
    table = embedding.table
    layer = RNN(3, 2)
    with recording(), mg.fused():
        x = embedding(np.array([[1, 2, 2, 0]]))
        expected = layer(x)
        if in_place:
            table.update(lambda array: array.__iadd__(1))
        else:
            table.array = table.array + 1
        for rows in (mg.Tensor(x.array), x):
            assert_close(layer(rows), expected, rtol=1e-6)


@pytest.mark.parametrize("frozen", [False, True])
def test_fused_lookup_without_a_gradient_for_the_table(frozen):
    embedding = Embedding(4, 3)
    embedding.table.requires_grad = not frozen
    layer: Any = RNN(3, 2, fused=True)
    with mg.enable_grad() if frozen else mg.no_grad():
        x = embedding(np.array([[1, 2, 2, 0]]))
    z = layer(x)
    if frozen:  # still looked up by distinct words
        assert "LookupProduct" in gate_names(z)
    z.sum().backward()
    assert embedding.table.grad is None
    assert layer.cell.W_xh.grad.any()


@kinds
@pytest.mark.parametrize("bidirectional", [False, True])
def test_fused_lookup_gradient_is_whole_if_others_use_the_rows(kind, bidirectional):
    embedding = Embedding(6, 5)
    ids = np.array([[1, 2, 1, 0], [5, 5, 0, 3]])
    layer = kind(5, 4, fused=True, bidirectional=bidirectional)
    rows, others = embedding(ids), embedding(ids)
    alone = layer(rows).sum()
    both = layer(rows).sum() + (rows * rows).sum()
    dx, dothers, dtable = mg.grad(alone, [rows, others, embedding.table])
    layer.fused = False
    (expected,) = mg.grad(layer(rows).sum(), rows)
    assert_close(dx, expected, atol=1e-6)
    assert not dothers.array.any()
    table = np.zeros((6, 5))
    np.add.at(table, ids, expected.array)
    assert_close(dtable, table, atol=1e-6)
    for loss in (both, mg.unfuse(both)):
        (found,) = mg.grad(loss, rows)
        assert_close(found, expected + 2 * rows, atol=1e-6)
