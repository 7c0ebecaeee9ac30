"""outputs, gradients and gradient_flow, compared with a plain forward and backward pass."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import (
    GRU,
    LSTM,
    RNN,
    Dense,
    Dropout,
    Embedding,
    Layer,
    Sequential,
    Stateful,
    TruncatedBPTT,
    gradient_flow,
    gradients,
    outputs,
)
from minigrad.context import ON_RECORD, setting

from .helpers import assert_close, leaf

IDS = np.random.default_rng(0).integers(0, 20, (7, 5))
LABELS = np.array([0, 1, 1, 0, 1, 0, 0])


def build(layer):
    return Sequential(Embedding(20, 4), layer, Dense(3, 2))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_outputs_and_gradients_of_a_plain_pass(batch_size):
    model = build(GRU(4, 3))
    words = leaf(model.embedding(IDS).array)
    last = model.gru(words)
    logits = model.dense(last)
    tensors = [words, last, logits]
    loss = mg.softmax_cross_entropy(logits, LABELS)
    slopes = mg.grad(loss, tensors)
    paths = ["embedding", "gru", ""]
    values = outputs(model, IDS, paths, batch_size=batch_size)
    found = gradients(model, IDS, LABELS, paths, batch_size=batch_size)
    for path, tensor, slope in zip(paths, tensors, slopes, strict=True):
        assert_close(values[path], tensor, atol=1e-6)
        assert_close(found[path], slope, atol=1e-7)


@pytest.mark.parametrize("batch_size", [1, 2, 6])
def test_outputs_and_gradients_keep_the_state_of_a_stateful(batch_size):
    reader = LSTM(4, 3, return_sequences=True, return_state=True)
    stateful = Stateful(reader, TruncatedBPTT(5, 5))
    model = build(stateful)
    window = np.ones((2, 5, 4), np.float32)
    stateful(window)  # leaves a state that the next call in training would continue
    stateful.eval()(window)  # and one for the next in evaluation
    ids, y = IDS[:6], np.tile(LABELS[:6, None], 5)
    words = leaf(model.embedding(ids).array)
    logits = model.dense(reader(words)[0])
    (slope,) = mg.grad(mg.softmax_cross_entropy(logits, y), words)
    values = outputs(model, ids, [""], batch_size=batch_size)
    assert_close(values[""], logits, atol=1e-6)
    found = gradients(model, ids, y, ["embedding"], batch_size=batch_size)
    assert_close(found["embedding"], slope, atol=1e-6)
    whole, _ = reader(np.ones((2, 10, 4), np.float32))
    for again in (stateful(window), stateful.train()(window)):
        assert_close(again, whole[:, 5:], atol=1e-6)


def test_outputs_of_no_examples_are_empty():
    found = outputs(Sequential(Dense(3, 2)), np.zeros((0, 3)), ["dense"])
    assert found["dense"].shape == (0, 2)


@pytest.mark.parametrize("cell", ["cell", "backward_cell"])
def test_outputs_has_the_gates_of_an_lstm(cell):
    lstm = LSTM(4, 3, bidirectional=True, return_sequences=True)
    model = Sequential(Embedding(20, 4), lstm)
    paths = ["lstm", *(f"lstm.{cell}.{name}" for name in "ifgohc")]
    found = outputs(model, IDS, paths)
    order = 1 if cell == "cell" else -1
    both, i, f, g, o, h, c = (array[:, ::order] for array in found.values())
    assert_close(c[:, 1:], f[:, 1:] * c[:, :-1] + (i * g)[:, 1:], atol=1e-6)
    assert_close(h, o * np.tanh(c), atol=1e-6)
    assert_close(h, both[:, :, :3] if cell == "cell" else both[:, :, 3:], atol=1e-6)


def test_outputs_and_gradients_leave_the_model_as_it_was():
    model = Sequential(Embedding(20, 4), Dropout(0.5), RNN(4, 3))
    recorded: list[Any] = []
    model.rnn.training = False
    with setting(ON_RECORD, recorded.append):
        found = outputs(model, IDS, ["dropout"])
    assert recorded == []
    assert_close(found["dropout"], model.embedding(IDS))  # in evaluation mode
    gradients(model, IDS, LABELS, ["rnn"])
    assert model.training and model.dropout.training and not model.rnn.training
    assert model.embedding.table.grad is None


def test_gradients_with_a_mask_do_not_depend_on_other_rows():
    class Masked(Layer):
        def __init__(self):
            self.embedding = Embedding(20, 4)
            self.lstm = LSTM(4, 3)

        def forward(self, ids, mask):
            return self.lstm(self.embedding(ids), mask=mask)

    model = Masked()
    mask = np.array([[True] * 5, [True] * 2 + [False] * 3])
    path = "lstm.cell.c"
    together, alone = (
        gradients(model, (IDS[:2], mask), LABELS[:2], [path], batch_size=size)[path]
        for size in (2, 1)
    )
    assert_close(together, alone, rtol=1e-5)
    real = alone.any(axis=2)
    assert real.sum() == 5 + 2  # no loss sees c after a padded step


def test_gradient_flow_of_an_rnn_by_hand():
    model = build(RNN(4, 3))
    h = outputs(model, IDS, ["rnn.cell.h"])["rnn.cell.h"]
    dh = gradients(model, IDS, LABELS, ["rnn"])["rnn"]
    W = model.rnn.cell.W_hh.array
    norms = []
    for t in reversed(range(5)):
        norms.append(np.linalg.norm(dh))
        dh = (dh * (1 - h[:, t] ** 2)) @ W.T
    found = gradient_flow(model, (IDS, LABELS))
    assert_close(found["rnn.cell.h"], norms[::-1], rtol=1e-4)


def test_gradient_flow_with_truncate_is_0_before_the_cut():
    model = build(LSTM(4, 3, truncate=2))
    flow = gradient_flow(model, (IDS, LABELS))
    assert set(flow) == {"lstm.cell.h", "lstm.cell.c"}
    for norms in flow.values():
        assert not norms[:3].any()
        assert norms[3:].all()
