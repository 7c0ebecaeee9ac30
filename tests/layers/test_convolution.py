"""Convolution, pooling and networks of them: values, first and second derivatives are PyTorch's, in
training and in evaluation mode. make_parity.py stored its arrays, and outputs of Keras.
"""

from pathlib import Path

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
    MaxPool2d,
    Sequential,
    from_layout,
    to_layout,
)
from minigrad.errors import OptionError, ShapeError, UnsupportedError

DATA = Path(__file__).parent / "data"


def stored(name):
    """{case: {name: array}}"""
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(DATA / name) as file:
        for path in file.files:
            case, _, rest = path.partition("/")
            found.setdefault(case, {})[rest] = file[path]
    return found


PYTORCH, KERAS = (
    stored("parity_convolution.npz"),
    stored("parity_keras_convolution.npz"),
)
MODELS = {
    "conv1d": lambda: Sequential(Conv1d(3, 4, 3, stride=2, padding=2)),
    "conv2d": lambda: Sequential(Conv2d(2, 3, 3, padding=1)),
    "conv2d_plain": lambda: Sequential(Conv2d(2, 3, (3, 2), (2, 1), (1, 0), bias=False)),
    "max": lambda: Sequential(MaxPool2d(3, 2)),
    "average": lambda: Sequential(AveragePool2d((2, 3), 2)),
    "norm_of_vectors": lambda: Sequential(BatchNorm(4)),
    "norm_of_sequences": lambda: Sequential(BatchNorm(3, momentum=0.3)),
    "norm_of_images": lambda: Sequential(BatchNorm(2, epsilon=0.1)),
    "network": lambda: Sequential(
        Conv2d(1, 3, 3), BatchNorm(3), mg.tanh, MaxPool2d(2), Conv2d(3, 4, 2, bias=False), BatchNorm(4), mg.tanh,
        Flatten(), Dense(16, 3),
    ),
}  # fmt: skip


def in_dtype(model, dtype="float64"):
    """Convert a model, with random numbers in its parameters."""
    rng = np.random.default_rng(0)
    for parameter in model.named_parameters().values():
        parameter.array = rng.normal(size=parameter.shape).astype(dtype)
    for layer in model.named_layers().values():
        if isinstance(layer, BatchNorm):
            layer.mean, layer.variance = (
                layer.mean.astype(dtype),
                layer.variance.astype(dtype),
            )
    return model


def part(arrays, prefix):
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def close(found, expected):
    np.testing.assert_allclose(
        found, expected, rtol=1e-10, atol=1e-12 * (1 + abs(expected).max())
    )


def in_our_order(arrays, name):
    return arrays[name].T if "dense.weight" in name else arrays[name]


def compare(model, arrays):
    """The output, its gradients and second derivatives, under PyTorch's names."""
    parameters = model.named_parameters()
    model.zero_grad()
    x = mg.Tensor(arrays["x"], requires_grad=True)
    output = model(x)
    close(output.array, arrays["output"])
    inputs = {}
    for name in part(arrays, "grad/"):
        ours = name.replace("weight", "gain" if "norm" in name else "W")
        ours = ours if "norm" in name else ours.replace("bias", "b")
        inputs[name] = x if name == "x" else parameters[ours]
    assert len(inputs) == 1 + len(parameters)
    tensors = list(inputs.values())
    firsts = mg.grad(output, tensors, upstream=arrays["seed"], create_graph=True)
    for name, first in zip(inputs, firsts, strict=True):
        close(first.array, in_our_order(arrays, f"grad/{name}"))
    total = (firsts[0] * arrays["second"]).sum() + sum(
        (0.0 * one).sum() for one in tensors
    )
    for name, twice in zip(inputs, mg.grad(total, tensors), strict=True):
        close(twice.array, in_our_order(arrays, f"twice/{name}"))
    output.backward(arrays["seed"])  # the rules on arrays
    for name, tensor in inputs.items():
        close(tensor.grad, in_our_order(arrays, f"grad/{name}"))


