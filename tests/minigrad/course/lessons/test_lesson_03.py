"""Lesson 3's gates against the engine."""

import operator

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_03_gates import solution

from ..conftest import alike, engine

GATES = [
    (solution.Multiply(), 2, operator.mul),
    (solution.Tanh(), 1, mg.tanh),
    (solution.Exp(), 1, mg.exp),
]


@pytest.mark.parametrize(("gate", "inputs", "function"), GATES)
def test_a_gate_is_the_engines(gate, inputs, function):
    dz, *arrays = np.random.default_rng(0).normal(size=(inputs + 1, 2, 3))
    z, gradients = engine(function, dz, *arrays)
    alike([gate.forward(*arrays), *gate.backward(dz, z, *arrays)], [z, *gradients])
