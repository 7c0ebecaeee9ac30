"""Lesson 8's gradient of the table against the engine's, against differences, and against the one-hot product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.course.lessons.lesson_08_words import solution


@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_gradient_is_the_engines(ids, D, seed):
    rng = np.random.default_rng(seed)
    words, dz = np.array(ids), rng.normal(size=(len(ids), D))
    table = mg.Tensor(rng.normal(size=(7, D)), requires_grad=True)
    rows = mg.lookup(table, words)
    np.testing.assert_array_equal(solution.lookup(table.array, words), rows.array)
    rows.backward(dz)
    found = solution.lookup_backward(dz, words, 7)
    assert table.grad is not None
    np.testing.assert_allclose(found, table.grad, atol=1e-12)
    np.testing.assert_allclose(found, solution.one_hot(words, 7).T @ dz, atol=1e-12)
    assert solution.unseen(words, 7) == np.flatnonzero(~np.isin(np.arange(7), words)).tolist()


def test_a_row_moves_the_loss_as_its_gradient_says():
    rng = np.random.default_rng(0)
    table, ids, dz = rng.normal(size=(6, 2)), np.array([[3, 1, 3], [0, 3, 5]]), rng.normal(size=(2, 3, 2))
    gradient = solution.lookup_backward(dz, ids, 6)
    for place in np.ndindex(table.shape):
        nudged = table.copy()
        nudged[place] += 1e-5
        slope = ((solution.lookup(nudged, ids) - solution.lookup(table, ids)) * dz).sum() / 1e-5
        assert gradient[place] == pytest.approx(slope, abs=1e-8)
