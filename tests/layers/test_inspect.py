"""outputs, gradients and gradient_flow, against the values and gradients that a plain forward and
backward give.
"""

import gc
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
from minigrad import graph
from minigrad.context import ON_RECORD, setting
from minigrad.errors import GradientError, OptionError

IDS = np.random.default_rng(0).integers(0, 20, (7, 5))
LABELS = np.array([0, 1, 1, 0, 1, 0, 0])


def build(kind=LSTM, **options):
    mg.seed(0)
    return Sequential(Embedding(20, 4), kind(4, 3, **options), Dense(3, 2))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_outputs_and_gradients_are_those_of_a_plain_pass(batch_size):
    model = build(GRU)
    words: Any = mg.Tensor(model.embedding(IDS).array, requires_grad=True)
    last = model.gru(words)
    logits = model.dense(last)
    mg.softmax_cross_entropy(logits, LABELS).backward()
    found = outputs(model, IDS, ["embedding", "gru", ""], batch_size=batch_size)
    for path, expected in (("embedding", words), ("gru", last), ("", logits)):
        np.testing.assert_allclose(found[path], expected.array, atol=1e-6)
    probability = np.exp(logits.array)
    probability /= probability.sum(axis=1, keepdims=True)
    slope = (probability - np.eye(2)[LABELS]) / 7  # the closed form of the cross entropy's gradient
    found = gradients(model, IDS, LABELS, ["embedding", "gru", ""], batch_size=batch_size)
    for path, gradient in (
        ("embedding", words.grad),
        ("gru", slope @ model.dense.W.array.T),
        ("", slope),
    ):
        np.testing.assert_allclose(found[path], gradient, atol=1e-7)


@pytest.mark.parametrize("batch_size", [1, 2, 6])
def test_a_stateful_model_reads_sequences_from_their_beginning_and_keeps_its_state(batch_size):
    mg.seed(0)
    reader = LSTM(4, 3, return_sequences=True, return_state=True)
    stateful = Stateful(reader, TruncatedBPTT(5, 5))
    model = Sequential(Embedding(20, 4), stateful, Dense(3, 2))
    window, ids, y = np.ones((2, 5, 4), "float32"), IDS[:6], np.tile(LABELS[:6, None], 5)
    second = reader(np.ones((2, 10, 4), "float32"))[0].array[:, 5:]
    stateful(window)  # leaves a state that the next call in training would continue
    stateful.eval()(window)  # and one for the next in evaluation
    words: Any = mg.Tensor(model.embedding(ids).array, requires_grad=True)
    logits = model.dense(reader(words)[0])
    mg.softmax_cross_entropy(logits, y).backward()
    np.testing.assert_allclose(
        outputs(model, ids, [""], batch_size=batch_size)[""], logits.array, atol=1e-6
    )
    found = gradients(model, ids, y, ["embedding"], batch_size=batch_size)["embedding"]
    np.testing.assert_allclose(found, words.grad, atol=1e-6)
    np.testing.assert_allclose(stateful(window).array, second, atol=1e-6)
    np.testing.assert_allclose(stateful.train()(window).array, second, atol=1e-6)


def test_outputs_of_no_examples_are_empty_and_a_batch_has_one_or_more():
    assert outputs(Sequential(Dense(3, 2)), np.zeros((0, 3)), ["dense"])["dense"].shape == (0, 2)
    with pytest.raises(OptionError, match="MG210.*batch_size=0"):
        outputs(build(), IDS, [""], batch_size=0)


@pytest.mark.parametrize(("cell", "order"), [("cell", 1), ("backward_cell", -1)])
def test_the_gates_of_an_lstm_by_time_step_in_both_directions(cell, order):
    model = Sequential(Embedding(20, 4), LSTM(4, 3, bidirectional=True, return_sequences=True))
    found = outputs(model, IDS, ["lstm", *(f"lstm.{cell}.{name}" for name in "ifgohc")])
    both, i, f, g, o, h, c = (array[:, ::order] for array in found.values())
    before = np.concatenate([np.zeros((7, 1, 3)), c[:, :-1]], axis=1)
    np.testing.assert_allclose(c, f * before + i * g, atol=1e-6)
    np.testing.assert_allclose(h, o * np.tanh(c), atol=1e-6)
    np.testing.assert_allclose(h, both[:, :, :3] if order == 1 else both[:, :, 3:], atol=1e-6)


