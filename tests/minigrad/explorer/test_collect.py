"""What the page is told equals what the engine computed."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OptionError
from minigrad.explorer import collect as collecting

from .explored_graphs import array_at, explored, expression


def test_an_expression_by_hand() -> None:
    data = explored(expression()[0])
    slope = 1 - np.tanh(0.5) ** 2
    names = [node.get("gate", node.get("name")) for node in data["nodes"]]
    assert names == ["a", "b", "c", "Hadamard", "AddGate", "Tanh"]
    found = [array_at(data, node["grad"]).item() for node in data["nodes"]]
    assert found == pytest.approx([-3 * slope, 2 * slope, slope, slope, slope, 1], rel=1e-6)
    values = [array_at(data, node["value"]).item() for node in data["nodes"]]
    assert values[3:] == pytest.approx([-6, 0.5, np.tanh(0.5)])


def test_parts_add_up_to_the_gradient_in_the_order_in_which_they_arrive() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    data = explored((x * 3.0 + x * 4.0).sum())
    sends = [sent for node in data["nodes"] for sent in node.get("sends", ()) if sent]
    found = [
        [array_at(data, sent[name])[0] for name in ("part", "sum")] for sent in reversed(sends)
    ]
    assert found == [[4.0, 4.0], [3.0, 7.0]]  # the newest product first


def test_upstream_is_that_of_the_last_backward_and_grad_that_of_all() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = x * x
    y.backward([1.0, -1.0])
    y.backward([1.0, -1.0])
    data = explored(y)
    np.testing.assert_array_equal(array_at(data, data["nodes"][0]["grad"]), [2.0, -4.0])
    np.testing.assert_array_equal(array_at(data, data["nodes"][0]["stored"]), [4.0, -8.0])


def test_a_large_graph_is_told_more_briefly() -> None:
    z = x = mg.Tensor(np.linspace(0.1, 0.9, 9), requires_grad=True, name="x")
    few = mg.Tensor(np.linspace(0.1, 0.8, 8), requires_grad=True, name="few")
    for count, brief in ((1, False), (2000, True)):
        for _ in range(count):
            z = mg.tanh(z)
        data = explored(z.sum() + few.sum())
        assert bool(data["notes"]) == brief
        values = {node.get("name"): data["arrays"][node["value"]] for node in data["nodes"]}
        assert "values" in values["few"] and ("values" in values["x"]) != brief
    assert values["x"]["norm"] == pytest.approx(np.linalg.norm(x.array), rel=1e-6)


def test_a_graph_too_large_for_a_page_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(collecting, "LARGEST", 20)
    monkeypatch.setattr(
        collecting, "sweep", lambda *_, **__: pytest.fail("it was computed all the same")
    )
    z = mg.Tensor(1.0, requires_grad=True)
    for _ in range(10):
        z = mg.tanh(z)
    with pytest.raises(OptionError, match="MG807.*11 nodes and 10 lines.*20 in all"):
        mg.explore(z, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_a_learner_s_own_gate_keeps_its_rule_whatever_its_name() -> None:
    class Tanh(mg.Gate):
        """z = x³. dx = 3 x² dz.

        >>> 1 + 1
        2
        """

        symbol = "x³"

        def forward(self, x: Any) -> Any:
            return x * x * x

        def backward(self, dz: Any, z: Any, x: Any) -> tuple[Any]:
            return (3 * x * x * dz,)

    try:
        data = explored(mg.tanh(Tanh()(mg.Tensor(2.0, requires_grad=True))))
    finally:
        mg.GATES["Tanh"] = mg.Tanh
    own, known = data["nodes"][1:]
    assert (own["gate"], known["gate"]) == ("Tanh", "Tanh")
    assert data["rules"][own["rule"]] == {"symbol": "x³", "text": "z = x³. dx = 3 x² dz."}
    assert "rule" not in known
    assert "Tanh" in data["replay"]["why_not"]


def test_names_are_cut_off_and_gates_have_their_settings_and_source_lines() -> None:
    with mg.scope("s" * 20_000), mg.trace_lines():
        z = mg.Tensor(np.ones((2, 3)), requires_grad=True, name="x" * 20_000).sum(axis=0)
    z.backward(np.ones(3))
    leaf, gate = explored(z)["nodes"]
    assert leaf["name"] == "x" * 499 + "…" and gate["scope"] == "s" * 499 + "…"
    assert "axis=0" in gate["settings"] and re.search(r"test_collect\.py:\d+$", gate["source"])
