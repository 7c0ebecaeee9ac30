"""Lesson 14's solution against the engine, gradient_flow, and closed forms."""

import math

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential, gradient_flow, gradients, outputs
from minigrad.course.lessons.lesson_14_vanishing import solution

rng = np.random.default_rng(11)


def test_the_flow_is_that_of_a_recorded_network():
    mg.seed(3)
    model = Sequential(Embedding(9, 4), RNN(4, 5), Dense(5, 2))
    ids, labels = rng.integers(0, 9, (6, 10)), rng.integers(0, 2, 6)
    hs = outputs(model, ids, ["rnn.cell.h"])["rnn.cell.h"].swapaxes(0, 1)
    dh = gradients(model, ids, labels, ["rnn.cell.h"])["rnn.cell.h"][:, -1]
    found = solution.flow(dh, hs, model.named_parameters()["rnn.cell.W_hh"].array)
    np.testing.assert_allclose(
        found, gradient_flow(model, (ids, labels))["rnn.cell.h"], rtol=1e-4
    )


def test_the_decay_of_a_turn_and_in_the_long_run():
    quarter_turn = np.array([[0.0, -2.0], [2.0, 0.0]])
    assert solution.decay(quarter_turn, np.array([3.0, 4.0]), 5) == pytest.approx(2)
    W, v = rng.normal(size=(4, 4)), np.ones(4)
    assert solution.long_decay(W, v, 30) == pytest.approx(solution.decay(W, v, 30))
    largest = np.max(np.abs(np.linalg.eigvals(W)))
    assert solution.long_decay(W, v, 20_000) == pytest.approx(largest, rel=1e-3)


def test_gram_schmidt_gives_an_orthogonal_matrix():
    A = rng.normal(size=(5, 5))
    Q = solution.orthogonal(A)
    np.testing.assert_allclose(Q @ Q.T, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(np.triu(A @ Q.T, 1), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("factor", "share", "steps"), [(0.5, 0.1, 4), (0.9, 0.5, 7), (1.0, 0.01, math.inf)]
)
def test_the_reach_is_where_less_than_the_share_is_left(factor, share, steps):
    assert solution.reach(factor, share) == steps


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_scales_all_gradients_to_the_norm(max_norm):
    arrays = [np.array([3.0, 0.0]), np.array([[4.0]])]
    for found, array in zip(solution.clip(arrays, max_norm), arrays, strict=True):
        np.testing.assert_allclose(found, array * min(1, max_norm / 5))
    assert solution.clip([np.zeros(2)], 1.0)[0].tolist() == [0, 0]
