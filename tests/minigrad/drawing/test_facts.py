"""Statistics and gradients in a picture, by hand and by NumPy."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.linalg import norm

import minigrad as mg
from minigrad.drawing.facts import Gradients, Stats
from tests.blocks import parameter

from .drawn_graphs import dense


def test_gradients_of_gates_and_leaves_by_hand():
    loss = dense()
    loss.backward()
    graph = mg.Graph(loss)
    gradients = Gradients(graph.nodes)
    norms = {}
    arrays = {}
    for node in graph:
        name = node.gate.name if node.gate else node.name
        arrays[name] = node.output.astype(float)
        stats = gradients.of(node)
        norms[name] = stats and stats.norm
    h = arrays["Tanh"]
    W2 = arrays["head.W"]
    # loss = mean(y^2), y = h W2: dL/dy = 2 y / 2, dL/dh = dy W2', dL/da = dh (1 - h^2).
    dh = h @ W2 @ W2.T
    da = dh * (1 - h**2)
    expected = {
        "Mean": 1,
        "Tanh": norm(dh),
        "AddGate": norm(da),
        "hidden.b": norm(da.sum(axis=0)),
        "hidden.W": norm(arrays["x"].T @ da),
    }
    for name, figure in expected.items():
        assert norms[name] == pytest.approx(figure, rel=1e-5), name
    assert norms["x"] is None  # it wants none


def test_gradients_of_two_backward_calls_add_up():
    x = parameter([1.0, 2.0], "x")
    h = x * 7.0
    outputs = [(h * 2.0).sum(), (h * 3.0).sum()]
    for output in outputs:
        output.backward()
    gradients: Any = Gradients(mg.Graph(outputs).nodes)
    assert gradients.of(h.node).small.tolist() == [5, 5]
    assert gradients.of(x.node).small.tolist() == [35, 35]
    along = gradients.along(h.node, 0)
    assert along == pytest.approx(norm([35, 35]))


def test_stats_leave_out_nan_and_infinity():
    array = np.array([1.0, np.nan, np.inf, 3.0])
    stats = Stats.of(array)
    assert stats.low == 1
    assert stats.high == 3
    assert stats.mean == 2
    assert stats.broken == 2


@pytest.mark.parametrize("size", [3, 8, 100])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_stats_of_a_mask_do_not_overflow(size, kind):
    lowest = np.finfo(kind).min
    with np.errstate(over="raise"):
        stats = Stats.of(np.full(size, lowest))
    assert stats.mean == pytest.approx(float(lowest))
    assert stats.norm == pytest.approx(size**0.5 * abs(float(lowest)))
    one = Stats.of(np.array([0.0, -1e300, 1e-300]))
    assert one.norm == 1e300
    assert one.mean == pytest.approx(-1e300 / 3)


def test_stats_of_empty_array():
    stats = Stats.of(np.zeros((0, 3)))
    assert stats.norm == 0
    assert np.isnan(stats.low)


def test_threads_can_wait_for_each_other_in_their_rules():
    """As ranks that sum their gradients do, each of which draws its own graph."""
    met = threading.Barrier(2, timeout=10)

    class Meeting(mg.Gate):
        def forward(self, x):
            return x * 1.0

        def backward(self, dz, z, x):
            met.wait()
            return (dz,)

    def norm_of_h(_):
        x = parameter([3.0, 4.0], "x")
        h = x * 2.0
        z = Meeting()(h).sum()
        z.backward()
        stats = Gradients(mg.Graph(z).nodes).of(h.node)
        return stats and stats.norm

    with ThreadPoolExecutor(2) as pool:
        norms = list(pool.map(norm_of_h, range(2)))
    assert norms == pytest.approx([2**0.5] * 2)
