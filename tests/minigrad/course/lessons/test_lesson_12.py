"""Lesson 12: its network against the layer RNN, and its loops against NumPy."""

import operator

import numpy as np
import pytest

import minigrad as mg
from layers import RNN
from minigrad.course.lessons.lesson_12_unrolling import solution

from ..conftest import alike, normal


@pytest.mark.parametrize(
    ("T", "B", "D", "H"),
    [(1, 2, 3, 4), (12, 3, 2, 5)],
)
def test_rnn_is_the_layer(T, B, D, H):
    layer, (xs,) = RNN(D, H), normal((T, B, D))
    parameters = list(layer.named_parameters().values())
    for one in parameters:
        one.array = one.array.astype(float)
    cell, h0 = layer.cell, mg.Tensor(np.zeros((B, H)))
    mine = solution.rnn(xs, h0, cell.W_xh, cell.W_hh, cell.b_h)
    theirs = layer(mg.Tensor(xs.transpose(1, 0, 2)))
    alike(mine, theirs)
    alike(
        mg.grad(mine.sum(), parameters),
        mg.grad(theirs.sum(), parameters),
    )


def test_unroll_deep_sums_sums():
    found = solution.unroll_deep(
        [operator.add] * 2,
        [4, 0, 7, 1],
        [0, 100],
    )
    assert found == [104, 108, 119, 131]


def test_both_ways_sums_from_both_ends():
    found = solution.both_ways(operator.add, [4, 0, 7, 1], 0)
    assert found == [
        (4, 12),
        (4, 8),
        (11, 8),
        (12, 1),
    ]
