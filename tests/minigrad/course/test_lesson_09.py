"""Lesson 9's solution against the layer RNN, and against what the digit cell must remember."""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN
from minigrad.course.lessons.lesson_09_unrolling import solution


@pytest.mark.parametrize(("T", "B", "D", "H"), [(1, 2, 3, 4), (12, 3, 2, 5)])
def test_rnn_is_the_layer(T, B, D, H):
    layer, xs = RNN(D, H), np.random.default_rng(T).normal(size=(T, B, D))
    parameters = list(layer.named_parameters().values())
    for parameter in parameters:
        parameter.array = parameter.array.astype(np.float64)
    expected = layer(mg.Tensor(xs.transpose(1, 0, 2)))
    found = solution.rnn(
        xs, mg.Tensor(np.zeros((B, H))), layer.cell.W_xh, layer.cell.W_hh, layer.cell.b_h
    )
    gradients, theirs = (mg.grad(output.sum(), parameters) for output in (found, expected))
    for mine, other in zip([found, *gradients], [expected, *theirs], strict=True):
        np.testing.assert_allclose(mine.array, other.array, rtol=0, atol=1e-12)
