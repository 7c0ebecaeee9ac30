"""outputs, gradients and gradient_flow, against the values and gradients that a plain forward and
backward give.
"""

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
)  # fmt: skip
from minigrad.context import ON_RECORD, setting

IDS = np.random.default_rng(0).integers(0, 20, (7, 5))
LABELS = np.array([0, 1, 1, 0, 1, 0, 0])


def build(kind=LSTM, **options):
    mg.seed(0)
    return Sequential(Embedding(20, 4), kind(4, 3, **options), Dense(3, 2))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_outputs_and_gradients_are_those_of_a_plain_pass(batch_size):
    model, paths = build(GRU), ["embedding", "gru", ""]
    words: Any = mg.Tensor(model.embedding(IDS).array, requires_grad=True)
    last = model.gru(words)
    logits = model.dense(last)
    tensors = [words, last, logits]
    slopes = mg.grad(mg.softmax_cross_entropy(logits, LABELS), tensors)
    values = outputs(model, IDS, paths, batch_size=batch_size)
    found = gradients(model, IDS, LABELS, paths, batch_size=batch_size)
    for path, tensor, slope in zip(paths, tensors, slopes, strict=True):
        np.testing.assert_allclose(values[path], tensor.array, atol=1e-6)
        np.testing.assert_allclose(found[path], slope.array, atol=1e-7)


@pytest.mark.parametrize("batch_size", [1, 2, 6])
def test_a_stateful_model_reads_sequences_from_their_beginning_and_keeps_its_state(
    batch_size,
):
    mg.seed(0)
    reader = LSTM(4, 3, return_sequences=True, return_state=True)
    stateful = Stateful(reader, TruncatedBPTT(5, 5))
    model = Sequential(Embedding(20, 4), stateful, Dense(3, 2))
    window, ids, y = (
        np.ones((2, 5, 4), "float32"),
        IDS[:6],
        np.tile(LABELS[:6, None], 5),
    )
    second = reader(np.ones((2, 10, 4), "float32"))[0].array[:, 5:]
    stateful(window)  # leaves a state that the next call in training would continue
    stateful.eval()(window)  # and one for the next in evaluation
    words: Any = mg.Tensor(model.embedding(ids).array, requires_grad=True)
    logits = model.dense(reader(words)[0])
    (slope,) = mg.grad(mg.softmax_cross_entropy(logits, y), [words])
    found = outputs(model, ids, [""], batch_size=batch_size)[""]
    np.testing.assert_allclose(found, logits.array, atol=1e-6)
    found = gradients(model, ids, y, ["embedding"], batch_size=batch_size)["embedding"]
    np.testing.assert_allclose(found, slope.array, atol=1e-6)
    for again in (stateful(window), stateful.train()(window)):
        np.testing.assert_allclose(again.array, second, atol=1e-6)


def test_outputs_of_no_examples_are_empty():
    assert outputs(Sequential(Dense(3, 2)), np.zeros((0, 3)), ["dense"])[
        "dense"
    ].shape == (0, 2)


@pytest.mark.parametrize(("cell", "order"), [("cell", 1), ("backward_cell", -1)])
def test_the_gates_of_an_lstm_by_time_step_in_both_directions(cell, order):
    model = Sequential(
        Embedding(20, 4), LSTM(4, 3, bidirectional=True, return_sequences=True)
    )
    found = outputs(model, IDS, ["lstm", *(f"lstm.{cell}.{name}" for name in "ifgohc")])
    both, i, f, g, o, h, c = (array[:, ::order] for array in found.values())
    np.testing.assert_allclose(
        c[:, 1:], (f[:, 1:] * c[:, :-1] + (i * g)[:, 1:]), atol=1e-6
    )
    np.testing.assert_allclose(h, o * np.tanh(c), atol=1e-6)
    np.testing.assert_allclose(
        h, both[:, :, :3] if order == 1 else both[:, :, 3:], atol=1e-6
    )


def test_nothing_is_recorded_kept_or_left_switched():
    model = Sequential(Embedding(20, 4), Dropout(0.5), RNN(4, 3))
    recorded: list[Any] = []
    model.rnn.training = False
    with setting(ON_RECORD, recorded.append):
        first = outputs(model, IDS, ["dropout"])["dropout"]
    assert recorded == []
    np.testing.assert_array_equal(
        first, model.embedding(IDS).array
    )  # in evaluation mode
    gradients(model, IDS, LABELS, ["rnn"])
    assert model.training and model.dropout.training and not model.rnn.training
    assert model.embedding.table.grad is None


def test_gradient_flow_of_a_plain_rnn_by_hand():
    model = build(RNN)
    h = outputs(model, IDS, ["rnn.cell.h"])["rnn.cell.h"].astype(np.float64)
    dh = gradients(model, IDS, LABELS, ["rnn"])["rnn"].astype(np.float64)
    norms = []
    for t in reversed(range(5)):
        norms.append(np.linalg.norm(dh))
        dh = (dh * (1 - h[:, t] ** 2)) @ model.rnn.cell.W_hh.array.T
    found = gradient_flow(model, (IDS, LABELS))["rnn.cell.h"]
    np.testing.assert_allclose(found, norms[::-1], rtol=1e-4)


def test_gradient_flow_is_zero_before_a_cut_and_covers_both_states_of_an_lstm():
    flow = gradient_flow(build(LSTM, truncate=2), (IDS, LABELS))
    assert set(flow) == {"lstm.cell.h", "lstm.cell.c"}
    for norms in flow.values():
        assert not norms[:3].any() and norms[3:].all()


def test_gradients_of_a_memory_do_not_depend_on_padding_in_other_rows():
    class Masked(Layer):
        def __init__(self):
            self.embedding, self.lstm, self.head = (
                Embedding(20, 4),
                LSTM(4, 3),
                Dense(3, 2),
            )

        def forward(self, ids, mask):
            return self.head(self.lstm(self.embedding(ids), mask=mask))

    model, mask = Masked(), np.array([[True] * 5, [True] * 2 + [False] * 3])
    path = "lstm.cell.c"
    together, alone = (
        gradients(model, (IDS[:2], mask), LABELS[:2], [path], batch_size=size)[path]
        for size in (2, 1)
    )
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    assert (alone != 0).any(axis=2).sum() == 5 + 2  # no loss sees c after a padded step
