"""Lesson 8's gradient of the table against the engine's."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_08_words import solution

from .conftest import alike, engine


@pytest.mark.parametrize("ids", [[3], [0, 6, 2], [5, 1, 5, 5, 0, 1]])
def test_the_gradient_is_the_engines(ids):
    rng = np.random.default_rng(0)
    table, dz = rng.normal(size=(7, 4)), rng.normal(size=(len(ids), 4))
    rows, (gradient,) = engine(lambda table: mg.lookup(table, ids), dz, table)
    found = solution.lookup_backward(dz, np.array(ids), 7)
    alike([solution.lookup(table, ids), found], [rows, gradient])
    alike([solution.one_hot(np.array(ids), 7).T @ dz], [gradient])
    assert solution.unseen(np.array(ids), 7) == sorted(set(range(7)) - set(ids))
