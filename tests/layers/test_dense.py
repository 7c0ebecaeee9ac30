"""Dense with an activation, without a bias, and with more axes. test_cells.py compares values."""

import numpy as np

import minigrad as mg
from layers import Dense

from .helpers import assert_close, normal


def test_dense_applies_its_activation():
    dense = Dense(2, 3, mg.relu)
    first, second = dense.W
    z = first + 2.0 * second
    expected = np.maximum(z.array, 0)
    assert_close(dense([1.0, 2.0]), expected)


def test_dense_takes_any_leading_axes_and_lists():
    dense = Dense(3, 2, bias=False)
    assert list(dense.named_parameters()) == ["W"]
    z = dense(normal(4, 5, 3))
    assert z.shape == (4, 5, 2)
    z = dense([1.0, 2.0, 3.0])
    assert z.dtype == np.float32
