"""Dropout in training and evaluation, and its warning."""

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Dropout, ModeWarning, Sequential

from .helpers import assert_close, leaf, raises


def test_dropout_keeps_the_mean():
    mg.seed(1)
    x = leaf(np.ones(100_000, np.float32))
    layer = Dropout(0.0)
    layer.rate = 0.25
    z = layer(x)
    values = np.unique(z.array)
    assert_close(values, [0, 4 / 3], 1e-6)
    # the number kept is binomial: within 5 standard deviations of its mean
    kept = np.count_nonzero(z.array)
    deviation = np.sqrt(100_000 * 0.25 * 0.75)
    assert abs(kept - 75_000) < 5 * deviation
    z.sum().backward()
    assert_close(x.grad, z)


def test_dropout_returns_x_in_evaluation():
    x = mg.Tensor([1.0])
    assert Dropout(0.25).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_dropout_draws_from_mg_seed():
    layer = Dropout(0.5)
    x = np.ones(64)
    mg.seed(3)
    first, second = layer(x), layer(x)
    assert second.dtype == np.float64
    assert not np.array_equal(first.array, second.array)
    mg.seed(3)
    assert_close(layer([1.0] * 64), first)


@pytest.mark.parametrize("x", [np.array([4, 1]), np.array([True, False])])
@pytest.mark.parametrize("layer", [Dropout(0.5), Dropout(0.5).eval()])
def test_dropout_takes_floats(layer, x):
    with raises("MG235", "Dropout takes floats, not (int|bool)"):
        layer(x)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.0, "0.5", None])
def test_dropout_rate_is_from_0_to_1(rate):
    with raises("MG212"):
        Dropout(rate)
    dropout = Dropout(0.0)
    dropout.rate = rate
    with raises("MG212"):
        dropout([1.0])


def test_dropout_warns_if_evaluated_in_training_mode():
    model = Sequential(Dense(4, 4), Dropout(0.5))
    x = np.ones((3, 4))
    text = r"(?s)MG214.*sequential/dropout.*cause:.*model.eval\(\)"
    with mg.no_grad():
        with pytest.warns(ModeWarning, match=text):
            model(x)
        model.eval()(x)  # warnings are errors here
    model.train()(x)
