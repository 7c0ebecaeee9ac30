"""Convolution, windows and pooling against their definitions, and by hand.

Finite differences and PyTorch's outputs are in test_gates.py and test_gates_pytorch.py.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from minigrad.gates import convolution


def by_definition(x, W, stride):
    """Return the sums of window · filter, one window at a time."""
    steps = np.broadcast_to(stride, W.ndim - 2)
    sizes = (np.array(x.shape[2:]) - W.shape[2:]) // steps + 1
    z = np.zeros((len(x), len(W), *sizes))
    for place in np.ndindex(*sizes):
        window = x
        for axis, size in enumerate(W.shape[2:]):
            start = place[axis] * steps[axis]
            window = window.take(range(start, start + size), axis + 2)
        z[(..., *place)] = (
            window.reshape(
                len(x),
                -1,
            )
            @ W.reshape(len(W), -1).T
        )
    return z


@pytest.mark.parametrize("seed", range(30))
def test_conv_of_random_shapes(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(
        convolution,
        "BLOCK",
        int(rng.choice([1, 50, 500, 1 << 17])),
    )
    axes = 1 + seed % 2
    N, C, F = rng.integers(1, 5, 3)
    size = rng.integers(1, 5, axes)
    stride = [
        1,
        2,
        tuple(rng.integers(1, 4, axes)),
    ][seed % 3]
    x = rng.normal(
        size=(
            N,
            C,
            *(size + rng.integers(0, 7, axes)),
        )
    )
    W = rng.normal(size=(F, C, *size))
    inputs = [mg.Tensor(one, requires_grad=True) for one in (x, W)]
    z = mg.conv(inputs[0], inputs[1], stride)
    expected = by_definition(x, W, stride)
    assert_allclose(z.array, expected, rtol=1e-11, atol=1e-13)
    dz = rng.normal(size=z.shape)
    found = mg.grad(z, inputs, upstream=dz)
    unfused = mg.grad(mg.unfuse(z), inputs, upstream=dz)
    for one, other in zip(found, unfused, strict=True):
        assert_allclose(one.array, other.array, rtol=1e-11, atol=1e-12)


def test_conv_output_has_images_side_by_side():
    # so that the next convolution, pooling or elementwise gate need not move them
    W = mg.Tensor(
        np.ones((3, 2, 2, 2)),
        requires_grad=True,
    )
    z = mg.conv(np.ones((5, 2, 4, 4)), W)
    for output in (
        z,
        mg.relu(z),
        mg.max_pool(z, (2, 2)),
    ):
        assert output.array.transpose(1, 2, 3, 0).flags.c_contiguous


def test_conv_of_an_empty_batch_is_empty():
    x = mg.Tensor(
        np.ones((0, 2, 5, 5)),
        requires_grad=True,
    )
    W = mg.Tensor(
        np.ones((3, 2, 2, 2)),
        requires_grad=True,
    )
    z = mg.max_pool(mg.conv(x, W), (2, 2))
    z.sum().backward()
    assert z.shape == (0, 3, 2, 2)
    assert_array_equal(x.grad, x.array)
    assert_array_equal(W.grad, 0 * W.array)


# docs/errors.md has another case of each code.


@pytest.mark.parametrize(
    ("x", "W"),
    [
        (
            (2, 3, 5, 5),
            (4, 2, 3, 3),
        ),
        (
            (3, 5),
            (4, 5),
        ),
        (
            (2, 3, 5, 5, 5),
            (4, 3, 3, 3, 3),
        ),
    ],
)
@pytest.mark.parametrize("padding", [0, 1])
def test_conv_refuses_shapes(x, W, padding):
    with pytest.raises(mg.MinigradError, match="MG163"):
        mg.conv(np.ones(x), np.ones(W), padding=padding)


@pytest.mark.parametrize(
    "stride",
    [0, (1, -1), 1.5, (1, 1, 1)],
)
def test_conv_refuses_strides(stride):
    with pytest.raises(mg.MinigradError, match="MG162.*stride"):
        mg.conv(
            np.ones((2, 3, 5, 5)),
            np.ones((4, 3, 3, 3)),
            stride,
        )


def test_conv_refuses_negative_padding():
    with pytest.raises(mg.MinigradError, match="MG109"):
        mg.conv(
            np.ones((2, 3, 5, 5)),
            np.ones((4, 3, 3, 3)),
            padding=-1,
        )


@pytest.mark.parametrize(
    "size",
    [4, (2, 2), (), 2.0, -1, 0],
)
@pytest.mark.parametrize("function", [mg.windows, mg.max_pool])
def test_windows_and_max_pool_refuse_sizes(function, size):
    with pytest.raises(mg.MinigradError, match="MG162.*cannot move a window"):
        function(np.ones(3), size)


@pytest.mark.parametrize(
    ("to", "shape"),
    [
        (
            (5,),
            (3, 2),
        ),
        (
            (4,),
            (1, 2),
        ),
        (
            (4,),
            (4,),
        ),
    ],
)
def test_add_windows_refuses_shapes(to, shape):
    with pytest.raises(mg.MinigradError, match="MG109"):
        mg.AddWindows(to)(np.ones(shape))
