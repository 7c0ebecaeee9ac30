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

from .helpers import assert_close, leaf, normal

IDS = np.arange(35).reshape(7, 5)
LABELS = IDS[:, 0] % 2


def build(layer):
    return Sequential(
        Embedding(35, 4),
        layer,
        Dense(3, 2),
    )


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_outputs_and_gradients_of_a_plain_pass(batch_size):
    model = build(GRU(4, 3))
    words = leaf(model.embedding(IDS).array)
    last = model.gru(words)
    logits = model.dense(last)
    values = (words, last, logits)
    loss = mg.softmax_cross_entropy(logits, LABELS)
    slopes = mg.grad(loss, values)
    paths = ["embedding", "gru", ""]
    found = outputs(model, IDS, paths, batch_size=batch_size)
    assert_close(values, found.values(), 1e-6)
    found = gradients(model, IDS, LABELS, paths, batch_size=batch_size)
    assert_close(slopes, found.values(), 1e-7)


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_outputs_and_gradients_keep_the_state_of_a_stateful(batch_size):
    reader = LSTM(4, 3, return_sequences=True, return_state=True)
    stateful = Stateful(reader, TruncatedBPTT(5, 5))
    model = build(stateful)
    x = normal(2, 10, 4)
    whole, _ = reader(x)
    first = x[:, :5]
    second = x[:, 5:]
    stateful(first)  # leaves a state that the next call in training would continue
    stateful.eval()
    stateful(first)  # and one for the next in evaluation
    words = leaf(model.embedding(IDS).array)
    output, _ = reader(words)
    logits = model.dense(output)
    y = IDS % 2
    loss = mg.softmax_cross_entropy(logits, y)
    (slope,) = mg.grad(loss, words)
    found = outputs(model, IDS, [""], batch_size=batch_size)
    assert_close(found[""], logits, 1e-6)
    paths = ["embedding"]
    found = gradients(model, IDS, y, paths, batch_size=batch_size)
    assert_close(found["embedding"], slope, 1e-6)
    rest = whole[:, 5:]
    assert_close(stateful(second), rest, 1e-6)
    stateful.train()
    assert_close(stateful(second), rest, 1e-6)


def test_outputs_of_no_examples_are_empty():
    model = Sequential(Dense(3, 2))
    found = outputs(model, normal(0, 3), ["dense"])
    assert found["dense"].shape == (0, 2)


@pytest.mark.parametrize("cell", ["cell", "backward_cell"])
def test_outputs_has_the_gates_of_an_lstm(cell):
    lstm = LSTM(4, 3, bidirectional=True, return_sequences=True)
    model = Sequential(Embedding(35, 4), lstm)
    found = outputs(model, IDS, ["lstm", *(f"lstm.{cell}.{name}" for name in "ifgohc")])
    both, i, f, g, o, h, c = found.values()
    forward, backward = np.split(both, 2, axis=2)
    steps = range(5)
    if cell == "cell":
        assert_close(h, forward, 0)
    else:
        assert_close(h, backward, 0)
        steps = range(4, -1, -1)
    assert_close(h, o * np.tanh(c), 1e-6)
    memory = np.zeros((7, 3))
    added = i * g
    for t in steps:
        memory = f[:, t] * memory + added[:, t]
        assert_close(c[:, t], memory, 1e-6)


def test_outputs_and_gradients_leave_the_model_as_it_was():
    embedding = Embedding(35, 4)
    dropout = Dropout(0.5)
    rnn = RNN(4, 3)
    model = Sequential(embedding, dropout, rnn)
    rnn.training = False
    recorded: list[Any] = []
    with setting(ON_RECORD, recorded.append):
        found = outputs(model, IDS, ["dropout"])
    assert recorded == []
    assert_close(found["dropout"], embedding(IDS))  # in evaluation mode
    gradients(model, IDS, LABELS, ["rnn"])
    assert model.training
    assert dropout.training
    assert not rnn.training
    assert embedding.table.grad is None


def test_gradients_with_a_mask_do_not_depend_on_other_rows():
    class Masked(Layer):
        def __init__(self):
            self.embedding = Embedding(35, 4)
            self.lstm = LSTM(4, 3)

        def forward(self, ids, mask):
            return self.lstm(self.embedding(ids), mask=mask)

    model = Masked()
    mask = np.ones_like(IDS)
    mask[1, 2:] = 0
    arguments = (model, (IDS, mask), LABELS, ["lstm.cell.c"])
    (together,) = gradients(*arguments).values()
    (alone,) = gradients(*arguments, batch_size=1).values()
    assert_close(together, alone, rtol=1e-5)
    # no loss sees c after a padded step
    assert_close(alone.any(axis=2), mask)


def test_gradient_flow_of_an_rnn_by_hand():
    model = build(RNN(4, 3))
    found = outputs(model, IDS, ["rnn.cell.h"])
    h = found["rnn.cell.h"]
    found = gradients(model, IDS, LABELS, ["rnn"])
    dh = found["rnn"]
    W = model.rnn.cell.W_hh.array
    norms = np.zeros(5)
    for t in reversed(range(5)):
        norms[t] = np.linalg.norm(dh)
        da = dh * (1 - h[:, t] ** 2)
        dh = da @ W.T
    flow = gradient_flow(model, (IDS, LABELS))
    assert_close(flow["rnn.cell.h"], norms, rtol=1e-4)
    faint = gradient_flow(
        model, (IDS, LABELS), loss=lambda z, y: mg.softmax_cross_entropy(z, y) * 1e-30
    )
    np.testing.assert_allclose(faint["rnn.cell.h"], norms * 1e-30, rtol=1e-4)


def test_gradient_flow_with_truncate_is_0_before_the_cut():
    model = build(LSTM(4, 3, truncate=2))
    flow = gradient_flow(model, (IDS, LABELS))
    assert set(flow) == {"lstm.cell.h", "lstm.cell.c"}
    for norms in flow.values():
        assert not norms[:3].any()
        assert norms[3:].all()
