"""Unrolling: what is recorded, and truncate=k against contributions that are summed by hand."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, RNNCell, unroll
from minigrad import graph
from minigrad.context import scope_label
from minigrad.errors import OptionError

B, T, D, H = 3, 7, 4, 5
X: Any = np.random.default_rng(1).normal(size=(B, T, D))
SEED = np.random.default_rng(2).normal(size=(B, H))


def recorded(tensor):
    return [node for node in graph.ancestors([tensor.node]) if node.gate is not None]


def test_a_step_of_the_rnn_records_exactly_its_gates():
    x = np.ones((2, 101, D))
    nodes = recorded(RNN(D, H)(x))
    gates = {"MultiplyGate": 202, "AddGate": 202, "Tanh": 101}
    assert Counter(node.gate.name for node in nodes) == gates
    assert {node.scope for node in nodes} == {("rnn", f"t{t:03d}") for t in range(101)}
    # With a sequence that has its own gradient, one Slice more for each step.
    nodes = recorded(RNN(D, H)(mg.Tensor(x, requires_grad=True)))
    assert Counter(node.gate.name for node in nodes) == gates | {"Slice": 101}


@pytest.mark.parametrize("k", range(1, T + 2))
def test_truncated_gradients_are_the_last_k_contributions(k, in_float64, contributions):
    layer = in_float64(RNN(D, H, truncate=k))
    x: Any = mg.Tensor(X, requires_grad=True)
    z = layer(x)
    np.testing.assert_array_equal(
        z.array, in_float64(RNN(D, H))(X).array
    )  # the value stays
    z.backward(SEED)
    truth = contributions(layer, X, SEED)
    for name, parameter in layer.cell.named_parameters().items():
        np.testing.assert_allclose(
            parameter.grad, truth[name][-k:].sum(axis=0), atol=1e-13, err_msg=name
        )
    np.testing.assert_allclose(
        x.grad[:, -k:], truth["x"].swapaxes(0, 1)[:, -k:], atol=1e-13
    )
    assert not x.grad[:, : max(T - k, 0)].any()  # not small: 0


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_the_cut_is_in_the_graph_with_what_came_before(kind):
    nodes = graph.ancestors([kind(D, H, truncate=3)(X).node])
    cuts: list[Any] = [
        node
        for node in nodes
        if isinstance(node, graph.Leaf) and node.cut_from is not None
    ]
    assert len(cuts) == (2 if kind is LSTM else 1)
    assert {scope_label(node.scope) for node in cuts} == {
        f"in {kind.__name__.lower()}/t04"
    }
    steps = {
        node.scope[-1] for node in graph.ancestors([cuts[0].cut_from]) if node.gate
    }
    assert steps == {"t00", "t01", "t02", "t03"}


def test_in_reverse_the_last_steps_are_the_first_words():
    x = mg.Tensor(X, requires_grad=True)
    RNN(D, H, bidirectional=True, truncate=2)(x)[:, H:].sum().backward()
    assert x.grad is not None and x.grad[:, :2].all() and not x.grad[:, 2:].any()


def test_nan_at_a_padded_step_of_an_array_or_a_list_leaves_no_trace():
    cell, x, mask = RNNCell(D, H), X.copy(), np.ones((B, T), bool)
    x[:, 1], mask[:, 1] = np.nan, False
    steps = [mg.Tensor(x[:, t]) for t in range(T)]
    slopes = []
    for inputs, real in ((steps, mask), (x, mask), (np.delete(x, 1, axis=1), None)):
        _, state = unroll(cell, inputs, cell.initial_state(B), mask=real)
        slopes += [gradient.array for gradient in mg.grad(state.sum(), cell.W_xh)]
    np.testing.assert_allclose(slopes[:2], slopes[1:], atol=1e-6)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("truncate", [0, 2.5])
def test_truncation_to_anything_but_a_number_of_steps_is_refused(truncate, fused):
    with pytest.raises(OptionError, match=rf"MG143.*truncated to {truncate} steps"):
        RNN(D, H, truncate=truncate, fused=fused)(X)
