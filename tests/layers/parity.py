"""Stored results of PyTorch and Keras, which make_*.py wrote, and the comparison with them."""

import copy
from collections import defaultdict
from pathlib import Path

import numpy as np

import minigrad as mg
from layers import from_layout, to_layout
from minigrad.numpy_api import to_array

from .helpers import assert_close, in_float64, leaf

DATA = Path(__file__).parent / "data"


def stored(name):
    """The stored arrays as {case: {name: array}}."""
    cases: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    with np.load(DATA / f"parity_{name}.npz") as file:
        for path in file.files:
            case, _, name = path.partition("/")
            name = name.replace("grad_x", "grad/x")
            cases[case][name] = file[path]
    return cases


def part(arrays, folder):
    """The arrays whose names begin with `folder`, without this beginning."""
    return {
        name.removeprefix(folder): array
        for name, array in arrays.items()
        if name.startswith(folder)
    }


def load_weights(model, arrays, layout):
    in_float64(model)
    from_layout(model, part(arrays, "weight/"), layout)


def close(found, expected):
    scale = 1 + np.abs(expected).max()
    assert_close(found, expected, rtol=1e-10, atol=1e-12 * scale)


def compare(model, arrays, layout="pytorch", forward=None):
    """Compare output, gradients and, if they are stored, second derivatives."""
    model.zero_grad()
    x = leaf(arrays["x"])
    inputs = [x, *model.parameters()]
    output = (forward or model)(x)
    if isinstance(output, tuple):
        output = output[0]
    # the frameworks disagree about outputs at padding, where the seed is 0
    compared = arrays["seed"] != 0
    close(output.array * compared, arrays["output"] * compared)

    def compare_gradients(kind, gradients):
        dx, *others = gradients
        expected = part(arrays, f"{kind}/")
        close(dx, expected.pop("x"))
        found = _exported(model, others, layout)
        for name, array in expected.items():
            close(found[name], array)

    upstream = arrays["seed"]
    output.backward(upstream)
    compare_gradients("grad", [tensor.grad for tensor in inputs])
    if "second" in arrays:
        first = mg.grad(output, inputs, upstream=upstream, create_graph=True)
        compare_gradients("grad", first)
        # 0 * x, because the gradient of max pooling is constant
        total = first[0] * arrays["second"] + 0.0 * x
        twice = mg.grad(total.sum(), inputs)
        compare_gradients("twice", twice)


def _exported(model, gradients, layout):
    """The gradients, converted to the other layout as their parameters are."""
    model = copy.deepcopy(model)
    parameters = model.parameters()
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.array = to_array(gradient)
    arrays = to_layout(model, layout)
    # one bias of ours stands for two of PyTorch's, whose gradients are equal
    for name, array in arrays.items():
        if "bias_hh" in name and not array.any():
            arrays[name] = arrays[name.replace("hh", "ih")]
    return arrays
