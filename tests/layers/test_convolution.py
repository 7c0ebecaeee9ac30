"""Conv1d, Conv2d, pooling and Flatten, alone and in networks with BatchNorm."""

import numpy as np
import pytest

import minigrad as mg
from layers import (
    AveragePool2d,
    BatchNorm,
    Conv1d,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    MaxPool2d,
    Sequential,
    to_layout,
)

from .helpers import assert_close, normal, raises
from .parity import close, compare, load_weights, part, stored

PYTORCH = stored("convolution")
KERAS = stored("keras_convolution")


def network():
    return Sequential(
        Conv2d(1, 3, 3),
        BatchNorm(3),
        mg.tanh,
        MaxPool2d(2),
        Conv2d(3, 4, 2, bias=False),
        BatchNorm(4),
        mg.tanh,
        Flatten(),
        Dense(16, 3),
    )


def build(case):
    """The model of a stored case."""
    layers: dict[str, Layer] = {
        "conv1d": Conv1d(3, 4, 3, stride=2, padding=2),
        "conv2d": Conv2d(2, 3, 3, padding=1),
        "conv2d_plain": Conv2d(2, 3, (3, 2), (2, 1), (1, 0), bias=False),
        "max": MaxPool2d(3, 2),
        "average": AveragePool2d((2, 3), 2),
        "norm_of_vectors": BatchNorm(4),
        "norm_of_sequences": BatchNorm(3, momentum=0.3),
        "norm_of_images": BatchNorm(2, epsilon=0.1),
    }
    model = Sequential(layers[case]) if case in layers else network()
    return with_float64_buffers(model)


def with_float64_buffers(model):
    for layer in model.named_layers().values():
        for name, array in layer.named_buffers().items():
            if "." not in name:
                layer.buffer(name, array.astype(np.float64))
    return model


# ---- PyTorch and Keras ----


@pytest.mark.parametrize("case", PYTORCH)
def test_convolution_equals_pytorch(case):
    model = build(case)
    arrays = PYTORCH[case]
    load_weights(model, arrays, "pytorch")
    compare(model, part(arrays, "train/"))
    for x in part(arrays, "more/").values():
        model(x)
    after = part(arrays, "after/")
    for name, array in to_layout(model, "pytorch").items():
        close(array, after[name])
    compare(model.eval(), part(arrays, "eval/"))


@pytest.mark.parametrize("case", KERAS)
def test_convolution_equals_keras(case):
    layers: dict[str, Layer] = {
        "conv1d": Conv1d(3, 4, 3, stride=2),
        "conv2d": Conv2d(2, 3, (3, 2)),
        "batchnorm": BatchNorm(5, epsilon=1e-3),
    }
    model = with_float64_buffers(layers[case]).eval()
    arrays = KERAS[case]
    load_weights(model, arrays, "keras")
    z = model(np.moveaxis(arrays["x"], -1, 1))  # Keras has the channels last
    close(np.moveaxis(z.array, 1, -1), arrays["output"])
    weights = part(arrays, "weight/")
    np.testing.assert_equal(to_layout(model, "keras"), weights)


# ---- Conv1d and Conv2d ----


def test_conv2d_by_hand():
    layer = Conv2d(1, 1, 2, padding=1)
    W, b = layer.parameters()
    W.array = [[[[1.0, 2.0], [3.0, 4.0]]]]
    b.array = [10.0]
    ((z,),) = layer(np.eye(2)[None, None])
    assert_close(z, [[14, 13, 10], [12, 15, 13], [10, 12, 11]])


@pytest.mark.parametrize("size", [0, (3, 0), 1.5])
def test_conv2d_rejects_sizes_below_1(size):
    with raises("MG210"):
        Conv2d(1, 2, size)


def test_conv2d_names_itself_if_size_is_missing():
    with raises("MG129", "Conv2d missing 1 required .* 'size'"):
        Conv2d(1, 8)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("layer", "shape", "code"),
    [
        (Conv2d(3, 4, 3), (3, 8, 8), "MG163"),
        (Conv1d(3, 4, 3), (2, 5, 3), "MG163"),
        (MaxPool2d(3), (2, 1, 2, 8), "MG162"),
        (AveragePool2d(3), (2, 1, 2, 8), "MG162"),
        (Flatten(), (), "MG109"),
    ],
)
def test_convolution_and_pooling_reject_shapes(layer, shape, code):
    x = np.ones(shape)
    with raises(code):
        layer(x)


# ---- all layers of images ----


def test_repr_of_convolution_and_pooling():
    model = Sequential(
        Conv2d(1, 8, 3, padding=1),
        MaxPool2d(2),
        AveragePool2d(3, 1),
        Conv1d(2, 4, 5, bias=False),
    )
    text = repr(model)
    for line in (
        "conv2d: Conv2d(1, 8, (3, 3), 1, 1)",
        "maxpool2d: MaxPool2d((2, 2), (2, 2))",
        "averagepool2d: AveragePool2d((3, 3), 1)",
        "conv1d: Conv1d(2, 4, (5,), 1, 0, bias=False)",
    ):
        assert f"  {line}\n" in text


@pytest.mark.parametrize(("shape", "flat"), [((0, 3, 2), (0, 6)), ((1,), (1, 1))])
def test_flatten_keeps_the_batch(shape, flat):
    assert Flatten()(np.zeros(shape)).shape == flat


@pytest.mark.parametrize("training", [True, False])
def test_convolution_computes_the_same_after_load_state_dict(training):
    model, loaded = network(), network()
    x = normal(6, 1, 8, 8)
    model(x)
    loaded.load_state_dict(model.state_dict())
    expected = model.train(training)(x)
    found = loaded.train(training)(x)
    assert_close(found, expected, 0)
