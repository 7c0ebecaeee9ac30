"""Lesson 11's gradient of the table against the engine's."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_11_words import solution

from ..conftest import alike, engine


@pytest.mark.parametrize("ids", [[3], [0, 6, 2], [5, 1, 5, 5, 0, 1]])
def test_the_gradient_is_the_engines(ids):
    rng = np.random.default_rng(0)
    table, dz = rng.normal(size=(7, 4)), rng.normal(size=(len(ids), 4))
    rows, (gradient,) = engine(lambda table: mg.lookup(table, ids), dz, table)
    found = solution.lookup_backward(dz, np.array(ids), 7)
    alike([solution.lookup(table, ids), found], [rows, gradient])
    alike([solution.one_hot(np.array(ids), 7).T @ dz], [gradient])
    assert solution.unseen(np.array(ids), 7) == sorted(set(range(7)) - set(ids))
    words, rows = solution.sparse_gradient(dz, np.array(ids))
    alike([words, rows], [sorted(set(ids)), gradient[words]])


def test_the_gradient_of_an_average_is_the_engines():
    ids, rng = np.array([[5, 1, 5], [0, 1, 2]]), np.random.default_rng(0)
    dz = rng.normal(size=(2, 4))
    _, (gradient,) = engine(
        lambda W: mg.lookup(W, ids).mean(axis=1), dz, rng.normal(size=(7, 4))
    )
    alike([solution.average_backward(dz, ids, 7)], [gradient])