def test_nothing_is_recorded_kept_or_left_switched():
    model = Sequential(Embedding(20, 4), Dropout(0.5), RNN(4, 3))
    recorded: list[Any] = []
    model.rnn.training = False
    with setting(ON_RECORD, recorded.append):
        first = outputs(model, IDS, ["dropout"])["dropout"]
    assert recorded == []
    np.testing.assert_array_equal(first, model.embedding(IDS).array)  # in evaluation mode
    assert model.training and model.dropout.training and not model.rnn.training

    def nodes():
        gc.collect()
        return sum(isinstance(thing, graph.Node) for thing in gc.get_objects())

    before = nodes()
    gradients(model, IDS, LABELS, ["rnn"])
    assert nodes() == before
    assert model.embedding.table.grad is None


def test_gradient_flow_of_a_plain_rnn_by_hand():
    model = build(RNN)
    h = outputs(model, IDS, ["rnn.cell.h"])["rnn.cell.h"].astype(np.float64)
    dh = gradients(model, IDS, LABELS, ["rnn"])["rnn"].astype(np.float64)
    norms = []
    for t in reversed(range(5)):
        norms.append(np.linalg.norm(dh))
        dh = (dh * (1 - h[:, t] ** 2)) @ model.rnn.cell.W_hh.array.T
    np.testing.assert_allclose(
        gradient_flow(model, (IDS, LABELS))["rnn.cell.h"], norms[::-1], rtol=1e-4
    )


def test_gradient_flow_is_zero_before_a_cut_and_covers_both_states_of_an_lstm():
    flow = gradient_flow(build(LSTM, truncate=2), (IDS, LABELS))
    assert set(flow) == {"lstm.cell.h", "lstm.cell.c"}
    for norms in flow.values():
        assert not norms[:3].any() and norms[3:].all()
    with pytest.raises(OptionError, match="MG240.*no recurrent layer"):
        gradient_flow(Sequential(Dense(2, 2)), (IDS, LABELS))


class Masked(Layer):
    def __init__(self, kind):
        super().__init__()
        self.embedding, self.layer, self.head = Embedding(20, 4), kind(4, 3), Dense(3, 2)

    def forward(self, ids, mask):
        return self.head(self.layer(self.embedding(ids), mask=mask))


def test_gradients_of_a_memory_do_not_depend_on_padding_in_other_rows():
    model, mask = Masked(LSTM), np.array([[True] * 5, [True] * 2 + [False] * 3])
    together, alone = (
        gradients(model, (IDS[:2], mask), LABELS[:2], ["layer.cell.c"], batch_size=size)[
            "layer.cell.c"
        ]
        for size in (2, 1)
    )
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    assert (alone != 0).any(axis=2).sum() == 5 + 2  # no loss sees c after a padded step


def test_a_layer_that_is_called_twice_is_ambiguous():
    class Twice(Layer):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2, 2)

        def forward(self, x):
            return self.dense(self.dense(x))

    with pytest.raises(OptionError, match="MG241"):
        outputs(Twice(), np.ones((3, 2)), ["dense"])
    assert outputs(Twice(), np.ones((3, 2)), [""])[""].shape == (3, 2)


def test_what_is_not_computed_or_depends_on_nothing_trainable_is_an_error():
    model = build(RNN)
    with pytest.raises(OptionError, match="(?s)MG240.*'nothing'.*'rnn.cell.h'"):
        outputs(model, IDS, ["nothing", "rnn"])
    model.embedding.table.requires_grad = False
    with pytest.raises(GradientError, match="MG242"):
        gradients(model, IDS, LABELS, ["embedding"])
    assert gradients(model, IDS, LABELS, ["rnn"])["rnn"].any()
