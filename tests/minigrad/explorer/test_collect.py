"""The data of a page equals the engine's values and gradients."""

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.blocks import parameter

from .explored_graphs import array_at, array_of, explored, expression, node_of


def test_explore_expression_by_hand():
    z, _ = expression()
    data = explored(z)
    slope = 1 - np.tanh(0.5) ** 2
    expected = {
        "a": -3 * slope,
        "b": 2 * slope,
        "c": slope,
        "Hadamard": slope,
        "AddGate": slope,
        "Tanh": 1,
    }
    assert len(data["nodes"]) == len(expected)
    for name, gradient in expected.items():
        shown = array_of(data, name, "grad")
        assert shown == pytest.approx(gradient, rel=1e-6)
    value = array_of(data, "Tanh", "value")
    assert value == pytest.approx(np.tanh(0.5))


def test_parts_of_gradient_add_up_newest_first():
    x = parameter([1.0, 2.0], "x")
    z = x * 3.0 + x * 4.0
    data = explored(z.sum())
    arrivals = []
    for node in reversed(data["nodes"]):
        sends = node.get("sends", ())
        for sent in filter(None, sends):
            part = array_at(data, sent["part"])
            total = array_at(data, sent["sum"])
            arrivals.append((part[0], total[0]))
    assert arrivals == [(4, 4), (3, 4 + 3)]


def test_grad_is_of_last_backward_and_stored_of_all():
    x = parameter([1.0, 2.0], "x")
    y = x * x
    for _ in range(2):
        y.backward([1.0, -1.0])
    data = explored(y)
    grad = array_of(data, "x", "grad")
    stored = array_of(data, "x", "stored")
    assert grad.tolist() == [2, -4]
    assert stored.tolist() == [4, -8]


def test_own_gate_called_like_another_keeps_its_rule(monkeypatch):
    monkeypatch.setattr(mg.gate, "GATES", {})  # where this one goes

    class Tanh(mg.Gate):
        """z = x³. dx = 3 x² dz.

        >>> 1 + 1
        2
        """

        symbol = "x³"

        def forward(self, x):
            return x * x * x

        def backward(self, dz, z, x):
            return (3 * x * x * dz,)

    z = Tanh()(parameter(2.0, "x"))
    data = explored(mg.tanh(z))
    _, own, known = data["nodes"]
    assert own["gate"] == known["gate"] == "Tanh"
    assert "rule" not in known
    rule = {"symbol": "x³", "text": "z = x³. dx = 3 x² dz."}
    assert data["rules"][own["rule"]] == rule
    assert "Tanh" in data["replay"]["why_not"]


def test_long_names_are_truncated():
    x = parameter(1.0, "x" * 20_000)
    with mg.scope("s" * 20_000):
        z = mg.tanh(x)
    leaf, gate = explored(z)["nodes"]
    assert leaf["name"] == "x" * 799 + "…"
    assert gate["scope"] == "s" * 799 + "…"


def test_gates_have_settings_and_source_lines():
    x = parameter([1.0, 2.0], "x")
    with mg.trace_lines():
        z = x.sum(axis=0)
    gate = node_of(explored(z), "Sum")
    assert "axis=0" in gate["settings"]
    assert re.search(r"test_collect\.py:\d+$", gate["source"])


def test_attention_has_weights_and_whole_rule():
    q = parameter(np.zeros((3, 1)), "q")
    z = mg.scaled_dot_product_attention(q, q, q, causal=True)
    data = explored(z.sum())
    gate = node_of(data, "ScaledDotProductAttention")
    label, weights = gate["saved"]
    assert label == "A: the attention weights"
    visible = np.tri(3)
    shares = visible / visible.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(array_at(data, weights), shares)
    rule = data["rules"]["ScaledDotProductAttention"]["text"]
    assert "dv = Aᵀ @ dz" in rule
    assert "…" not in rule
    assert "mg.unfuse" in rule


def ones(*shape):
    return parameter(np.ones(shape), f"ones of {shape}")


@pytest.fixture
def pooled():
    """The data in the page of a convolution and a pool; tanh is no gate of windows."""
    x = ones(2, 1, 6, 6)
    W = ones(1, 1, 1, 1)
    stride: Any = np.int64(1)  # which JSON does not know
    z = mg.conv(x, W, stride=stride)
    z = mg.max_pool(z, (2, 2), stride)
    large = mg.tanh(ones(8, 9))
    loss = z.sum() + large.sum()
    return explored(loss)


def test_windows_have_size_and_stride(pooled):
    convolve = node_of(pooled, "Convolve")
    pool = node_of(pooled, "MaxPool")
    assert convolve["window"] == {"stride": 1}
    assert pool["window"] == {"size": [2, 2], "stride": 1}


def test_only_arrays_of_windows_have_pixels(pooled):
    with_pixels = set()
    for node in pooled["nodes"]:
        entry = pooled["arrays"][node["value"]]
        name = node.get("gate") or node["name"]
        if "pixels" in entry:
            with_pixels.add(name)
    assert with_pixels == {"ones of (2, 1, 6, 6)", "Convolve"}
