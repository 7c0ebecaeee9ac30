"""Lesson 8's gradient of the table against the engine's, and against the one-hot product."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.course.lessons.lesson_08_words import solution


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=12),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
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
