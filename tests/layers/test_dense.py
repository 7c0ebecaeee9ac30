"""Dense by hand, and what it refuses."""

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Embedding
from minigrad.errors import ShapeError


def test_dense_by_hand():
    dense = Dense(2, 3, mg.relu)
    dense.W.array = [[1.0, -1.0, 0.0], [2.0, 0.0, 1.0]]
    dense.b.array = [0.5, 0.5, -9.0]
    x = mg.Tensor([[1.0, 2.0]], requires_grad=True)
    z = dense(x)
    np.testing.assert_array_equal(z.array, [[5.5, 0.0, 0.0]])
    z.sum().backward()
    np.testing.assert_array_equal(x.grad, [[1.0, 2.0]])  # the first output alone is on
    np.testing.assert_array_equal(dense.W.grad, [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    np.testing.assert_array_equal(dense.b.grad, [1.0, 0.0, 0.0])


def test_dense_takes_any_number_of_leading_axes_and_lists():
    dense = Dense(3, 2, bias=False)
    assert list(dense.named_parameters()) == ["W"]
    assert dense(np.ones((4, 5, 3))).shape == (4, 5, 2)
    assert dense([1.0, 2.0, 3.0]).dtype == np.float32


def test_a_shape_error_names_the_parameter_and_the_scope():
    with pytest.raises(ShapeError, match=r"(?s)MG101.*dense.*W \(3, 2\)"):
        Dense(3, 2)(np.ones((4, 5)))


@pytest.mark.parametrize("shape", [(3, 1), (2, 3), (3,)])
@pytest.mark.parametrize("make", [Dense, Embedding])
def test_an_initialiser_that_makes_another_shape_is_refused(make, shape):
    with pytest.raises(ShapeError, match=r"MG213.*\(3, 2\)"):
        make(3, 2, init=lambda _: np.zeros(shape))
