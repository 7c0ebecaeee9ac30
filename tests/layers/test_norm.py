"""LayerNorm and BatchNorm by hand. test_cells.py and test_convolution.py compare with PyTorch."""

import re

import numpy as np
import pytest

import minigrad as mg
from layers import BatchNorm, LayerNorm, ModeWarning, from_layout, to_layout

from .helpers import assert_close, leaf, normal, raises

# ---- LayerNorm ----


def test_layer_norm_of_equal_elements():
    z = LayerNorm(2)([3.0, 3.0])
    assert_close(z, [0, 0])


@pytest.mark.parametrize(
    "shape",
    [
        (2, 1),
        (1,),
        (2, 4),
        (),
    ],
)
def test_layer_norm_rejects_other_widths(shape):
    x = np.ones(shape)
    with raises("MG236", rf"x of shape \(\.\.\., 3\), not {re.escape(str(shape))}"):
        LayerNorm(3)(x)


def test_layer_norm_without_a_bias():
    layer = LayerNorm(3, bias=False)
    assert list(layer.named_parameters()) == ["gain"]
    assert list(to_layout(layer, "pytorch")) == ["weight"]
    gain = np.array([1, 2, 3], np.float32)
    from_layout(layer, {"gamma": gain}, "keras")
    other = LayerNorm(3)
    other.gain.array = gain
    x = normal(4, 3)
    assert_close(layer(x), other(x), 0)


def test_layer_norm_records_one_gate():
    z = LayerNorm(3)([1.0, 2.0, 3.0])
    assert isinstance(z.node.gate, mg.LayerNormalise)


# ---- BatchNorm ----


def test_batch_norm_by_hand():
    layer = BatchNorm(1, epsilon=0.0)
    z = layer([[1.0], [3.0], [5.0]])
    side = np.sqrt(1.5)
    assert_close(z, [[-side], [0], [side]], 1e-6)
    # 0.9 of the first values 0 and 1, and 0.1 of the mean 3 and the variance 8 / 2
    assert_close(layer.mean, [0.3], 1e-6)
    assert_close(layer.variance, [1.3], 1e-6)
    layer.eval()
    z = layer([[1.3]])
    assert_close(z, [[1 / np.sqrt(1.3)]], 1e-6)


def test_batch_norm_keeps_its_statistics_in_evaluation():
    layer = BatchNorm(2).eval()
    before = layer.state_dict()
    assert list(before) == ["gain", "bias", "mean", "variance"]
    layer(normal(1, 2))
    np.testing.assert_equal(layer.state_dict(), before)


@pytest.mark.parametrize(
    "shape",
    [
        (4, 3),
        (2,),
        (),
        (4, 3, 2),
        (1, 2),
        (0, 2, 5),
        (1, 2, 1),
    ],
)
def test_batch_norm_rejects_one_number_and_other_channels(shape):
    x = np.ones(shape)
    with raises("MG225", rf"\(N, 2, \.\.\.\), not {re.escape(str(shape))}"):
        BatchNorm(2)(x)


def test_batch_norm_warns_if_evaluated_in_training_mode():
    layer = BatchNorm(2)
    with mg.no_grad(), pytest.warns(ModeWarning, match="MG214.*BatchNorm"):
        layer(normal(3, 2))


def test_batch_norm_graph_keeps_the_statistics_it_used():
    layer = BatchNorm(1, epsilon=0.0).eval()
    x = leaf([[2.0]])
    z = layer(x)
    layer.train()([[1.0], [5.0]])
    z.backward()
    assert_close(x.grad, [[1.0]])


# ---- settings ----


@pytest.mark.parametrize("momentum", [None, 1.5, "0.1"])
def test_momentum_is_from_0_to_1(momentum):
    assert BatchNorm(3, momentum=1).momentum == 1
    with raises("MG254", "BatchNorm.*momentum="):
        BatchNorm(3, momentum=momentum)


@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
@pytest.mark.parametrize("epsilon", [None, -1e-5, np.nan])
def test_epsilon_is_0_or_more(kind, epsilon):
    with raises("MG254", f"{kind.__name__}.*epsilon="):
        kind(3, epsilon=epsilon)
