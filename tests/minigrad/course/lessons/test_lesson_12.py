"""Lesson 12's solution against the layer RNN."""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN
from minigrad.course.lessons.lesson_12_unrolling import solution

from ..conftest import alike


@pytest.mark.parametrize(("T", "B", "D", "H"), [(1, 2, 3, 4), (12, 3, 2, 5)])
def test_rnn_is_the_layer(T, B, D, H):
    layer, xs = RNN(D, H), np.random.default_rng(T).normal(size=(T, B, D))
    parameters = list(layer.named_parameters().values())
    for parameter in parameters:
        parameter.array = parameter.array.astype(np.float64)
    cell, h0 = layer.cell, mg.Tensor(np.zeros((B, H)))
    expected = layer(mg.Tensor(xs.transpose(1, 0, 2)))
    found = solution.rnn(xs, h0, cell.W_xh, cell.W_hh, cell.b_h)
    alike([found.array], [expected.array])
    mine, theirs = (mg.grad(output.sum(), parameters) for output in (found, expected))
    alike([one.array for one in mine], [one.array for one in theirs])


def test_running_sums_are_numpys():
    def add(x, h):
        return h + x

    xs = [4, 0, 7, 1]
    assert (
        solution.unroll_deep([add, add], xs, [0, 100])
        == (100 + np.cumsum(np.cumsum(xs))).tolist()
    )
    back = np.cumsum(xs[::-1])[::-1]
    assert solution.both_ways(add, xs, 0) == list(zip(np.cumsum(xs), back, strict=True))
