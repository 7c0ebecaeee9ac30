"""Lesson 13's solution against the cells of layers, and what a memory does."""

import numpy as np
import pytest

import layers
import minigrad as mg
from minigrad.course.lessons.lesson_13_remembering import solution

rng = np.random.default_rng(13)


@pytest.mark.parametrize("kind", ["GRUCell", "LSTMCell"])
def test_the_cells_are_those_of_layers(kind):
    cells = getattr(solution, kind)(3, 4), getattr(layers, kind)(3, 4)
    mine, theirs = (cell.named_parameters() for cell in cells)
    assert {name: one.shape for name, one in mine.items()} == {
        name: one.shape for name, one in theirs.items()
    }
    for name, tensor in mine.items():
        tensor.array = theirs[name].array = rng.normal(size=tensor.shape)
    xs = mg.Tensor(rng.normal(size=(2, 7, 3)))
    outputs = [layers.unroll(cell, xs, cell.initial_state(2))[0][-1] for cell in cells]
    gradients = [
        mg.grad((h * h).sum(), [cell.W_hh])[0] for h, cell in zip(outputs, cells, strict=True)
    ]
    for found, expected in (outputs, gradients):
        np.testing.assert_allclose(found.array, expected.array, rtol=1e-10)


def test_the_memory_fades_as_predicted():
    # All weights 0 and the input gate shut: c_n = σ(bias)^n c_0, and dc_n/dc_0 is the same number.
    cell = solution.LSTMCell(1, 2)
    for tensor in (cell.W_xh, cell.W_hh):
        tensor.array = np.zeros(tensor.shape)
    cell.b.array = solution.first_bias(2, 1.0) + np.array([-1e3] * 2 + [0.0] * 6)
    c0 = mg.Tensor(np.array([[3.0, -2.0]]), requires_grad=True)
    _, (_, c) = layers.unroll(
        cell, mg.Tensor(np.ones((1, 10, 1))), (mg.Tensor(np.zeros((1, 2))), c0)
    )
    left = solution.memory_left(1.0, 10)
    np.testing.assert_allclose(c.array, c0.array * left)
    c.sum().backward()
    assert c0.grad is not None
    np.testing.assert_allclose(c0.grad, left)
