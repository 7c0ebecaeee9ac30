"""Initialisers have the distributions that they promise."""

import numpy as np
import pytest

import minigrad as mg
from layers import init


@pytest.mark.parametrize(
    ("initialiser", "deviation", "limit"),
    [
        (init.glorot_uniform, np.sqrt(2 / 700), np.sqrt(6 / 700)),
        (init.glorot_normal, np.sqrt(2 / 700), np.inf),
        (init.he_uniform, np.sqrt(2 / 300), np.sqrt(6 / 300)),
        (init.he_normal, np.sqrt(2 / 300), np.inf),
        (init.uniform(-3.0, 1.0), 4 / np.sqrt(12), 3.0),
        (init.normal(0.3), 0.3, np.inf),
    ],
)
def test_they_have_the_deviation_they_promise(initialiser, deviation, limit):
    mg.seed(0)
    first = initialiser((300, 400))
    assert first.dtype == np.float32
    assert (
        abs(first.std() / deviation - 1) < 0.02
    )  # 120,000 draws: about ten standard errors
    assert np.abs(first).max() <= limit * (1 + 1e-6)
    mg.seed(0)
    np.testing.assert_array_equal(initialiser((300, 400)), first)


@pytest.mark.parametrize("shape", [(6, 6), (4, 12), (12, 4)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    W = init.orthogonal(shape)
    assert W.shape == shape and W.dtype == np.float32
    product = W @ W.T if shape[0] <= shape[1] else W.T @ W
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-6)


def test_orthogonal_prefers_no_direction():
    # Without the correction of signs the diagonal of a QR factor is biased; an even draw has mean 0
    # everywhere.
    mg.seed(0)
    mean = np.mean([init.orthogonal((3, 3)) for _ in range(2000)], axis=0)
    assert np.abs(mean).max() < 5 / np.sqrt(3 * 2000)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / (40 * 25 + 60 * 25)),
        ("glorot_normal", 2 / (40 * 25 + 60 * 25)),
        ("he_uniform", 2 / (40 * 25)),
        ("he_normal", 2 / (40 * 25)),
    ],
)
def test_kernels_have_the_fans_of_their_windows(name, variance):
    mg.seed(0)
    kernels = getattr(init, name)((60, 40, 5, 5))
    assert kernels.shape == (60, 40, 5, 5) and kernels.dtype == np.float32
    np.testing.assert_allclose(kernels.var(), variance, rtol=0.03)


@pytest.mark.parametrize("shape", [(4, 3, 2, 2), (9, 2, 3), (12, 3, 2, 2)])
def test_filters_are_orthogonal(shape):
    W = init.orthogonal(shape).reshape(shape[0], -1)
    product = W @ W.T if W.shape[0] <= W.shape[1] else W.T @ W
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-6)
