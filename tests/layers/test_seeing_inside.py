"""outputs, gradients and gradient_flow, against the values and gradients that a plain forward and backward give."""

from __future__ import annotations

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
from minigrad.errors import GradientError, MinigradError, OptionError

IDS = np.random.default_rng(0).integers(0, 20, (7, 5))
LABELS = np.array([0, 1, 1, 0, 1, 0, 0])


def model(kind: Any = LSTM, **options: Any) -> Sequential:
    mg.seed(0)
    return Sequential(Embedding(20, 4), kind(4, 3, **options), Dense(3, 2))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_outputs_are_those_of_a_plain_forward_pass(batch_size: int) -> None:
    m = model()
    found = outputs(m, IDS, ["embedding", "lstm", ""], batch_size=batch_size)
    words = m.embedding(IDS)
    np.testing.assert_array_equal(found["embedding"], words.array)
    np.testing.assert_allclose(found["lstm"], m.lstm(words).array, atol=1e-6)
    np.testing.assert_allclose(found[""], m(IDS).array, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 6])
def test_outputs_and_gradients_of_a_carried_model_are_those_of_sequences_from_their_beginning(batch_size: int) -> None:
    mg.seed(0)
    reader = LSTM(4, 3, return_sequences=True, return_state=True)
    carried = Stateful(reader, TruncatedBPTT(5, 5))
    m = Sequential(Embedding(20, 4), carried, Dense(3, 2))
    window, ids, y = np.ones((2, 5, 4), "float32"), IDS[:6], np.tile(LABELS[:6, None], 5)
    second = reader(np.ones((2, 10, 4), "float32"))[0].array[:, 5:]
    carried(window)  # leaves a state that the next call in training would continue
    carried.eval()(window)  # and one for the next in evaluation
    words = mg.Tensor(m.embedding(ids).array, requires_grad=True)
    logits = m.dense(reader(words)[0])
    mg.softmax_cross_entropy(logits, y).backward()
    found = outputs(m, ids, [""], batch_size=batch_size)[""]
    np.testing.assert_allclose(found, logits.array, atol=1e-6)
    assert words.grad is not None
    gradient = gradients(m, ids, y, ["embedding"], batch_size=batch_size)["embedding"]
    np.testing.assert_allclose(gradient, words.grad, atol=1e-6)
    np.testing.assert_allclose(carried(window).array, second, atol=1e-6)
    np.testing.assert_allclose(carried.train()(window).array, second, atol=1e-6)


def test_outputs_of_no_examples_are_empty_and_a_batch_has_one_or_more() -> None:
    assert outputs(Sequential(Dense(3, 2)), np.zeros((0, 3)), ["dense"])["dense"].shape == (0, 2)
    with pytest.raises(OptionError, match="MG210.*batch_size=0"):
        outputs(model(), IDS, [""], batch_size=0)


def test_the_gates_of_an_lstm_by_time_step() -> None:
    m = model()
    found = outputs(m, IDS, [f"lstm.cell.{name}" for name in "ifgohc"])
    i, f, g, o, h, c = (found[f"lstm.cell.{name}"] for name in "ifgohc")
    assert i.shape == (7, 5, 3)
    before = np.concatenate([np.zeros((7, 1, 3)), c[:, :-1]], axis=1)
    np.testing.assert_allclose(c, f * before + i * g, atol=1e-6)
    np.testing.assert_allclose(h, o * np.tanh(c), atol=1e-6)
    np.testing.assert_allclose(h[:, -1], outputs(m, IDS, ["lstm"])["lstm"], atol=1e-6)


def test_the_gates_of_a_gru_by_time_step_in_both_directions() -> None:
    mg.seed(0)
    m = Sequential(Embedding(20, 4), GRU(4, 3, bidirectional=True))
    for cell, order in (("cell", 1), ("backward_cell", -1)):
        z, n, h = (outputs(m, IDS, [f"gru.{cell}.{name}"])[f"gru.{cell}.{name}"][:, ::order] for name in "znh")
        before = np.concatenate([np.zeros((7, 1, 3)), h[:, :-1]], axis=1)
        np.testing.assert_allclose(h, (1 - z) * n + z * before, atol=1e-6)


def test_nothing_is_recorded_kept_or_left_switched() -> None:
    m = Sequential(Embedding(20, 4), Dropout(0.5), RNN(4, 3))
    m.rnn.training = False
    recorded: list[Any] = []
    with setting(ON_RECORD, recorded.append):
        first = outputs(m, IDS, ["dropout"])["dropout"]
    assert recorded == []
    np.testing.assert_array_equal(first, m.embedding(IDS).array)  # in evaluation mode
    assert m.training and m.dropout.training and not m.rnn.training
    gc.collect()
    before = sum(isinstance(thing, graph.Node) for thing in gc.get_objects())
    gradients(m, IDS, LABELS, ["rnn"], loss=mg.softmax_cross_entropy)
    gc.collect()
    assert sum(isinstance(thing, graph.Node) for thing in gc.get_objects()) == before


