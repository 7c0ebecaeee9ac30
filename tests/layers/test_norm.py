"""LayerNorm by its formula. Its gradients are compared with PyTorch's in test_cells.py."""

import re

import numpy as np
import pytest

import minigrad as mg
from layers import LayerNorm
from minigrad.errors import ShapeError


def test_layer_norm_by_its_formula():
    rng = np.random.default_rng(0)
    layer = LayerNorm(5)
    gain, bias, x = rng.normal(size=5), rng.normal(size=5), rng.normal(size=(3, 5))
    layer.gain.array, layer.bias.array = gain, bias
    truth = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + bias
    np.testing.assert_allclose(layer(x.tolist()).array, truth, atol=1e-6)
    np.testing.assert_allclose(layer(mg.Tensor(x)).array, truth, atol=1e-12)
    np.testing.assert_allclose(layer(np.full((1, 5), 3.0)).array, [bias], atol=1e-12)  # no division by 0
    assert repr(layer).startswith("LayerNorm(5)")


@pytest.mark.parametrize("shape", [(2, 1), (1,), (2, 4), ()])
def test_vectors_of_another_width_are_refused(shape):
    with pytest.raises(ShapeError, match=rf"MG236.*takes x of shape \(\.\.\., 3\), not {re.escape(str(shape))}"):
        LayerNorm(3)(mg.Tensor(np.ones(shape)))
