"""Dense: its inputs, and what it refuses. test_cells.py compares values with PyTorch's."""

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Embedding
from minigrad.errors import ShapeError


def test_dense_applies_its_activation():
    dense, x = Dense(2, 3, mg.relu), mg.Tensor([[1.0, 2.0]])
    expected = np.maximum((x @ dense.W + dense.b).array, 0)
    np.testing.assert_array_equal(dense(x).array, expected)


def test_dense_takes_any_number_of_leading_axes_and_lists():
    dense = Dense(3, 2, bias=False)
    assert list(dense.named_parameters()) == ["W"]
    assert dense(np.ones((4, 5, 3))).shape == (4, 5, 2)
    assert dense([1.0, 2.0, 3.0]).dtype == np.float32


@pytest.mark.parametrize("make", [Dense, Embedding])
def test_an_initialiser_that_makes_another_shape_is_refused(make):
    with pytest.raises(ShapeError, match=r"MG213.*\(3, 2\)"):
        make(3, 2, init=lambda _: np.zeros((3, 1)))
