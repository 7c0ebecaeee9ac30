"""Lesson 14: its measures of decay against closed forms. Its check compares `flow` with the engine."""

import math

import numpy as np
import pytest

from minigrad.course.lessons.lesson_14_vanishing import solution

from ..conftest import alike, normal


def test_decay_of_a_quarter_turn():
    W = np.array([[0.0, -2.0], [2.0, 0.0]])
    alike(
        solution.decay(W, np.array([3.0, 4.0]), 5),
        2,
    )


def test_long_decay_approaches_the_largest_eigenvalue():
    (W,), v = normal((4, 4)), np.ones(4)
    alike(solution.long_decay(W, v, 30), solution.decay(W, v, 30))
    largest = np.abs(np.linalg.eigvals(W)).max()
    alike(solution.long_decay(W, v, 20_000), largest, 1e-3)


def test_orthogonal_is_gram_schmidt():
    (A,) = normal((5, 5))
    Q = solution.orthogonal(A)
    alike(Q @ Q.T, np.eye(5))
    alike(
        np.triu(A @ Q.T, 1),
        np.zeros((5, 5)),
    )


@pytest.mark.parametrize(
    ("factor", "share", "steps"),
    [
        (0.5, 0.1, 4),
        (0.9, 0.5, 7),
        (1.0, 0.01, math.inf),
    ],
)
def test_reach_is_where_less_than_the_share_is_left(factor, share, steps):
    assert solution.reach(factor, share) == steps


@pytest.mark.parametrize(
    ("max_norm", "expected"),
    [
        (0.5, [[0.3, 0.0], [0.4]]),
        (100.0, [[3.0, 0.0], [4.0]]),
    ],
)
def test_clip_scales_all_gradients_to_the_norm(max_norm, expected):
    arrays = [np.array([3.0, 0.0]), np.array([4.0])]
    alike(solution.clip(arrays, max_norm), expected)
    alike(
        solution.clip([np.zeros(2)], 1.0),
        [np.zeros(2)],
    )
