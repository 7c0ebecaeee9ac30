"""Lesson 16: its cells against those of layers, and what a memory keeps against closed forms."""

import numpy as np
import pytest

import layers
import minigrad as mg
from minigrad.course.lessons.lesson_16_remembering import solution

from ..conftest import alike, normal


@pytest.mark.parametrize("kind", ["GRUCell", "LSTMCell"])
def test_cells_are_those_of_layers(kind):
    mine, theirs = (getattr(module, kind)(3, 4) for module in (solution, layers))
    parameters = mine.named_parameters(), theirs.named_parameters()
    (xs,) = normal((2, 7, 3))
    for tensor in parameters[0].values():
        (tensor.array,) = normal(tensor.shape)
    for name, tensor in parameters[1].items():
        tensor.array = parameters[0].pop(name).array
    assert not parameters[0]
    found, expected = (
        layers.unroll(cell, mg.Tensor(xs), cell.initial_state(2))[0][-1] for cell in (mine, theirs)
    )
    alike(found, expected)


def test_memory_left_is_the_cells_state_and_gradient():
    # All weights 0 and the input gate shut: c_n = σ(bias)^n c_0, and dc_n/dc_0 is the same number.
    cell = solution.LSTMCell(1, 2)
    for tensor in (cell.W_xh, cell.W_hh):
        tensor.array = np.zeros(tensor.shape)
    cell.b.array = solution.first_bias(2, 1.0) + np.repeat(
        [-1e3, 0.0],
        [2, 6],
    )
    c0 = mg.Tensor(
        np.ones((1, 2)),
        requires_grad=True,
    )
    xs, h0 = mg.Tensor(np.ones((1, 10, 1))), mg.Tensor(np.zeros((1, 2)))
    _, (_, c) = layers.unroll(
        cell,
        xs,
        (h0, c0),
    )
    left = np.full(
        (1, 2),
        solution.memory_left(1.0, 10),
    )
    alike(
        [
            c,
            *mg.grad(c.sum(), [c0]),
        ],
        [left, left],
    )


def test_bias_needed_leaves_the_share():
    bias = solution.bias_needed(0.6, 39)
    alike(solution.memory_left(bias, 39), 0.6)


def test_shares_are_those_of_a_loop():
    f, i, g = np.random.default_rng(0).uniform(size=(3, 7))
    c = 0.0
    for t in range(7):
        c = f[t] * c + i[t] * g[t]
    alike(solution.shares(f, i) @ g, c)
