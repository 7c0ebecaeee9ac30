"""Dense with an activation, without a bias, and with more axes."""

import numpy as np

import minigrad as mg
from layers import Dense

from .helpers import assert_close


def test_dense_applies_its_activation():
    dense = Dense(2, 3, mg.relu)
    x = mg.Tensor([[1.0, 2.0]])
    z = x @ dense.W + dense.b
    assert_close(dense(x), np.maximum(z.array, 0))


def test_dense_takes_any_leading_axes_and_lists():
    dense = Dense(3, 2, bias=False)
    assert list(dense.named_parameters()) == ["W"]
    assert dense(np.ones((4, 5, 3))).shape == (4, 5, 2)
    assert dense([1.0, 2.0, 3.0]).dtype == np.float32
