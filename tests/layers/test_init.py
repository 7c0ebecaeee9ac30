"""Initialisers: the distributions of glorot, he, uniform, normal and orthogonal."""

import numpy as np
import pytest

import minigrad as mg
from layers import init

from .helpers import assert_close


@pytest.mark.parametrize(
    ("initialiser", "variance", "limit"),
    [
        (init.glorot_uniform, 2 / 700, np.sqrt(6 / 700)),
        (init.glorot_normal, 2 / 700, np.inf),
        (init.he_uniform, 2 / 300, np.sqrt(6 / 300)),
        (init.he_normal, 2 / 300, np.inf),
        (init.uniform(-3.0, 1.0), 16 / 12, 3.0),
        (init.normal(0.3), 0.09, np.inf),
    ],
)
def test_init_of_matrices(initialiser, variance, limit):
    mg.seed(0)
    W = initialiser((300, 400))
    assert W.dtype == np.float32
    # 120,000 draws: about ten standard errors
    assert_close(W.var(), variance, rtol=0.04)
    assert np.abs(W).max() <= limit + 1e-6
    mg.seed(0)
    again = initialiser((300, 400))
    assert_close(again, W, 0)


@pytest.mark.parametrize(
    ("initialiser", "variance"),
    [
        (init.glorot_uniform, 2 / (1000 + 1500)),
        (init.glorot_normal, 2 / (1000 + 1500)),
        (init.he_uniform, 2 / 1000),
        (init.he_normal, 2 / 1000),
    ],
)
def test_init_of_convolution_kernels(initialiser, variance):
    mg.seed(0)
    shape = (60, 40, 5, 5)
    W = initialiser(shape)
    assert W.shape == shape
    assert W.dtype == np.float32
    assert_close(W.var(), variance, rtol=0.03)


@pytest.mark.parametrize(
    "shape",
    [
        (6, 6),
        (4, 12),
        (12, 4),
        (4, 3, 2, 2),
        (9, 2, 3),
        (12, 3, 2, 2),
    ],
)
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    W = init.orthogonal(shape)
    assert W.shape == shape
    assert W.dtype == np.float32
    W = W.reshape(len(W), -1)
    if len(W) > W.shape[1]:
        W = W.T
    assert_close(W @ W.T, np.eye(len(W)), atol=1e-6)


def test_orthogonal_is_unbiased():
    # without the correction of signs, the diagonal of a QR factor is biased
    mg.seed(0)
    drawn = [init.orthogonal((3, 3)) for _ in range(2000)]
    mean = np.mean(drawn, axis=0)
    assert_close(mean, 0, 5 / np.sqrt(3 * 2000))
