"""PyTorch's names for a Tensor's methods do what they do in PyTorch."""

import numpy as np
import pytest

import minigrad as mg

VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")


@pytest.fixture
def x():
    return mg.Tensor(VALUES, requires_grad=True)


def test_numpy_tolist_dim_and_numel(x):
    assert (
        x.numpy() is not VALUES and x.numpy().tolist() == x.tolist() == VALUES.tolist()
    )
    assert (x.dim(), x.numel(), type(x.numel())) == (2, 6, int)


def test_view_t_and_permute_are_recorded(x):
    for z in (x.view(3, 2), x.t(), x.permute(1, 0), x.permute((1, 0))):
        assert z.shape == (3, 2)
        weights = np.arange(6.0, dtype="float32").reshape(3, 2)
        (gradient,) = mg.grad((z * weights).sum(), x)
        expected = weights.reshape(2, 3) if z.node.gate.name == "Reshape" else weights.T
        np.testing.assert_array_equal(gradient.array, expected)
    assert x.permute(0, 1).array.tolist() == VALUES.tolist()


def test_cpu_is_the_tensor_and_float_is_float32(x):
    assert x.cpu() is x
    assert mg.Tensor(np.ones(2)).float().dtype == mg.float32


def test_data_is_a_constant_copy_and_can_be_assigned(x):
    assert not x.data.requires_grad
    x.data = x.data - 1.0
    assert x.array.tolist() == (VALUES - 1).tolist() and x.requires_grad
    with pytest.raises(mg.MinigradError, match="MG104"):
        x.data = np.zeros(3)
