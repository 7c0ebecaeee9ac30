"""Fused against unrolled: equal outputs and gradients, whatever is asked of the layer."""

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

OPTIONS: list[dict[str, Any]] = [
    {}, {"truncate": 3}, {"truncate": 7}, {"return_sequences": True, "truncate": 3}, {"pooling": "mean"},
    {"pooling": "max", "bidirectional": True, "truncate": 2}, {"layers": 2, "bidirectional": True, "truncate": 4},
]  # fmt: skip
MASK = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1],
        [0, 0, 0, 1, 1, 1, 1],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 0, 1, 1, 0, 1, 0],
    ],
    bool,
)
kinds = pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
masks = pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
options = pytest.mark.parametrize("options", OPTIONS, ids=str)


def gates_of(tensor):
    return {node.gate.name for node in mg.graph.ancestors([tensor.node]) if node.gate}


@pytest.fixture
def run(in_float64):
    def run(kind, fused, mask, **options):
        """The output, and all gradients, of one seed."""
        layer = in_float64(kind(5, 4, fused=fused, **options))
        rng = np.random.default_rng(4)
        x = mg.Tensor(rng.normal(size=(4, 7, 5)), requires_grad=True)
        z = layer(x, mask=mask)
        z.backward(rng.normal(size=z.shape))
        return z, {path: p.grad for path, p in layer.named_parameters().items()} | {
            "x": x.grad
        }

    return run


def agree(found, expected, rtol):
    (z, gradients), (right, wanted) = found, expected
    np.testing.assert_allclose(z.array, right.array, rtol=rtol / 10, atol=1e-12)
    for path, gradient in gradients.items():
        np.testing.assert_allclose(
            gradient, wanted[path], rtol=rtol, atol=1e-11, err_msg=path
        )


@masks
@options
@kinds
def test_both_ways_agree(kind, options, mask, run):
    found, expected = (run(kind, fused, mask, **options) for fused in (True, False))
    assert f"{kind.__name__}Sequence" in gates_of(found[0]) - gates_of(expected[0])
    agree(found, expected, 1e-9)


# one step at a time, two and three
@pytest.mark.parametrize("block", [1, 4 * 4 * 4 * 2, 4 * 4 * 4 * 3])
@masks
@options
def test_an_lstm_computes_the_same_in_blocks_of_any_size(
    monkeypatch, options, mask, block, run
):
    expected = run(LSTM, True, mask, **options)
    monkeypatch.setattr(recurrent, "BLOCK", block)
    agree(run(LSTM, True, mask, **options), expected, 1e-11)


@pytest.mark.parametrize("mask", [None, np.ones((0, 7), bool)], ids=["whole", "masked"])
@options
@kinds
def test_an_empty_batch_has_empty_outputs_and_gradients_of_zero(kind, options, mask):
    layer = kind(5, 4, fused=True, **options)
    x = mg.Tensor(np.ones((0, 7, 5), "float32"), requires_grad=True)
    z = layer(x, mask=mask)
    with mg.no_grad():
        assert layer(x, mask=mask).shape == z.shape
    z.sum().backward()
    assert len(z) == 0 and x.grad is not None and x.grad.shape == x.shape
    assert not any(
        parameter.grad.any() for parameter in layer.named_parameters().values()
    )


@kinds
def test_huge_values_saturate_in_silence(kind):
    layer = kind(1, 2, fused=True)
    z = layer(np.array([[[1e30], [-1e30]]], np.float32))
    assert np.isfinite(z.array).all()
    z.sum().backward()
    assert all(np.isfinite(p.grad).all() for p in layer.named_parameters().values())


# ---- when a layer is fused ----


def build():
    return Sequential(Embedding(10, 3), RNN(3, 2), Dense(2, 2))


def test_it_is_unrolled_unless_somebody_asks_for_speed():
    model, ids = build(), np.array([[1, 2, 3]])

    def fused():
        return "RNNSequence" in gates_of(model(ids))

    assert not fused()
    with mg.fused():
        assert fused()
        with mg.fused(False):
            assert not fused()


def test_a_trainer_fuses():
    seen = []

    class Look(Callback):
        def on_forward(self, trainer):
            seen.append("RNNSequence" in gates_of(trainer.loss_tensor))

    model = build()
    optimizer = SGD(model.named_parameters())
    trainer = Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=[Look()])
    trainer.fit([(np.array([[1, 2, 3]]), np.array([0]))], epochs=1)
    assert seen == [True]


@pytest.mark.parametrize(
    "layer", [RNN(2, 2, activation=mg.relu), GRU(2, 2, reset_after=False)], ids=repr
)
def test_variants_without_a_fused_gate_unroll_and_say_so_when_forced(layer):
    x = np.ones((1, 3, 2), np.float32)
    with mg.fused():
        assert not gates_of(layer(x)) & {"RNNSequence", "GRUSequence"}
    layer.fused = True
    with pytest.raises(OptionError, match="MG226.*(relu|reset_after)"):
        layer(x)


