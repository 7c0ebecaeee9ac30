"""Activations at extreme inputs: large numbers, infinities, masked logits, empty arrays."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from minigrad.gates import activation
from minigrad.support import arrays as kernels

INF = np.inf


@pytest.mark.parametrize("bound", [-1000, 40])
@pytest.mark.parametrize(
    ("dtype", "lowest"),
    [
        ("float16", -16),
        ("float32", -100),
        ("float64", -740),
    ],
)
def test_sigmoid_is_accurate(monkeypatch, bound, dtype, lowest):
    monkeypatch.setattr(activation, "NO_OVERFLOW_BELOW", bound)
    for highest in (5, 60):  # without large elements and with them
        x = np.linspace(lowest, highest, 5001).astype(dtype)
        e = np.exp(x.astype(np.longdouble))
        expected = e / (1 + e)
        z = mg.sigmoid(mg.Tensor(x)).array
        assert z.dtype == dtype
        error = abs(z - expected)
        assert (error <= 4 * np.spacing(expected.astype(dtype))).all()
    ends = np.array([-INF, INF, np.nan, 1e4], dtype)
    assert_array_equal(mg.sigmoid(ends).array, [0, 1, np.nan, 1])


def test_log_of_sigmoid_is_accurate_far_below_0():
    x = mg.Tensor([-20.0, -100.0])  # float32, in which sigmoid(-100) has 5 bits
    assert_allclose(mg.log(mg.sigmoid(x)).array, [-20, -100], rtol=1e-3)


@pytest.mark.parametrize(
    "function",
    [
        mg.sigmoid,
        mg.softplus,
        lambda x: mg.binary_cross_entropy(x, [0, 0], reduction="sum"),
    ],
)
def test_sigmoid_gradient_is_accurate_far_below_0(function):
    x: Any = mg.Tensor([-20.0, -100.0], requires_grad=True)
    function(x).sum().backward()
    tail = [2.0611536e-09, 3.7835e-44]  # sigmoid(-20) and sigmoid(-100)
    assert_allclose(x.grad, tail, rtol=2e-6, atol=3e-45)


@pytest.mark.parametrize("block", [1, 1 << 16])
@pytest.mark.parametrize(
    ("function", "value", "slope"),
    [
        (
            mg.softmax,
            [[0, 0.5, 0.5]],
            [[0, -0.25, 0.25]],
        ),
        (
            mg.log_softmax,
            [
                [
                    -INF,
                    -np.log(2),
                    -np.log(2),
                ]
            ],
            [
                [
                    3,
                    1 - 3,
                    2 - 3,
                ]
            ],
        ),
        (
            lambda x: mg.softmax_cross_entropy(x, [1], reduction="none"),
            [np.log(2)],
            [[0, -0.5, 0.5]],
        ),
        (
            lambda x: mg.softmax_cross_entropy(x, [0], reduction="none"),
            [INF],
            [[-1, 0.5, 0.5]],
        ),
    ],
)
def test_softmax_mask_is_a_logit_of_minus_infinity(monkeypatch, block, function, value, slope):
    monkeypatch.setattr(kernels, "BLOCK", block)
    x = mg.Tensor(
        np.array(
            [
                [
                    -INF,
                    0.0,
                    0.0,
                ]
            ]
        ),
        requires_grad=True,
    )
    z = function(x)
    assert_allclose(z.array, value)
    dz = [[3.0, 1.0, 2.0]] if z.ndim == 2 else [1.0]
    (dx,) = mg.grad(z, x, upstream=dz)
    assert_allclose(dx.array, slope)


@pytest.mark.parametrize("shape", [(2, 0), (0, 2), (0, 0), (0,), (2, 0, 3)])
@pytest.mark.parametrize("function", [mg.softmax, mg.log_softmax])
def test_softmax_of_an_empty_array_is_empty(function, shape):
    x = mg.Tensor(np.zeros(shape), requires_grad=True)
    z = function(x)
    (slope,) = mg.grad(z, x, upstream=np.zeros(shape))
    assert z.shape == slope.shape == shape
    assert z.dtype == np.float64
