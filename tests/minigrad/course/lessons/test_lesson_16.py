"""Lesson 16's solution against the cells of layers, and what a memory does."""

import numpy as np
import pytest

import layers
import minigrad as mg
from minigrad.course.lessons.lesson_16_remembering import solution

from ..conftest import alike

rng = np.random.default_rng(13)


@pytest.mark.parametrize("kind", ["GRUCell", "LSTMCell"])
def test_the_cells_are_those_of_layers(kind):
    cells = getattr(solution, kind)(3, 4), getattr(layers, kind)(3, 4)
    mine, theirs = (cell.named_parameters() for cell in cells)
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        assert tensor.shape == theirs[name].shape
        tensor.array = theirs[name].array = rng.normal(size=tensor.shape)
    xs = mg.Tensor(rng.normal(size=(2, 7, 3)))
    results = []
    for cell in cells:
        h = layers.unroll(cell, xs, cell.initial_state(2))[0][-1]
        results.append([h.array, mg.grad((h * h).sum(), [cell.W_hh])[0].array])
    found, expected = results
    alike(found, expected, 1e-10)


def test_the_memory_fades_as_predicted():
    # All weights 0 and the input gate shut: c_n = σ(bias)^n c_0, and dc_n/dc_0 is the same number.
    cell = solution.LSTMCell(1, 2)
    for tensor in (cell.W_xh, cell.W_hh):
        tensor.array = np.zeros(tensor.shape)
    cell.b.array = solution.first_bias(2, 1.0) + np.array([-1e3] * 2 + [0.0] * 6)
    c0 = mg.Tensor(np.array([[3.0, -2.0]]), requires_grad=True)
    xs, h0 = mg.Tensor(np.ones((1, 10, 1))), mg.Tensor(np.zeros((1, 2)))
    _, (_, c) = layers.unroll(cell, xs, (h0, c0))
    left = solution.memory_left(1.0, 10)
    (slope,) = mg.grad(c.sum(), [c0])
    alike([c.array / c0.array, slope.array], [np.full((1, 2), left)] * 2)


def test_the_stretch_tasks_agree_with_a_loop():
    assert solution.memory_left(solution.bias_needed(0.6, 39), 39) == pytest.approx(0.6)
    f, i, g = rng.uniform(size=(3, 7))
    c = 0.0
    for t in range(7):
        c = f[t] * c + i[t] * g[t]
    assert np.dot(solution.shares(f, i), g) == pytest.approx(c)
