"""Lesson 5: its rules against the engine's, and `unbroadcast` against the definition of an adjoint."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import broadcastable_shapes

from minigrad.course.lessons.lesson_05_shapes import solution

from ..conftest import alike, engine, normal


@given(
    st.data(),
    st.lists(st.integers(1, 4), max_size=3).map(tuple),
)
def test_unbroadcast_is_the_adjoint_of_broadcasting(data, shape):
    other = data.draw(broadcastable_shapes(shape, max_dims=4, max_side=4))
    dz, b = normal(np.broadcast_shapes(shape, other), shape)
    found = solution.unbroadcast(dz, shape)
    assert np.shape(found) == shape
    # <dz, broadcast(b)> = <unbroadcast(dz), b>, for any b
    alike((found * b).sum(), (dz * b).sum(), 1e-9)


def dense(x, W, b):
    return x @ W + b


@pytest.mark.parametrize(
    ("backward", "forward", "shapes"),
    [
        (
            "dense_backward",
            dense,
            [(4, 3), (3, 2), (2,)],
        ),
        (
            "dense_backward",
            dense,
            [(4, 3), (3, 2), (1, 2)],
        ),
        ("stacked_backward", operator.matmul, [(5, 4, 3), (3, 2)]),
        ("multiply_backward", operator.mul, [(4, 1), (3, 1, 2)]),
    ],
)
def test_backward_is_the_engines(backward, forward, shapes):
    arrays = normal(*shapes)
    dz, _, gradients = engine(forward, *arrays)
    alike(getattr(solution, backward)(dz, *arrays), gradients)
