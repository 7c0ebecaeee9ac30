"""Lesson 3's gates against finite differences."""

import numpy as np
import pytest

from minigrad.course.lessons.lesson_03_gates import solution

GATES = [
    (solution.Multiply(), 2, np.multiply),
    (solution.Tanh(), 1, np.tanh),
    (solution.Exp(), 1, np.exp),
]


@pytest.mark.parametrize(("gate", "inputs", "function"), GATES)
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
        assert found[place] == pytest.approx(
            dz * (function(*up) - function(*down)) / (2 * h), abs=1e-8
        )