@pytest.mark.parametrize("batch_size", [2, 7])
def test_gradients_equal_those_of_a_leaf_in_the_layers_place(batch_size: int) -> None:
    m = model(GRU)
    found = gradients(m, IDS, LABELS, ["embedding", "gru", ""], batch_size=batch_size)
    words = mg.Tensor(m.embedding(IDS).array, requires_grad=True)
    last = m.gru(words)
    mg.softmax_cross_entropy(m.dense(last), LABELS).backward()
    assert words.grad is not None
    np.testing.assert_allclose(found["embedding"], words.grad, atol=1e-7)
    probability = np.exp(outputs(m, IDS, [""])[""])
    probability /= probability.sum(axis=1, keepdims=True)
    logits = (probability - np.eye(2)[LABELS]) / 7  # the closed form of the cross entropy's gradient
    np.testing.assert_allclose(found[""], logits, atol=1e-7)
    np.testing.assert_allclose(found["gru"], logits @ m.dense.W.array.T, atol=1e-7)
    assert all(parameter.grad is None for name, parameter in m.named_parameters().items() if name == "embedding.table")


def test_gradient_flow_of_a_plain_rnn_by_hand() -> None:
    m = model(RNN)
    h = outputs(m, IDS, ["rnn.cell.h"])["rnn.cell.h"].astype(np.float64)
    dh = gradients(m, IDS, LABELS, ["rnn"])["rnn"].astype(np.float64)
    norms = []
    for t in reversed(range(5)):
        norms.append(np.linalg.norm(dh))
        dh = (dh * (1 - h[:, t] ** 2)) @ m.rnn.cell.W_hh.array.T
    np.testing.assert_allclose(gradient_flow(m, (IDS, LABELS))["rnn.cell.h"], norms[::-1], rtol=1e-4)


def test_gradient_flow_is_zero_before_a_cut_and_covers_both_states_of_an_lstm() -> None:
    flow = gradient_flow(model(LSTM, truncate=2), (IDS, LABELS))
    assert set(flow) == {"lstm.cell.h", "lstm.cell.c"}
    for norms in flow.values():
        assert not norms[:3].any() and norms[3:].all()


def test_a_mask_travels_with_the_inputs() -> None:
    class Masked(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = Embedding(20, 4)
            self.rnn = RNN(4, 3)
            self.head = Dense(3, 2)

        def forward(self, ids: Any, mask: Any) -> Any:
            return self.head(self.rnn(self.embedding(ids), mask=mask))

    mask = np.arange(5) < np.array([[3]] * 7)
    m = Masked()
    flow = gradient_flow(m, (IDS, mask, LABELS))["rnn.cell.h"]
    assert flow.shape == (5,) and flow.all()  # at padded steps the gradient passes through with the state
    np.testing.assert_allclose(flow[3:], flow[2], rtol=1e-6)
    reached = gradients(m, (IDS, mask), LABELS, ["embedding"], batch_size=2)["embedding"]
    assert not reached[:, 3:].any() and reached[:, 2].any()


@pytest.mark.parametrize(
    ("action", "code", "error", "words"),
    [
        (lambda: outputs(model(), IDS, ["lstm.cell.q"]), "MG240", OptionError, "'lstm.cell.f'"),
        (lambda: outputs(model(), IDS, ["nothing", "lstm"]), "MG240", OptionError, "'nothing'"),
        (lambda: gradient_flow(Sequential(Dense(2, 2)), (IDS, LABELS)), "MG240", OptionError, "no recurrent layer"),
    ],
)
def test_bad_input(action: Any, code: str, error: type[MinigradError], words: str) -> None:
    with pytest.raises(error) as caught:
        action()
    assert caught.value.code == code
    assert words in str(caught.value)
    assert caught.value.remedy


def test_a_layer_that_is_called_twice_is_ambiguous() -> None:
    class Twice(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(2, 2)

        def forward(self, x: Any) -> Any:
            return self.dense(self.dense(x))

    with pytest.raises(OptionError) as caught:
        outputs(Twice(), np.ones((3, 2)), ["dense"])
    assert caught.value.code == "MG241"
    assert outputs(Twice(), np.ones((3, 2)), [""])[""].shape == (3, 2)


def test_where_everything_is_frozen_no_gradient_is_made_up() -> None:
    m = model(RNN)
    m.embedding.table.requires_grad = False
    with pytest.raises(GradientError) as caught:
        gradients(m, IDS, LABELS, ["embedding"])
    assert caught.value.code == "MG242"
    assert gradients(m, IDS, LABELS, ["rnn"])["rnn"].any()


def test_gradients_of_a_memory_do_not_depend_on_padding_in_other_rows() -> None:
    class Net(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = LSTM(1, 1)

        def forward(self, x: Any, mask: Any) -> Any:
            return self.rnn(x, mask=mask)

    mg.seed(0)
    model, x, mask = Net(), np.ones((2, 2, 1), np.float32), np.array([[True, True], [True, False]])
    together, alone = (
        gradients(model, (x, mask), np.zeros(2), ["rnn.cell.c"], loss=lambda h, y: h.sum() / len(y), batch_size=size)
        for size in (2, 1)
    )
    np.testing.assert_allclose(together["rnn.cell.c"], alone["rnn.cell.c"], rtol=1e-6)
    assert (alone["rnn.cell.c"] != 0).sum() == 3  # no loss sees c after the padded step
