"""Statistics and gradients in a picture are the tensor's own, by hand and by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.facts import Gradients, Stats

from .drawn_graphs import dense


def test_gradients_of_gates_and_leaves_by_hand():
    # loss = mean(y^2), y = h W2: dL/dy = 2 y / 2, dL/dh = dy W2', dL/da = dh (1 - h^2).
    loss = dense()
    loss.backward()
    gradients: Any = Gradients(mg.Graph(loss).nodes)
    nodes = {
        node.gate.name if node.gate else node.name: node for node in mg.Graph(loss)
    }
    x, W1, W2 = (
        nodes[name].output.astype(np.float64) for name in ("x", "hidden.W", "head.W")
    )
    h = np.tanh(x @ W1 + nodes["hidden.b"].output)
    dh = h @ W2 @ W2.T
    da = dh * (1 - h**2)
    expected = {
        "Mean": 1.0,
        "Tanh": dh,
        "AddGate": da,
        "hidden.b": da.sum(axis=0),
        "hidden.W": x.T @ da,
    }
    for name, gradient in expected.items():
        norm = pytest.approx(np.linalg.norm(gradient), rel=1e-5)
        assert gradients.of(nodes[name]).norm == norm, name
    assert gradients.of(nodes["x"]) is None  # it wants none


def test_two_backward_calls_add_up_everywhere():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    h = x * 7.0
    outputs = [(h * 2.0).sum(), (h * 3.0).sum()]
    for output in outputs:
        output.backward()
    gradients: Any = Gradients(mg.Graph(outputs).nodes)
    for node, expected in ((h.node, [5.0, 5.0]), (x.node, [35.0, 35.0])):
        assert gradients.of(node).small == pytest.approx(expected)
    assert gradients.along(h.node, 0) == pytest.approx(np.linalg.norm([35.0, 35.0]))


def test_stats_leave_out_what_is_not_finite():
    broken = Stats.of(np.array([1.0, np.nan, np.inf, 3.0]))
    assert (broken.low, broken.high, broken.mean, broken.broken) == (1.0, 3.0, 2.0, 2)
    nothing = Stats.of(np.zeros((0, 3)))
    assert nothing.norm == 0.0 and np.isnan(nothing.low)
