"""Convolution and windows at sizes and values that the samples do not have.

PyTorch's outputs and finite differences judge the formulas in test_gates_pytorch.py and
test_gates.py. Here they meet their definitions, at every block size, and numbers by hand.
"""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.gates import convolution


def by_definition(x, W, stride):
    """Σ window · filter, one window at a time."""
    axes = W.ndim - 2
    steps = stride if isinstance(stride, tuple) else (stride,) * axes
    sizes = zip(x.shape[2:], W.shape[2:], steps, strict=True)
    z = np.zeros((len(x), len(W), *((n - k) // s + 1 for n, k, s in sizes)))
    for place in np.ndindex(*z.shape[2:]):
        starts = zip(place, W.shape[2:], steps, strict=True)
        key = tuple(slice(p * s, p * s + k) for p, k, s in starts)
        window = x[(slice(None), slice(None), *key)]
        z[(slice(None), slice(None), *place)] = (
            window.reshape(len(x), -1) @ W.reshape(len(W), -1).T
        )
    return z


@pytest.mark.parametrize("seed", range(30))
def test_convolution_of_random_shapes(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(convolution, "BLOCK", int(rng.choice([1, 50, 500, 1 << 17])))
    axes = 1 + seed % 2
    N, C, F = (int(size) for size in rng.integers(1, 5, 3))
    size = tuple(map(int, rng.integers(1, 5, axes)))
    stride = [1, 2, tuple(map(int, rng.integers(1, 4, axes)))][seed % 3]
    shape = tuple(int(k + rng.integers(0, 7)) for k in size)
    x, W = rng.normal(size=(N, C, *shape)), rng.normal(size=(F, C, *size))
    inputs = [mg.Tensor(one, requires_grad=True) for one in (x, W)]
    z = mg.conv(inputs[0], inputs[1], stride)
    np.testing.assert_allclose(
        z.array, by_definition(x, W, stride), rtol=1e-11, atol=1e-13
    )
    unfused = mg.unfuse(z)
    dz = rng.normal(size=z.shape)
    for one, other in zip(
        mg.grad(z, inputs, upstream=dz),
        mg.grad(unfused, inputs, upstream=dz),
        strict=True,
    ):
        np.testing.assert_allclose(one.array, other.array, rtol=1e-11, atol=1e-12)


def test_a_kernel_is_not_flipped():
    z = mg.conv([[[0.0, 0.0, 1.0, 0.0, 0.0]]], [[[1.0, 2.0, 3.0]]])
    np.testing.assert_array_equal(z.array, [[[3, 2, 1]]])


def test_a_pixel_receives_the_gradients_of_all_windows_that_contain_it():
    x = mg.Tensor(np.zeros((1, 1, 3, 4)), requires_grad=True)
    mg.conv(x, np.ones((1, 1, 2, 2))).sum().backward()
    np.testing.assert_array_equal(
        x.grad, [[[[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]]]
    )


def test_elements_that_no_window_reaches_get_0():
    x = mg.Tensor(np.ones((1, 1, 6)), requires_grad=True)
    mg.conv(x, [[[1.0, 2.0]]], stride=3).sum().backward()
    np.testing.assert_array_equal(x.grad, [[[1, 2, 0, 1, 2, 0]]])


def test_images_lie_side_by_side_after_a_convolution():
    """So that the next convolution, pooling or elementwise gate need not move them."""
    W = mg.Tensor(np.ones((3, 2, 2, 2)), requires_grad=True)
    z = mg.conv(np.ones((5, 2, 4, 4)), W)
    for output in (z, mg.relu(z), mg.max_pool(z, (2, 2))):
        assert output.array.transpose(1, 2, 3, 0).flags.c_contiguous


@pytest.mark.parametrize(
    "dtypes", [("uint8", "float32"), ("float32", "float64"), ("int64", "int64")]
)
def test_other_dtypes_are_taken_as_numpy_does(dtypes):
    x, W = np.full((1, 1, 3), 200, dtypes[0]), np.full((1, 1, 2), 3, dtypes[1])
    z = mg.conv(x, W)
    assert z.dtype == np.float64
    np.testing.assert_array_equal(z.array, [[[1200, 1200]]])


def test_windows_and_their_sums_by_hand():
    x = mg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    z = mg.windows(x, (2, 2))
    np.testing.assert_array_equal(z.array, [[[[1, 2], [4, 5]], [[2, 3], [5, 6]]]])
    z.sum().backward()
    np.testing.assert_array_equal(x.grad, [[1, 2, 1], [1, 2, 1]])
    back = mg.AddWindows((2, 3))(z)
    np.testing.assert_array_equal(back.array, x.array * x.grad)


def test_changing_the_array_does_not_change_its_windows():
    x = mg.Tensor(np.zeros(4), requires_grad=True)
    z = mg.windows(x, 2)
    x.update(lambda array: array.fill(1))
    assert not z.array.any()


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = mg.Tensor([[2.0, 2.0, 1.0, 3.0], [2.0, 2.0, 3.0, 3.0]], requires_grad=True)
    mg.max_pool(x, (2, 2)).backward([[5.0, 7.0]])
    np.testing.assert_array_equal(x.grad, [[5, 0, 0, 7], [0, 0, 0, 0]])


def test_overlapping_windows_add_to_their_common_maximum():
    x = mg.Tensor([1.0, 5.0, 5.0, 2.0], requires_grad=True)
    mg.max_pool(x, 2, stride=1).backward([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(x.grad, [0, 11, 100, 0])


def test_an_empty_batch_is_empty():
    x = mg.Tensor(np.ones((0, 2, 5, 5)), requires_grad=True)
    W = mg.Tensor(np.ones((3, 2, 2, 2)), requires_grad=True)
    z = mg.max_pool(mg.conv(x, W), (2, 2))
    z.sum().backward()
    assert z.shape == (0, 3, 2, 2)
    np.testing.assert_array_equal(x.grad, x.array)
    np.testing.assert_array_equal(W.grad, 0 * W.array)


ONES = np.ones


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (
            "conv(ONES((2, 3, 5, 5)), ONES((4, 2, 3, 3)))",
            "MG163.*W (4, 2, 3, 3).*x (2, 3, 5, 5)",
        ),
        ("conv(ONES((3, 5, 5)), ONES((4, 3, 3, 3)))", "MG163"),
        ("conv(ONES((3, 5, 5)), ONES((4, 3, 3, 3)), padding=1)", "MG163"),
        ("conv(ONES((3, 5)), ONES((4, 5)))", "MG163"),
        ("conv(ONES((2, 3, 5, 5, 5)), ONES((4, 3, 3, 3, 3)))", "MG163"),
        (
            "conv(ONES((2, 3, 5, 5)), ONES((4, 3, 6, 3)))",
            "MG162.*window (6, 3) over axes (5, 5)",
        ),
        ("conv(ONES((2, 3, 5, 5)), ONES((4, 3, 0, 3)))", "MG162"),
        ("conv(ONES((2, 3, 5, 5)), ONES((4, 3, 3, 3)), 0)", "MG162.*stride 0"),
        ("conv(ONES((2, 3, 5, 5)), ONES((4, 3, 3, 3)), (1, -1))", "MG162"),
        ("conv(ONES((2, 3, 5, 5)), ONES((4, 3, 3, 3)), 1.5)", "MG162.*1.5"),
        ("conv(ONES((2, 3, 5, 5)), ONES((4, 3, 3, 3)), (1, 1, 1))", "MG162"),
        ("conv(ONES((2, 3, 5, 5)), ONES((4, 3, 3, 3)), padding=-1)", "MG109"),
        (
            "windows(ONES(3), 4)",
            "MG162.*Windows cannot move a window (4,) over axes (3,)",
        ),
        ("windows(ONES(3), (2, 2))", "MG162"),
        ("windows(ONES(3), ())", "MG162"),
        ("windows(ONES(3), 2.0)", "MG162"),
        ("windows(ONES(3), -1)", "MG162"),
        ("windows(ONES(3), 5, -1)", "MG162"),
        ("max_pool(1.0, 2)", "MG162.*MaxPool"),
        ("max_pool(ONES((2, 2)), (3, 1))", "MG162"),
        ("AddWindows((5,))(ONES((3, 2)))", "MG109.*such windows"),
        ("AddWindows((4,))(ONES((1, 2)))", "MG109"),
        ("AddWindows((4,))(ONES(4))", "MG109|MG162"),
    ],
)
def test_what_does_not_fit_is_refused(call, code):
    names = {
        name: getattr(mg, name)
        for name in ("conv", "windows", "max_pool", "AddWindows")
    }
    code = code if "|" in code else re.escape(code).replace(r"\.\*", ".*")
    with pytest.raises(mg.MinigradError, match=f"(?s){code}"):
        eval(call, names | {"ONES": ONES})
