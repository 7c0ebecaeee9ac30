"""Unrolling: what is recorded, and truncate=k against contributions that are summed by hand."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, RNNCell, unroll
from minigrad import graph
from minigrad.context import scope_label
from minigrad.errors import OptionError, ShapeError

B, T, D, H = 3, 7, 4, 5
X: Any = np.random.default_rng(1).normal(size=(B, T, D))
SEED = np.random.default_rng(2).normal(size=(B, H))


def recorded(tensor):
    return [node for node in graph.ancestors([tensor.node]) if node.gate is not None]


def test_a_step_of_the_rnn_records_exactly_its_gates():
    x = np.ones((2, 12, D))
    nodes = recorded(RNN(D, H)(x))
    assert Counter(node.gate.name for node in nodes) == {
        "MultiplyGate": 24,
        "AddGate": 24,
        "Tanh": 12,
    }
    assert {node.scope for node in nodes} == {("rnn", f"t{t:02d}") for t in range(12)}
    # With a sequence that has its own gradient, one Slice more for each step.
    nodes = recorded(RNN(D, H)(mg.Tensor(x, requires_grad=True)))
    assert Counter(node.gate.name for node in nodes)["Slice"] == 12


def test_scopes_are_as_wide_as_the_last_step_needs():
    assert {"t000", "t100"} < {node.scope[-1] for node in recorded(RNN(1, 1)(np.ones((1, 101, 1))))}


@pytest.mark.parametrize("k", range(1, T + 2))
def test_truncated_gradients_are_the_last_k_contributions(k, in_float64, contributions):
    layer = in_float64(RNN(D, H, truncate=k))
    x: Any = mg.Tensor(X, requires_grad=True)
    z = layer(x)
    np.testing.assert_array_equal(z.array, in_float64(RNN(D, H))(X).array)  # the value stays
    z.backward(SEED)
    truth = contributions(layer, X, SEED)
    for name, parameter in layer.cell.named_parameters().items():
        np.testing.assert_allclose(
            parameter.grad, truth[name][-k:].sum(axis=0), atol=1e-13, err_msg=name
        )
    np.testing.assert_allclose(x.grad[:, -k:], truth["x"].swapaxes(0, 1)[:, -k:], atol=1e-13)
    assert not x.grad[:, : max(T - k, 0)].any()  # not small: 0


def test_with_a_mask_the_last_k_steps_are_each_rows_own(in_float64, contributions):
    lengths = [7, 2, 5]
    x: Any = mg.Tensor(X, requires_grad=True)
    layer = in_float64(RNN(D, H, truncate=3))
    layer(x, lengths=lengths).backward(SEED)
    total = dict.fromkeys(layer.cell.named_parameters(), 0.0)
    for row, length in enumerate(lengths):
        truth = contributions(layer, X[row : row + 1, :length], SEED[row : row + 1])
        total = {name: total[name] + truth[name][-3:].sum(axis=0) for name in total}
        reached = np.zeros((T, D))
        reached[max(length - 3, 0) : length] = truth["x"][-3:, 0]
        np.testing.assert_allclose(x.grad[row], reached, atol=1e-13)
    for name, parameter in layer.cell.named_parameters().items():
        np.testing.assert_allclose(parameter.grad, total[name], atol=1e-13)


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_the_cut_is_in_the_graph_with_what_came_before(kind):
    nodes = graph.ancestors([kind(D, H, truncate=3)(X).node])
    cuts: list[Any] = [
        node for node in nodes if isinstance(node, graph.Leaf) and node.cut_from is not None
    ]
    assert len(cuts) == (2 if kind is LSTM else 1)
    assert {scope_label(node.scope) for node in cuts} == {f"in {kind.__name__.lower()}/t04"}
    before = graph.ancestors([node.cut_from for node in cuts])
    assert {node.scope[-1] for node in before if node.gate is not None} == {
        "t00",
        "t01",
        "t02",
        "t03",
    }


def test_in_reverse_the_last_steps_are_the_first_words():
    x = mg.Tensor(X, requires_grad=True)
    RNN(D, H, bidirectional=True, truncate=2)(x)[:, H:].sum().backward()
    assert x.grad is not None and x.grad[:, :2].all() and not x.grad[:, 2:].any()


CELL = RNNCell(D, H)
STATE = CELL.initial_state(B)
STEPS: Any = [mg.Tensor(X[:, t]) for t in range(T)]


def test_an_array_is_read_as_batch_time_features():
    for inputs in (mg.Tensor(X), STEPS):
        for one, other in zip(
            unroll(CELL, X, STATE)[0], unroll(CELL, inputs, STATE)[0], strict=True
        ):
            np.testing.assert_allclose(one.array, other.array, atol=1e-6)


@pytest.mark.parametrize("truncate", [0, -1, 2.5])
def test_truncation_to_anything_but_a_number_of_steps_is_refused(truncate):
    with pytest.raises(OptionError, match=rf"MG143.*truncated to {truncate} steps"):
        unroll(CELL, STEPS, STATE, truncate=truncate)


@pytest.mark.parametrize(
    ("inputs", "mask", "words"),
    [
        (mg.Tensor(X), np.ones((1, T)), rf"\(1, {T}\).*{B} sequences of {T} steps"),
        (STEPS, np.ones((B + 1, T)), rf"\({B + 1}, {T}\).*{B} sequences of {T} steps"),
        ([], np.ones((B, 0)), rf"\({B}, 0\).*0 sequences of 0 steps"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(inputs, mask, words):
    with pytest.raises(ShapeError, match="MG222.*" + words):
        unroll(CELL, inputs, STATE, mask=mask)


def test_nan_at_a_padded_step_in_a_list_leaves_no_trace():
    grads: list[Any] = []
    for steps, mask in (([0, 1, 2], [[True, False, True]] * B), ([0, 2], None)):
        inputs = [mg.Tensor(X[:, t] if t != 1 else np.full((B, D), np.nan)) for t in steps]
        CELL.zero_grad()
        unroll(CELL, inputs, STATE, mask=np.array(mask) if mask else None)[1].sum().backward()
        grads.append(CELL.W_xh.grad)
    np.testing.assert_allclose(grads[0], grads[1], atol=1e-6)
