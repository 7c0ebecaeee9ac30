"""LayerNorm and BatchNorm by hand. test_cells.py and test_convolution.py compare with PyTorch."""

import re

import numpy as np
import pytest

import minigrad as mg
from layers import BatchNorm, LayerNorm, ModeWarning, from_layout, to_layout
from minigrad.errors import ShapeError

from .helpers import assert_close, leaf, normal, raises

# ---- LayerNorm ----


def test_layer_norm_of_equal_elements():
    assert_close(LayerNorm(2)([[3.0, 3.0]]), [[0, 0]])


@pytest.mark.parametrize("shape", [(2, 1), (1,), (2, 4), ()])
def test_layer_norm_rejects_other_widths(shape):
    words = rf"MG236.*takes x of shape \(\.\.\., 3\), not {re.escape(str(shape))}"
    with pytest.raises(ShapeError, match=words):
        LayerNorm(3)(np.ones(shape))


def test_layer_norm_without_a_bias():
    layer = LayerNorm(3, bias=False)
    layer.gain.array = [1.0, 2.0, 3.0]
    assert list(layer.named_parameters()) == ["gain"]
    other = LayerNorm(3)
    other.gain.array = layer.gain.array
    x = normal(4, 3)
    assert_close(layer(x), other(x), atol=0)
    assert list(to_layout(layer, "pytorch")) == ["weight"]
    loaded = LayerNorm(3, bias=False)
    from_layout(loaded, to_layout(layer, "keras"), "keras")
    assert_close(loaded.gain, layer.gain, atol=0)


def test_layer_norm_records_one_gate():
    z = LayerNorm(3)(leaf(np.ones((2, 3))))
    assert isinstance(z.node.gate, mg.LayerNormalise)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "bool", "float16"])
def test_layer_norm_of_integers_and_float16(dtype):
    x = (120 * np.random.default_rng(2).random((4, 768))).astype(dtype)
    layer = LayerNorm(768)
    z = layer(mg.Tensor(x))
    centred = x - x.mean(axis=1, dtype=float, keepdims=True)
    variance = (centred**2).mean(axis=1, keepdims=True)
    h = centred / np.sqrt(variance + 1e-5)
    assert_close(z, h, rtol=1e-4, atol=1e-5)
    (slope,) = mg.grad(z.sum(), layer.gain)
    assert_close(slope, h.sum(axis=0), rtol=1e-4, atol=1e-5)


# ---- BatchNorm ----


def test_batch_norm_by_hand():
    layer = BatchNorm(1, epsilon=0.0)
    z = layer([[1.0], [3.0], [5.0]])
    assert_close(z, [[-np.sqrt(1.5)], [0], [np.sqrt(1.5)]], atol=1e-6)
    # 0.9 of the first values 0 and 1, and 0.1 of the mean 3 and the variance 8 / 2
    assert_close(layer.mean, [0.3], rtol=1e-6)
    assert_close(layer.variance, [1.3], rtol=1e-6)
    layer.eval()
    assert_close(layer([[1.3]]), [[1 / np.sqrt(1.3)]], rtol=1e-6)


def test_batch_norm_keeps_its_statistics_in_evaluation():
    layer = BatchNorm(2)
    before = layer.state_dict()
    assert list(before) == ["gain", "bias", "mean", "variance"]
    layer.eval()(np.ones((1, 2), np.float32))
    np.testing.assert_equal(layer.state_dict(), before)


@pytest.mark.parametrize(
    "shape", [(4, 3), (2,), (), (4, 3, 2), (1, 2), (0, 2, 5), (1, 2, 1)]
)
def test_batch_norm_rejects_one_number_and_other_channels(shape):
    words = rf"MG225.*\(N, 2, \.\.\.\), not {re.escape(str(shape))}"
    with pytest.raises(ShapeError, match=words):
        BatchNorm(2)(np.ones(shape))


def test_batch_norm_warns_if_evaluated_in_training_mode():
    layer = BatchNorm(2)
    with mg.no_grad(), pytest.warns(ModeWarning, match="(?s)MG214.*BatchNorm"):
        layer(np.ones((3, 2)))


def test_batch_norm_graph_keeps_the_statistics_it_used():
    layer = BatchNorm(1, epsilon=0.0).eval()
    x = leaf([[2.0]])
    z = layer(x)
    layer.train()([[1.0], [5.0]])
    z.backward()
    assert_close(x.grad, [[1.0]])


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "int16", "bool"])
def test_batch_norm_of_integers_and_float16(dtype):
    # squares of these numbers leave the range of each of these dtypes
    rows = 120 * np.random.default_rng(2).random((64, 3))
    if dtype == "float16":
        rows += 300
    x = rows.astype(dtype)
    wide = x.astype(float)
    narrow, other = BatchNorm(3), BatchNorm(3)
    for training in (True, False):
        z = narrow.train(training)(mg.Tensor(x))
        truth = other.train(training)(wide)
        assert_close(z, truth, rtol=1e-4, atol=1e-4)
    assert_close(narrow.variance, 0.9 + 0.1 * wide.var(axis=0, ddof=1), rtol=1e-5)


# ---- settings ----


@pytest.mark.parametrize("momentum", [None, 1.5, "0.1"])
def test_momentum_is_from_0_to_1(momentum):
    with raises("MG254", "BatchNorm.*momentum="):
        BatchNorm(3, momentum=momentum)
    assert BatchNorm(3, momentum=1).momentum == 1


@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
@pytest.mark.parametrize("epsilon", [None, -1e-5, np.nan])
def test_epsilon_is_0_or_more(kind, epsilon):
    with raises("MG254", f"{kind.__name__}.*epsilon="):
        kind(3, epsilon=epsilon)
