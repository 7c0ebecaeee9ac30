"""Lesson 11: its gradients of a table against the engine's."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_11_words import solution

from ..conftest import alike, engine, normal


@pytest.mark.parametrize(
    "ids",
    [
        [3],
        [0, 6, 2],
        [5, 1, 5, 5, 0, 1],
    ],
)
def test_lookup_backward_is_the_engines(ids):
    (table,) = normal((7, 4))
    dz, rows, gradients = engine(
        lambda table: mg.lookup(table, ids),
        table,
    )
    gradient = gradients[0].array
    ids = np.array(ids)
    alike(solution.lookup(table, ids), rows)
    alike(solution.lookup_backward(dz, ids, 7), gradient)
    alike(solution.one_hot(ids, 7).T @ dz, gradient)
    words, rows = solution.sparse_gradient(dz, ids)
    assert words.tolist() == sorted({*ids})
    alike(rows, gradient[words])
    assert solution.unseen(
        ids,
        7,
    ) == sorted({*range(7)} - {*ids})


def test_average_backward_of_looked_up_rows_is_the_engines():
    ids = np.array([[5, 1, 5], [0, 1, 2]])
    dz, _, gradients = engine(
        lambda table: mg.lookup(table, ids).mean(axis=1),
        *normal((7, 4)),
    )
    alike([solution.average_backward(dz, ids, 7)], gradients)
