"""Dropout: what it drops, what it refuses, and when it warns that it was left on."""

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Dropout, ModeWarning, Sequential
from minigrad.errors import DtypeError, OptionError


def test_it_keeps_the_mean_in_training_and_passes_everything_in_evaluation():
    mg.seed(1)
    layer = Dropout(0.25)
    x = mg.Tensor(np.ones(100_000, "float32"), requires_grad=True)
    z = layer(x)
    np.testing.assert_allclose(np.unique(z.array), [0.0, 4 / 3], rtol=1e-6)
    # The number kept is binomial: within 5 standard deviations of its mean.
    assert abs((z.array > 0).sum() - 75_000) < 5 * np.sqrt(100_000 * 0.25 * 0.75)
    z.sum().backward()
    np.testing.assert_array_equal(x.grad, z.array)  # what is dropped sends nothing back
    assert layer.eval()(x) is x and Dropout(0.0)(x) is x


def test_it_is_decided_by_the_one_seed_and_differs_from_call_to_call():
    layer = Dropout(0.5)
    mg.seed(3)
    first, second = layer([1.0] * 64).array, layer(np.ones(64)).array
    assert not np.array_equal(first, second) and second.dtype == np.float64
    mg.seed(3)
    np.testing.assert_array_equal(layer([1.0] * 64).array, first)


@pytest.mark.parametrize("x", [np.array([4, 1]), np.array([True, False])])
@pytest.mark.parametrize("layer", [Dropout(0.5), Dropout(0.5).eval()])
def test_integers_and_booleans_are_refused_in_both_modes(layer, x):
    with pytest.raises(DtypeError, match="MG235.*Dropout takes floats, not (int|bool)"):
        layer(x)


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_is_from_0_up_to_1(rate):
    with pytest.raises(OptionError, match="MG212"):
        Dropout(rate)


def test_only_an_evaluation_in_training_mode_brings_a_warning():
    model, x = Sequential(Dense(4, 4), Dropout(0.5)), np.ones((3, 4))
    text = r"MG214[\s\S]*sequential/dropout[\s\S]*cause:[\s\S]*model.eval\(\)"
    with mg.no_grad(), pytest.warns(ModeWarning, match=text):
        model(x)
    model(x)  # warnings are errors here
    with mg.no_grad():
        model.eval()(x)


def test_another_rate_works_and_is_checked_when_it_is_used():
    mg.seed(0)
    dropout = Dropout(0.0)
    dropout.rate = 0.9
    assert abs((dropout(np.ones(10_000, "float32")).array == 0).mean() - 0.9) < 0.02
    for rate in (1, -0.1, "0.5", None):
        dropout.rate = rate
        with pytest.raises(OptionError, match="MG212"):
            dropout(np.ones(3, "float32"))
