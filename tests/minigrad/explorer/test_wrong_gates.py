"""`explore(report=...)`: a wrong gate has the gradient of its forward pass."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.explorer import wrong_gates
from tests.blocks import parameter

from .explored_graphs import array_at, explored


class Squash(mg.Gate):
    """z = tanh(x), with a rule that takes x for z."""

    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, z, x):
        return (dz * (1 - x * x),)


def squashed(x):
    z = Squash()(x)
    return (2.0 * z).sum()


def right(x):
    return mg.tanh(x).sum()


@pytest.fixture
def x():
    return parameter(np.array([0.5, -1.0, 2.0]), "x")


def measured(f, x):
    """The measured gradients on the page of f(x) with the report of its check, by gate."""
    data = explored(f(x), report=mg.gradcheck(f, x))
    gradients = {}
    for node in data["nodes"]:
        if "measured" in node:
            gradients[node["gate"]] = array_at(data, *node["measured"])
    return gradients


def test_wrong_gate_has_measured_gradient(x):
    gradients = measured(squashed, x)
    assert list(gradients) == ["Squash"]
    slope = 2 / np.cosh(x.array) ** 2
    np.testing.assert_allclose(gradients["Squash"], slope, rtol=1e-6)


def test_right_gate_is_not_measured(x):
    assert measured(right, x) == {}


def test_large_input_is_not_measured(x, monkeypatch):
    monkeypatch.setattr(wrong_gates, "MOST_ELEMENTS", 2)
    assert measured(squashed, x) == {}
