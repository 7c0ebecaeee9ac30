"""Lesson 5's rules against the engine, and against what an adjoint is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import broadcastable_shapes

from minigrad.course.lessons.lesson_05_shapes import solution

from ..conftest import alike, engine


@given(st.data(), st.lists(st.integers(1, 4), max_size=3).map(tuple))
def test_unbroadcast_is_the_adjoint_of_numpys_broadcasting(data, shape):
    stretched = np.broadcast_shapes(
        shape, data.draw(broadcastable_shapes(shape, max_dims=4, max_side=4))
    )
    rng = np.random.default_rng(0)
    dz, b = rng.normal(size=stretched), rng.normal(size=shape)
    found = solution.unbroadcast(dz, shape)
    assert np.shape(found) == shape
    # <dz, broadcast(b)> = <unbroadcast(dz), b>, for any b
    assert (dz * np.broadcast_to(b, stretched)).sum() == pytest.approx(
        (found * b).sum(), abs=1e-9
    )


@pytest.mark.parametrize("bias", [(2,), (1, 2)])
def test_a_dense_layer_has_the_engines_gradients(bias):
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=shape) for shape in ((4, 3), (3, 2), bias)]
    dz = rng.normal(size=(4, 2))
    _, gradients = engine(lambda x, W, b: x @ W + b, dz, *arrays)
    alike(solution.dense_backward(dz, *arrays), gradients)


@pytest.mark.parametrize(
    ("function", "forward", "shapes"),
    [
        ("stacked_backward", lambda a, b: a @ b, ((5, 4, 3), (3, 2))),
        ("multiply_backward", lambda a, b: a * b, ((4, 1), (3, 1, 2))),
    ],
)
def test_the_stretch_tasks_have_the_engines_gradients(function, forward, shapes):
    arrays = [np.random.default_rng(2).normal(size=shape) for shape in shapes]
    dz = np.random.default_rng(3).normal(size=forward(*arrays).shape)
    alike(getattr(solution, function)(dz, *arrays), engine(forward, dz, *arrays)[1])
