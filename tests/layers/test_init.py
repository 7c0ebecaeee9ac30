"""Initialisers: the distributions of glorot, he, uniform, normal and orthogonal."""

import numpy as np
import pytest

import minigrad as mg
from layers import init

from .helpers import assert_close

MATRIX = (300, 400)
KERNELS = (60, 40, 5, 5)


@pytest.mark.parametrize(
    ("initialiser", "shape", "variance", "largest_square"),
    [
        (init.glorot_uniform, MATRIX, 2 / 700, 6 / 700),
        (init.glorot_normal, MATRIX, 2 / 700, np.inf),
        (init.he_uniform, MATRIX, 2 / 300, 6 / 300),
        (init.he_normal, MATRIX, 2 / 300, np.inf),
        (init.uniform(-3.0, 1.0), MATRIX, 16 / 12, 9),
        (init.normal(0.3), MATRIX, 0.09, np.inf),
        (init.glorot_uniform, KERNELS, 2 / 2500, 6 / 2500),
        (init.glorot_normal, KERNELS, 2 / 2500, np.inf),
        (init.he_uniform, KERNELS, 2 / 1000, 6 / 1000),
        (init.he_normal, KERNELS, 2 / 1000, np.inf),
    ],
)
def test_init_of_matrices_and_convolution_kernels(initialiser, shape, variance, largest_square):
    mg.seed(0)
    W = initialiser(shape)
    assert W.shape == shape
    assert W.dtype == np.float32
    # 60,000 draws or more: about seven standard errors
    assert_close(W.var(), variance, rtol=0.03)
    assert (W**2).max() <= largest_square + 1e-6
    mg.seed(0)
    again = initialiser(shape)
    assert_close(again, W, 0)


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
    identity = np.eye(len(W))
    assert_close(W @ W.T, identity, 1e-6)


def test_orthogonal_is_unbiased():
    # without the correction of signs, the diagonal of a QR factor is biased
    mg.seed(0)
    drawn = [init.orthogonal((3, 3)) for _ in range(2000)]
    mean = np.mean(drawn, axis=0)
    deviation = 1 / np.sqrt(3 * 2000)
    assert_close(mean, 0, 5 * deviation)
