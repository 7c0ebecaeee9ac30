"""Lesson 13's solution against the cells of layers, and what a memory does."""

import numpy as np
import pytest

import layers
import minigrad as mg
from minigrad.course.lessons.lesson_13_remembering import solution

rng = np.random.default_rng(13)


def copied(kind):
    """The lesson's cell and that of layers, with the same random parameters in float64."""
    mine, theirs = getattr(solution, kind)(3, 4), getattr(layers, kind)(3, 4)
    assert list(mine.named_parameters()) == list(theirs.named_parameters())
    for a, b in zip(mine.named_parameters().values(), theirs.named_parameters().values(), strict=True):
        assert a.shape == b.shape
        a.array = b.array = rng.normal(size=a.shape)
    return mine, theirs


@pytest.mark.parametrize("kind", ["GRUCell", "LSTMCell"])
def test_the_cells_are_those_of_layers(kind):
    mine, theirs = copied(kind)
    xs = mg.Tensor(rng.normal(size=(2, 7, 3)))
    found = [layers.unroll(cell, xs, cell.initial_state(2))[0][-1] for cell in (mine, theirs)]
    np.testing.assert_allclose(found[0].array, found[1].array, rtol=1e-12)
    for cell, output in zip((mine, theirs), found, strict=True):
        (output * output).sum().backward()
        assert cell.W_hh.grad is not None
    np.testing.assert_allclose(mine.W_hh.grad, theirs.W_hh.grad, rtol=1e-10)


def test_the_memory_fades_as_predicted():
    # All weights 0 and the input gate shut: c_n = σ(bias)^n c_0, and dc_n/dc_0 is the same number.
    cell = solution.LSTMCell(1, 2)
    for tensor in (cell.W_xh, cell.W_hh):
        tensor.array = np.zeros(tensor.shape)
    cell.b.array = solution.first_bias(2, 1.0) + np.array([-1e3] * 2 + [0.0] * 6)
    c0 = mg.Tensor(np.array([[3.0, -2.0]]), requires_grad=True)
    _, (_, c) = layers.unroll(cell, mg.Tensor(np.ones((1, 10, 1))), (mg.Tensor(np.zeros((1, 2))), c0))
    left = solution.memory_left(1.0, 10)
    np.testing.assert_allclose(c.array, c0.array * left)
    c.sum().backward()
    assert c0.grad is not None
    np.testing.assert_allclose(c0.grad, left)
