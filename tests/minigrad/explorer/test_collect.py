"""What the page is told equals what the engine computed."""

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg

from .explored_graphs import array_at, explored, expression


def test_an_expression_by_hand():
    data = explored(expression()[0])
    slope = 1 - np.tanh(0.5) ** 2
    names = [node.get("gate", node.get("name")) for node in data["nodes"]]
    assert names == ["a", "b", "c", "Hadamard", "AddGate", "Tanh"]
    values, gradients = (
        [array_at(data, node[key]).item() for node in data["nodes"]]
        for key in ("value", "grad")
    )
    assert gradients == pytest.approx(
        [-3 * slope, 2 * slope, slope, slope, slope, 1], rel=1e-6
    )
    assert values[3:] == pytest.approx([-6, 0.5, np.tanh(0.5)])


def test_parts_add_up_to_the_gradient_in_the_order_in_which_they_arrive():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    data = explored((x * 3.0 + x * 4.0).sum())
    sends = [
        sent
        for node in reversed(data["nodes"])
        for sent in node.get("sends", ())
        if sent
    ]
    found = [
        [array_at(data, sent[name])[0] for name in ("part", "sum")] for sent in sends
    ]
    assert found == [[4.0, 4.0], [3.0, 7.0]]  # the newest product first


def test_upstream_is_that_of_the_last_backward_and_grad_that_of_all():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = x * x
    for _ in range(2):
        y.backward([1.0, -1.0])
    data = explored(y)
    np.testing.assert_array_equal(array_at(data, data["nodes"][0]["grad"]), [2.0, -4.0])
    np.testing.assert_array_equal(
        array_at(data, data["nodes"][0]["stored"]), [4.0, -8.0]
    )


def test_a_learner_s_own_gate_keeps_its_rule_whatever_its_name(monkeypatch):
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

    data = explored(mg.tanh(Tanh()(mg.Tensor(2.0, requires_grad=True))))
    own, known = data["nodes"][1:]
    assert own["gate"] == known["gate"] == "Tanh" and "rule" not in known
    assert data["rules"][own["rule"]] == {
        "symbol": "x³",
        "text": "z = x³. dx = 3 x² dz.",
    }
    assert "Tanh" in data["replay"]["why_not"]


def test_names_are_cut_off_and_gates_have_their_settings_and_source_lines():
    with mg.scope("s" * 20_000), mg.trace_lines():
        z = mg.Tensor(np.ones((2, 3)), requires_grad=True, name="x" * 20_000).sum(
            axis=0
        )
    z.backward(np.ones(3))
    leaf, gate = explored(z)["nodes"]
    assert leaf["name"] == "x" * 799 + "…" and gate["scope"] == "s" * 799 + "…"
    assert "axis=0" in gate["settings"] and re.search(
        r"test_collect\.py:\d+$", gate["source"]
    )


def test_attention_shows_its_weights_and_its_whole_rule():
    q = mg.Tensor(np.zeros((3, 1)), requires_grad=True)
    data = explored(mg.scaled_dot_product_attention(q, q, q, causal=True).sum())
    (gate,) = [
        node
        for node in data["nodes"]
        if node.get("gate") == "ScaledDotProductAttention"
    ]
    label, weights = gate["saved"]
    assert label == "A: the attention weights"
    np.testing.assert_allclose(array_at(data, weights), np.tri(3) / [[1], [2], [3]])
    rule = data["rules"]["ScaledDotProductAttention"]["text"]
    assert "dv = Aᵀ @ dz" in rule and "…" not in rule and "mg.unfuse" in rule


def test_only_the_arrays_of_windows_have_pixels():
    x = mg.Tensor(np.arange(72.0).reshape(2, 1, 6, 6), requires_grad=True)
    W = mg.Tensor(np.ones((1, 1, 1, 1)), requires_grad=True)
    stride: Any = np.int64(1)  # which JSON does not know
    z = mg.max_pool(mg.conv(x, W), (2, 2), stride) * mg.Tensor(np.ones((2, 1, 5, 5)))
    data = explored((z**2).sum())
    shown = {
        node.get("gate", node["kind"]): "pixels" in data["arrays"][node["value"]]
        for node in data["nodes"]
        if np.prod(data["arrays"][node["value"]]["shape"]) > 64
    }
    assert shown == {
        "parameter": True,
        "Convolve": True,
    }  # the arrays of MaxPool are smaller
    windows = {
        node["gate"]: node["window"] for node in data["nodes"] if "window" in node
    }
    assert windows == {
        "Convolve": {"stride": 1},
        "MaxPool": {"size": [2, 2], "stride": 1},
    }