@pytest.mark.parametrize("case", PYTORCH)
def test_equals_pytorch_in_training_and_evaluation(case):
    arrays, model = PYTORCH[case], in_dtype(MODELS[case]())
    from_layout(model, part(arrays, "weight/"), "pytorch")
    compare(model, part(arrays, "train/"))
    from_layout(model, part(arrays, "weight/"), "pytorch")  # compare ran it once
    for x in (arrays["train/x"], *part(arrays, "more/").values()):
        model(x)
    after = {
        name: array
        for name, array in part(arrays, "after/").items()
        if not name.endswith("num_batches_tracked")
    }
    for (name, found), expected in zip(
        to_layout(model, "pytorch").items(), after.values(), strict=True
    ):
        assert found.dtype == np.float64 and name in after
        close(found, expected)
    compare(model.eval(), part(arrays, "eval/"))
    loaded = in_dtype(MODELS[case]())
    loaded.load_state_dict(model.state_dict())
    compare(loaded.eval(), part(arrays, "eval/"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [True, False])
def test_outputs_after_loading_are_equal_bit_for_bit(tmp_path, dtype, training):
    model, loaded = (
        in_dtype(MODELS["network"](), dtype),
        in_dtype(MODELS["network"](), dtype),
    )
    x = np.random.default_rng(1).normal(size=(6, 1, 8, 8)).astype(dtype)
    for parameter in loaded.named_parameters().values():
        parameter.array = 2 * parameter.array
    for _ in range(3):
        model(x)
    mg.save(tmp_path / "weights.safetensors", model.state_dict())
    loaded.load_state_dict(mg.load(tmp_path / "weights.safetensors"))
    one, other = model.train(training)(x).array, loaded.train(training)(x).array
    assert one.dtype == dtype
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", KERAS)
def test_equals_keras_with_its_weights(case):
    models = {
        "conv1d": Conv1d(3, 4, 3, stride=2), "conv2d": Conv2d(2, 3, (3, 2)),
        "batchnorm": BatchNorm(5, epsilon=1e-3),
    }  # fmt: skip
    arrays, model = KERAS[case], in_dtype(models[case]).eval()
    weights = part(arrays, "weight/")
    from_layout(model, weights, "keras")
    z = model(np.moveaxis(arrays["x"], -1, 1))  # Keras has the channels last
    close(np.moveaxis(z.array, 1, -1), arrays["output"])
    back = to_layout(model, "keras")
    assert list(back) == list(weights)
    for name, array in weights.items():
        np.testing.assert_array_equal(back[name], array)


def test_a_convolution_by_hand():
    layer = Conv2d(1, 1, 2, padding=1)
    layer.W.array = np.array([[[[1.0, 2.0], [3.0, 4.0]]]], np.float32)
    assert layer.b is not None
    layer.b.array = np.array([10.0], np.float32)
    z = layer(np.array([[[[1.0, 0.0], [0.0, 1.0]]]]))
    np.testing.assert_array_equal(
        z.array, [[[[14, 13, 10], [12, 15, 13], [10, 12, 11]]]]
    )


def test_their_arguments_are_shown():
    layers = [Conv2d(1, 8, 3, padding=1), MaxPool2d(2), AveragePool2d(3, 1), Flatten()]
    model = Sequential(*layers, Conv1d(2, 4, 5, bias=False))
    lines = [line.strip() for line in repr(model).splitlines()]
    assert "conv2d: Conv2d(1, 8, (3, 3), 1, 1)" in lines
    assert "maxpool2d: MaxPool2d((2, 2), (2, 2))" in lines
    assert "averagepool2d: AveragePool2d((3, 3), 1)" in lines
    assert "conv1d: Conv1d(2, 4, (5,), 1, 0, bias=False)" in lines
    assert eval(lines[1].partition(": ")[2]).W.shape == (8, 1, 3, 3)


def test_flatten_keeps_an_empty_batch():
    assert Flatten()(np.zeros((0, 3, 2))).shape == (0, 6)


@pytest.mark.parametrize(
    "sizes", [(0, 2, 3), (1, 0, 3), (1, 2, 0), (1, 2, (3, 0)), (1, 2, 1.5)]
)
def test_sizes_that_are_not_positive_integers_are_refused(sizes):
    with pytest.raises(OptionError, match="MG210"):
        Conv2d(*sizes)


@pytest.mark.parametrize(
    ("layer", "shape", "code"),
    [
        (Conv2d(3, 4, 3), (2, 4, 8, 8), "MG163"),
        (Conv2d(3, 4, 3, padding=1), (3, 8, 8), "MG163"),
        (Conv1d(3, 4, 3, padding=1), (2, 5, 3), "MG163"),
        (Conv2d(3, 4, 5), (2, 3, 4, 8), "MG162"),
        (Conv2d(3, 4, 5, stride=0), (2, 3, 8, 8), "MG162"),
        (MaxPool2d(3), (2, 1, 2, 8), "MG162"),
        (AveragePool2d(3), (2, 1, 2, 8), "MG162"),
    ],
)
def test_images_that_do_not_fit_are_refused(layer, shape, code):
    with pytest.raises(ShapeError, match=code):
        layer(np.ones(shape))


def test_a_missing_size_is_reported_for_the_layer_that_was_called():
    with pytest.raises(UnsupportedError, match=r"Conv2d missing 1 required .* 'size'"):
        Conv2d(1, 8)  # type: ignore[call-arg]


def test_flatten_refuses_a_single_number():
    with pytest.raises(ShapeError, match=r"MG109.*\(N, ...\), not \(\)"):
        Flatten()(3.0)
    assert Flatten()([3.0]).shape == (1, 1)
