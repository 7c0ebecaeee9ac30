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


def test_average_backward_of_looked_up_rows_is_the_engines():
    ids = np.array([[5, 1, 5], [0, 1, 2]])
    dz, _, gradients = engine(
        lambda table: mg.lookup(table, ids).mean(axis=1),
        *normal((7, 4)),
    )
    alike([solution.average_backward(dz, ids, 7)], gradients)


TEXTS = ["good film good", "not bad", "not a good film"]


def test_vocabulary_and_encode_are_as_the_text_says():
    numbers = solution.vocabulary(TEXTS, 6)
    assert numbers == {"good": 2, "film": 3, "not": 4, "a": 5}
    ids = solution.encode(
        ["good film good", "the film was not bad"],
        numbers,
        4,
    )
    alike(ids, np.array([[0, 2, 3, 2], [3, 1, 4, 1]]))


@pytest.mark.parametrize("V", [2, 3, 7, 50])
def test_vocabulary_has_no_word_that_is_rarer_than_one_left_out(V):
    words = " ".join(TEXTS).split()
    numbers = solution.vocabulary(TEXTS, V)
    assert list(numbers.values()) == list(range(2, min(V, 7)))
    left = {*words} - {*numbers}
    rarest = min(map(words.count, numbers), default=99)
    assert all(words.count(word) <= rarest for word in left)
