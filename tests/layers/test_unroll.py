"""unroll: the gates it records, truncate, and masks."""

from collections import Counter

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN, RNNCell, unroll
from minigrad import graph
from minigrad.context import scope_label
from minigrad.errors import OptionError

from .helpers import assert_close, in_float64, leaf, normal, rnn_contributions

B, T, D, H = 3, 7, 4, 5
X = normal(B, T, D, seed=1)
SEED = normal(B, H, seed=2)


def gates_before(node):
    return [node for node in graph.ancestors([node]) if node.gate is not None]


def test_unroll_records_the_gates_of_each_step():
    x = np.ones((2, 101, D))
    nodes = gates_before(RNN(D, H)(x).node)
    gates = {"MultiplyGate": 202, "AddGate": 202, "Tanh": 101}
    assert Counter(node.gate.name for node in nodes) == gates
    assert {node.scope for node in nodes} == {("rnn", f"t{t:03d}") for t in range(101)}
    # With a sequence that has its own gradient, one Slice more for each step.
    nodes = gates_before(RNN(D, H)(leaf(x)).node)
    assert Counter(node.gate.name for node in nodes) == gates | {"Slice": 101}


@pytest.mark.parametrize("k", range(1, T + 2))
def test_truncate_keeps_the_last_k_contributions(k):
    layer = in_float64(RNN(D, H, truncate=k))
    x = leaf(X)
    z = layer(x)
    assert_close(z, in_float64(RNN(D, H))(X), atol=0)  # the value stays
    z.backward(SEED)
    truth = rnn_contributions(layer, X, SEED)
    for name, parameter in layer.cell.named_parameters().items():
        assert_close(parameter.grad, truth[name][-k:].sum(axis=0))
    dx = truth["x"].swapaxes(0, 1)
    assert_close(x.grad[:, -k:], dx[:, -k:])
    assert not x.grad[:, : max(T - k, 0)].any()  # not small: 0


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_truncate_records_where_it_cuts(kind):
    nodes = graph.ancestors([kind(D, H, truncate=3)(X).node])
    cuts = [node for node in nodes if getattr(node, "cut_from", None) is not None]
    assert len(cuts) == (2 if kind is LSTM else 1)
    labels = {scope_label(node.scope) for node in cuts}
    assert labels == {f"in {kind.__name__.lower()}/t04"}
    before = gates_before(cuts[0].cut_from)
    assert {node.scope[-1] for node in before} == {"t00", "t01", "t02", "t03"}


def test_truncate_backward_cell_keeps_the_first_words():
    x = leaf(X)
    z = RNN(D, H, bidirectional=True, truncate=2)(x)
    z[:, H:].sum().backward()
    assert x.grad[:, :2].all()
    assert not x.grad[:, 2:].any()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("truncate", [0, 2.5])
def test_truncate_takes_a_positive_integer(truncate, fused):
    layer = RNN(D, H, truncate=truncate, fused=fused)
    with pytest.raises(OptionError, match=rf"MG143.*truncated to {truncate} steps"):
        layer(X)


@pytest.mark.parametrize("listed", [False, True])
def test_unroll_with_a_mask_hides_nan(listed):
    cell = in_float64(RNNCell(D, H))
    x = X.copy()
    mask = np.ones((B, T), bool)
    x[:, 1] = np.nan
    mask[:, 1] = False
    steps = [mg.Tensor(x[:, t]) for t in range(T)]
    start = cell.initial_state(B)
    _, found = unroll(cell, steps if listed else x, start, mask=mask)
    _, expected = unroll(cell, np.delete(x, 1, axis=1), start)
    assert_close(found, expected)
    for one, other in zip(
        mg.grad(found.sum(), cell.parameters()),
        mg.grad(expected.sum(), cell.parameters()),
        strict=True,
    ):
        assert_close(one, other)
