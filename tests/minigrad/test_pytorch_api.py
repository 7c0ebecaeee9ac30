"""PyTorch's names for a Tensor's methods do what they do in PyTorch."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg

VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")


@pytest.fixture
def x():
    return mg.Tensor(VALUES, requires_grad=True)


def test_numpy_tolist_dim_and_numel(x):
    assert x.numpy() is not VALUES
    assert_array_equal(x.numpy(), VALUES)
    assert x.tolist() == VALUES.tolist()
    assert x.dim() == 2
    assert x.numel() == 6
    assert type(x.numel()) is int


@pytest.mark.parametrize(
    ("function", "numpys"),
    [
        (
            lambda x: x.view(3, 2),
            lambda x: x.reshape(3, 2),
        ),
        (lambda x: x.t(), np.transpose),
        (
            lambda x: x.permute(1, 0),
            np.transpose,
        ),
        (
            lambda x: x.permute((1, 0)),
            np.transpose,
        ),
        (
            lambda x: x.permute(0, 1),
            np.copy,
        ),
    ],
)
def test_view_t_and_permute_are_recorded(x, function, numpys):
    z = function(x)
    assert_array_equal(z.array, numpys(VALUES))
    (gradient,) = mg.grad(z, x, upstream=numpys(10 * VALUES))
    assert_array_equal(gradient.array, 10 * VALUES)


def test_cpu_is_the_tensor_and_float_is_float32(x):
    assert x.cpu() is x
    assert mg.Tensor(np.ones(2)).float().dtype == mg.float32


def test_data_is_a_constant_copy_and_can_be_assigned(x):
    assert not x.data.requires_grad
    x.data = x.data - 1.0
    assert_array_equal(x.array, VALUES - 1)
    assert x.requires_grad
    with pytest.raises(mg.MinigradError, match="MG104"):
        x.data = np.zeros(3)
