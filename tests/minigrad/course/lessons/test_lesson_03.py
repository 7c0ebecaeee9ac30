"""Lesson 3: its gates against the engine's."""

import operator

import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_03_gates import solution

from ..conftest import alike, engine, normal


@pytest.mark.parametrize(
    ("gate", "function", "shapes"),
    [
        (
            solution.Multiply(),
            operator.mul,
            [(2, 3)] * 2,
        ),
        (solution.Tanh(), mg.tanh, [(2, 3)]),
        (solution.Exp(), mg.exp, [(2, 3)]),
    ],
)
def test_gates_are_the_engines(gate, function, shapes):
    arrays = normal(*shapes)
    dz, z, gradients = engine(function, *arrays)
    alike(gate.forward(*arrays), z)
    alike(gate.backward(dz, z.array, *arrays), gradients)
