"""Lesson 3's gates against finite differences, closed forms, and the engine's own gates."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_03_gates import solution

GATES = [(solution.Multiply(), 2, np.multiply), (solution.Tanh(), 1, np.tanh), (solution.Exp(), 1, np.exp)]


@pytest.mark.parametrize(("gate", "inputs", "function"), GATES, ids=lambda value: getattr(value, "name", ""))
def test_a_gate_sends_what_differences_measure(gate, inputs, function):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(2, 3)) for _ in range(inputs)]
    dz, h = rng.normal(size=(2, 3)), 1e-6
    assert gate.forward(*arrays) == pytest.approx(function(*arrays), abs=1e-15)
    found = gate.backward(dz, function(*arrays), *arrays)
    assert len(found) == inputs
    for place in range(inputs):
        up = [array + h * (i == place) for i, array in enumerate(arrays)]
        down = [array - h * (i == place) for i, array in enumerate(arrays)]
        assert found[place] == pytest.approx(dz * (function(*up) - function(*down)) / (2 * h), abs=1e-8)


def test_the_gates_work_in_a_graph():
    a, b = mg.Tensor([2.0, -1.0], requires_grad=True), mg.Tensor([0.25, 0.5], requires_grad=True)
    loss = solution.Exp()(solution.Tanh()(solution.Multiply()(a, b))).sum()
    loss.backward()
    tanh = np.tanh([0.5, -0.5])
    assert a.grad == pytest.approx(np.exp(tanh) * (1 - tanh**2) * [0.25, 0.5], rel=1e-6)
    assert b.grad == pytest.approx(np.exp(tanh) * (1 - tanh**2) * [2.0, -1.0], rel=1e-6)
