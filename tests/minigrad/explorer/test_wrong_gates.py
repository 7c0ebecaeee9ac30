"""A page with a report: the wrong gate has the gradient that its forward pass asks for."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.explorer import wrong_gates

from .explored_graphs import array_at, explored


class Squash(mg.Gate):
    """z = tanh(x), with a rule that takes x for z."""

    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, z, x):
        return (dz * (1 - x * x),)


def squashed(x):
    return (2.0 * Squash()(x)).sum()


def measured(f, x):
    """The measured gradients on the page of f(x) with the report of its check, by gate."""
    data = explored(f(x), report=mg.gradcheck(f, x))
    found = [node for node in data["nodes"] if "measured" in node]
    return {node["gate"]: array_at(data, node["measured"][0]) for node in found}


def test_a_wrong_gate_has_the_measured_gradient(monkeypatch):
    x = mg.Tensor(np.array([0.5, -1.0, 2.0]), requires_grad=True)
    right = pytest.approx(2 / np.cosh(x.array) ** 2, rel=1e-6)
    assert measured(squashed, x) == {"Squash": right}
    assert measured(lambda x: mg.tanh(x).sum(), x) == {}
    monkeypatch.setattr(wrong_gates, "MOST_ELEMENTS", 2)
    assert measured(squashed, x) == {}