def test_a_subclass_of_a_cell_is_not_taken_for_the_cell():
    class Doubled(LSTMCell):
        def forward(self, x, state):
            h, (_, c) = super().forward(x, state)
            return 2.0 * h, (2.0 * h, c)

    layer, x = LSTM(3, 2), np.ones((2, 1, 3), "float32")
    expected = 2.0 * layer(x).array
    doubled = Doubled(3, 2)
    doubled.load_state_dict(layer.cell.state_dict())
    layer.cell = doubled
    for block in (mg.enable_grad, mg.no_grad, mg.fused):
        with block():
            np.testing.assert_allclose(layer(x).array, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))]
)
def test_a_copied_or_unpickled_rnn_is_fused_as_before(copied):
    assert "RNNSequence" in gates_of(copied(RNN(2, 3, fused=True))(np.ones((1, 4, 2))))


@kinds
def test_without_recording_the_outputs_are_the_same(kind):
    embedding, layer = Embedding(9, 5), kind(5, 4, layers=2, bidirectional=True)
    ids = np.random.default_rng(6).integers(0, 9, (4, 7))
    expected = layer(embedding(ids), mask=MASK).array
    with mg.no_grad():
        found = layer(embedding(ids), mask=MASK).array
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


# ---- rows of a table ----


@kinds
@pytest.mark.parametrize(("table", "ids"), [((9, 7, 5), (4,)), ((9,), (4, 7, 5))])
def test_rows_of_a_table_that_is_no_matrix_are_read_as_the_unrolled_layer_reads_them(
    kind, table, ids
):
    rows = mg.Tensor(np.random.default_rng(1).normal(size=table), requires_grad=True)
    x = mg.lookup(
        rows, np.arange(np.prod(ids)).reshape(ids) % 9
    )  # recorded: checked for padding
    layer = kind(5, 4)
    truth = layer(x).array
    layer.fused = True
    np.testing.assert_allclose(layer(x).array, truth, atol=1e-6)


@pytest.mark.parametrize("recording", [mg.enable_grad, mg.no_grad])
@pytest.mark.parametrize("in_place", [False, True])
def test_looked_up_rows_keep_their_value_whatever_becomes_of_the_table(
    recording, in_place
):
    """The layer may multiply the table's rows in place of x: only while they are x."""
    embedding, layer = Embedding(4, 3), RNN(3, 2)
    with recording(), mg.fused():
        x = embedding(np.array([[1, 2, 2, 0]]))
        expected = layer(x).array
        if in_place:
            embedding.table.update(lambda table: table.__iadd__(1))
        else:
            embedding.table.array = embedding.table.array + 1
        for rows in (mg.Tensor(x.array), x):
            np.testing.assert_allclose(layer(rows).array, expected, rtol=1e-6)


@pytest.mark.parametrize("frozen", [False, True])
def test_the_table_gets_no_gradient_if_it_is_frozen_or_was_looked_up_unrecorded(frozen):
    embedding, layer = Embedding(4, 3), RNN(3, 2)
    embedding.table.requires_grad = not frozen
    with mg.enable_grad() if frozen else mg.no_grad():
        x = embedding(np.array([[1, 2, 2, 0]]))
    with mg.fused():
        z = layer(x)
    if frozen:
        assert "LookupProduct" in gates_of(z)  # still looked up by distinct words
    z.sum().backward()
    assert embedding.table.grad is None
    assert layer.cell.W_xh.grad is not None and layer.cell.W_xh.grad.any()


@kinds
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_gradient_of_looked_up_rows_that_a_fused_layer_and_others_use_is_whole(
    kind, bidirectional
):
    embedding, ids = Embedding(6, 5), np.array([[1, 2, 1, 0], [5, 5, 0, 3]])
    layer = kind(5, 4, fused=True, bidirectional=bidirectional)
    rows, others = embedding(ids), embedding(ids)
    fused, both = layer(rows).sum(), layer(rows).sum() + (rows * rows).sum()
    found = [
        *mg.grad(fused, [rows, others, embedding.table]),
        *mg.grad(both, rows),
        *mg.grad(mg.unfuse(both), rows),
    ]
    layer.fused = False
    (unfused,) = mg.grad(layer(rows).sum(), rows)
    table = np.zeros((6, 5), "float32")
    np.add.at(table, ids, unfused.array)
    expected = [
        unfused.array,
        np.zeros((2, 4, 5)),
        table,
        *[unfused.array + 2 * rows.array] * 2,
    ]
    for gradient, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(gradient.array, right, rtol=1e-4, atol=1e-6)
