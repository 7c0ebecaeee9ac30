"""LayerNorm of unusual inputs. Values and gradients are compared with PyTorch's in
test_cells.py.
"""

import re

import numpy as np
import pytest

import minigrad as mg
from layers import LayerNorm, from_layout, to_layout
from minigrad.errors import ShapeError


def test_a_list_of_equal_elements_is_normalized():
    np.testing.assert_array_equal(LayerNorm(2)([[3.0, 3.0]]).array, [[0, 0]])


@pytest.mark.parametrize("shape", [(2, 1), (1,), (2, 4), ()])
def test_vectors_of_another_width_are_refused(shape):
    with pytest.raises(
        ShapeError, match=rf"MG236.*takes x of shape \(\.\.\., 3\), not {re.escape(str(shape))}"
    ):
        LayerNorm(3)(mg.Tensor(np.ones(shape)))


def test_without_a_bias():
    layer = LayerNorm(3, bias=False)
    layer.gain.array = np.array([1.0, 2.0, 3.0], np.float32)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    assert list(layer.named_parameters()) == ["gain"]
    with_bias = LayerNorm(3)
    with_bias.gain.array = layer.gain.array
    np.testing.assert_array_equal(layer(x).array, with_bias(x).array)
    assert list(to_layout(layer, "pytorch")) == ["weight"]
    other = LayerNorm(3, bias=False)
    from_layout(other, to_layout(layer, "keras"), "keras")
    np.testing.assert_array_equal(other.gain.array, layer.gain.array)


def test_the_layer_records_one_gate():
    z = LayerNorm(3)(mg.Tensor(np.ones((2, 3)), requires_grad=True))
    assert isinstance(z.node.gate, mg.LayerNormalise)
