"""unroll: the gates it records, truncate, and masks."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, RNN, RNNCell, unroll
from minigrad import graph
from minigrad.context import scope_label

from .helpers import (
    assert_close,
    fused_or_not,
    in_float64,
    kinds,
    leaf,
    normal,
    raises,
    rnn_contributions,
)

B, T, D, H = 3, 7, 4, 5
X = normal(B, T, D, seed=1)
SEED = normal(B, H, seed=2)


def gates_before(node):
    nodes = graph.ancestors([node])
    return [node for node in nodes if node.gate]


@pytest.mark.parametrize("has_gradient", [False, True])
def test_unroll_records_the_gates_of_each_step(has_gradient):
    x = mg.Tensor(np.ones((2, 101, D)))
    x.requires_grad = has_gradient
    nodes = gates_before(RNN(D, H)(x).node)
    expected = {
        "MultiplyGate": 202,
        "AddGate": 202,
        "Tanh": 101,
    }
    if has_gradient:
        expected["Slice"] = 101
    assert Counter(node.gate.name for node in nodes) == expected
    scopes = {("rnn", f"t{t:03d}") for t in range(101)}
    assert {node.scope for node in nodes} == scopes


@pytest.mark.parametrize("k", range(1, T + 2))
def test_truncate_keeps_the_last_k_contributions(k):
    layer = in_float64(RNN(D, H))
    whole = layer(X)
    layer.truncate = k
    x = leaf(X)
    z = layer(x)
    assert_close(z, whole, 0)  # the value stays
    z.backward(SEED)
    truth = rnn_contributions(layer, X, SEED)
    dx = truth.pop("x")
    dx[:-k] = 0
    assert_close(x.grad.swapaxes(0, 1), dx)
    assert np.count_nonzero(x.grad) == np.count_nonzero(dx)
    parameters = layer.cell.named_parameters()
    for name, steps in truth.items():
        expected = steps[-k:].sum(axis=0)
        assert_close(parameters[name].grad, expected)


@kinds
def test_truncate_records_where_it_cuts(kind):
    z = kind(D, H, truncate=3)(X)
    nodes = graph.ancestors([z.node])
    cuts: list[Any] = [node for node in nodes if getattr(node, "cut_from", None)]
    assert len(cuts) == (2 if kind is LSTM else 1)
    for cut in cuts:
        name = kind.__name__.lower()
        assert scope_label(cut.scope) == f"in {name}/t04"
    before = gates_before(cuts[0].cut_from)
    steps = {node.scope[-1] for node in before}
    assert steps == {"t00", "t01", "t02", "t03"}


def test_truncate_backward_cell_keeps_the_first_words():
    layer = RNN(D, H, bidirectional=True, truncate=2)
    x = leaf(X)
    backward = layer(x)[:, H:]
    backward.sum().backward()
    reached = x.grad.any(axis=(0, 2))
    assert list(reached) == [True] * 2 + [False] * 5


@fused_or_not
@pytest.mark.parametrize("truncate", [0, 2.5])
def test_truncate_takes_a_positive_integer(truncate, fused):
    layer = RNN(D, H, truncate=truncate, fused=fused)
    with raises("MG143", f"truncated to {truncate} steps"):
        layer(X)


@pytest.mark.parametrize("listed", [False, True])
def test_unroll_with_a_mask_hides_nan(listed):
    x = X.copy()
    x[:, 1] = np.nan
    mask = ~np.isnan(x[:, :, 0])
    inputs = x
    if listed:
        inputs = [mg.Tensor(x[:, t]) for t in range(T)]
    cell = in_float64(RNNCell(D, H))
    start = cell.initial_state(B)
    _, found = unroll(cell, inputs, start, mask=mask)
    without = np.delete(x, 1, axis=1)
    _, expected = unroll(cell, without, start)
    assert_close(found, expected)
    parameters = cell.parameters()
    gradients = mg.grad(found.sum(), parameters)
    expected = mg.grad(expected.sum(), parameters)
    assert_close(gradients, expected)
