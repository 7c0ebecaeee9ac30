"""LayerNorm and BatchNorm of unusual inputs. Values and gradients are compared with PyTorch's in
test_cells.py.
"""

import re

import numpy as np
import pytest

import minigrad as mg
from layers import BatchNorm, LayerNorm, ModeWarning, from_layout, to_layout
from minigrad.errors import OptionError, ShapeError


def test_a_list_of_equal_elements_is_normalized():
    np.testing.assert_array_equal(LayerNorm(2)([[3.0, 3.0]]).array, [[0, 0]])


@pytest.mark.parametrize("shape", [(2, 1), (1,), (2, 4), ()])
def test_vectors_of_another_width_are_refused(shape):
    with pytest.raises(
        ShapeError,
        match=rf"MG236.*takes x of shape \(\.\.\., 3\), not {re.escape(str(shape))}",
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


# ---- BatchNorm; test_convolution.py compares it with PyTorch ----


def test_a_batch_by_hand():
    layer = BatchNorm(1, epsilon=0.0)
    z = layer([[1.0], [3.0], [5.0]]).array[:, 0]
    np.testing.assert_allclose(z, [-np.sqrt(1.5), 0, np.sqrt(1.5)], rtol=1e-6)
    # 0.9 of the first values 0 and 1, and 0.1 of the mean 3 and the variance 8 / 2
    np.testing.assert_allclose(layer.mean, [0.3], rtol=1e-6)
    np.testing.assert_allclose(layer.variance, [1.3], rtol=1e-6)
    np.testing.assert_allclose(
        layer.eval()([[1.3]]).array, [[1 / np.sqrt(1.3)]], rtol=1e-6
    )


def test_evaluation_changes_no_statistics_and_needs_only_one_example():
    layer = BatchNorm(2)
    before = layer.state_dict()
    assert list(before) == ["gain", "bias", "mean", "variance"]
    layer.eval()(np.ones((1, 2), np.float32))
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    "shape", [(4, 3), (2,), (), (4, 3, 2), (1, 2), (0, 2, 5), (1, 2, 1)]
)
def test_batches_without_a_variance_and_other_channels_are_refused(shape):
    with pytest.raises(
        ShapeError, match=rf"MG225.*\(N, 2, \.\.\.\), not {re.escape(str(shape))}"
    ):
        BatchNorm(2)(np.ones(shape))


def test_training_mode_without_gradients_is_warned_of():
    layer = BatchNorm(2)
    with mg.no_grad(), pytest.warns(ModeWarning, match="(?s)MG214.*BatchNorm"):
        layer(np.ones((3, 2)))


def test_a_recorded_graph_does_not_change_with_the_statistics():
    layer = BatchNorm(1, epsilon=0.0).eval()
    x = mg.Tensor([[2.0]], requires_grad=True)
    z = layer(x)
    layer.train()([[1.0], [5.0]])
    z.backward()
    np.testing.assert_array_equal(x.grad, [[1.0]])


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "int16", "bool"])
def test_statistics_of_integers_and_float16(dtype):
    # squares of these numbers leave the range of each of these dtypes
    rows = 120 * np.random.default_rng(2).random((64, 3)) + (
        300 if dtype == "float16" else 0
    )
    x = rows.astype(dtype)
    narrow, wide = BatchNorm(3), BatchNorm(3)
    for mode in ("train", "eval"):
        z = getattr(narrow, mode)()(mg.Tensor(x))
        truth = getattr(wide, mode)()(mg.Tensor(x.astype(float)))
        np.testing.assert_allclose(z.array, truth.array, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        narrow.variance, 0.9 + 0.1 * x.astype(float).var(0, ddof=1), 1e-5
    )


@pytest.mark.parametrize("dtype", ["uint8", "int8", "bool", "float16"])
def test_layer_norm_of_integers_and_float16(dtype):
    x = (120 * np.random.default_rng(2).random((4, 768))).astype(dtype)
    layer = LayerNorm(768)
    z = layer(mg.Tensor(x))
    wide = x.astype(float)
    h = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(
        wide.var(-1, keepdims=True) + 1e-5
    )
    np.testing.assert_allclose(z.array, h, rtol=1e-4, atol=1e-5)
    (slope,) = mg.grad(z, layer.gain, upstream=np.ones_like(h))
    np.testing.assert_allclose(slope.array, h.sum(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "setting", [{"momentum": None}, {"momentum": 1.5}, {"momentum": "0.1"}]
)
def test_a_momentum_that_is_not_a_number_from_0_to_1_is_refused(setting):
    with pytest.raises(OptionError, match="MG254.*BatchNorm.*momentum="):
        BatchNorm(3, **setting)
    assert BatchNorm(3, momentum=1).momentum == 1


@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
@pytest.mark.parametrize("epsilon", [None, -1e-5, np.nan])
def test_an_epsilon_that_is_not_a_number_from_0_is_refused(kind, epsilon):
    with pytest.raises(OptionError, match=f"MG254.*{kind.__name__}.*epsilon="):
        kind(3, epsilon=epsilon)
