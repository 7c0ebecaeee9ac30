"""A page with a report: the convicted gate has the gradient that its forward pass asks for."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OptionError
from minigrad.explorer import convict

from .explored_graphs import array_at, explored


class Squash(mg.Gate):
    """z = tanh(x), with a rule that takes x for z."""

    def forward(self, x: Any) -> Any:
        return np.tanh(x)

    def backward(self, dz: Any, z: Any, x: Any) -> tuple[Any]:
        return (dz * (1 - x * x),)


def squashed(x: Any) -> Any:
    return (2.0 * Squash()(x)).sum()


def test_a_convicted_gate_has_the_measured_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.array([0.5, -1.0, 2.0])
    x = mg.Tensor(values, requires_grad=True)
    report = mg.gradcheck(squashed, x)
    data = explored(squashed(x), report=report)
    (wrong,) = [node for node in data["nodes"] if "measured" in node]
    assert wrong["gate"] == "Squash"
    assert array_at(data, wrong["measured"][0]) == pytest.approx(2 / np.cosh(values) ** 2, rel=1e-6)
    monkeypatch.setattr(convict, "MOST_ELEMENTS", 2)
    assert not any("measured" in node for node in explored(squashed(x), report=report)["nodes"])


@pytest.mark.parametrize("report", ["a report", mg.gradcheck(squashed, np.array([0.5]))])
def test_only_a_report_of_this_graph_marks_gates(report: Any) -> None:
    x = mg.Tensor([0.5], requires_grad=True)
    right = mg.gradcheck(lambda x: mg.tanh(x).sum(), x)
    assert not any("measured" in node for node in explored(mg.tanh(x).sum(), report=right)["nodes"])
    with pytest.raises(OptionError, match="MG808"):
        mg.explore(mg.tanh(x).sum(), report=report)
