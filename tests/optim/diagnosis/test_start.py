"""Faults that are there before the first step, and the corrected runs."""

from functools import partial
from typing import Any

import numpy as np
import pytest

import layers
import minigrad as mg
import optim
from layers import RNN, BatchNorm, Dense, Embedding, Layer, Sequential, init
from tests.optim.diagnosis.helpers import (
    RNG,
    TARGETS,
    X,
    Y,
    codes,
    named_first,
    network,
    squared,
    train,
)

XOR = (X[:, 0] * X[:, 1] > 0).astype(int)


def constant(value):
    return lambda shape, dtype=None: np.full(shape, value, "float32")


def times(factor):
    return lambda *shape: factor * init.glorot_uniform(*shape)


def deep(activation, layers=4, **options):
    """A network of equal layers."""

    def make():
        hidden = [
            Dense(
                8,
                8,
                activation,
                **options,
            )
            for _ in range(layers)
        ]
        return Sequential(
            Dense(
                4,
                8,
                activation,
                **options,
            ),
            *hidden,
            Dense(8, 2),
        )

    return make


def test_no_nonlinearity():
    adam = partial(
        train,
        y=XOR,
        rule=optim.Adam,
        lr=0.03,
        epochs=30,
    )
    result = adam(lambda: network(activation=None))
    first = named_first(result, "no-nonlinearity", "sequential.dense", "proved")
    assert first.line.text.startswith("Dense(inputs, 8")
    assert codes(adam(network)) == []


def test_no_nonlinearity_that_is_meant():
    """A narrow layer between wide ones is a linear function of low rank."""

    def make():
        return Sequential(Dense(4, 1), Dense(1, 2))

    assert codes(train(make)) == []


def test_equal_weights():
    def make():
        hidden = Dense(4, 8, mg.relu, init=constant(0.1))
        return Sequential(hidden, Dense(8, 2, init=constant(0.1)))

    first = named_first(train(make, y=XOR), "equal-weights", "Dense(4, 8")
    assert "start at 0.1" in first.what


def test_equal_weights_that_become_different():
    """The branch of a residual layer may start at 0."""

    class Residual(Layer):
        def __init__(self):
            self.inner = Dense(4, 8, mg.tanh)
            self.outer = Dense(8, 4, init=init.zeros)

        def forward(self, x):
            return x + self.outer(self.inner(x))

    result = train(lambda: Sequential(Residual(), Dense(4, 2)))
    assert codes(result) == []


def test_equal_weights_of_zero():
    def make():
        return Sequential(
            Dense(4, 8, mg.tanh, init=init.zeros),
            Dense(8, 2, init=init.zeros),
        )

    first = named_first(train(make), "equal-weights", "init=init.zeros", "proved")
    assert "which is 0" in first.effect


def test_linear_model_may_start_at_zero():
    assert codes(train(lambda: Dense(4, 2, init=init.zeros))) == []


@pytest.mark.parametrize("bias", [-100, 0])
def test_dead_units(bias):
    def make():
        model = network()
        model[0].b.array = model[0].b.array + bias
        return model

    result = train(make)
    if bias:
        named_first(result, "dead-units", "Dense(inputs, 8", "proved")
    else:
        assert codes(result) == []


def uneven(parameters, lr):
    """A rule with far too large a rate for the first layer."""
    first = {path: parameters.pop(path) for path in [*parameters][:2]}
    groups: Any = [{"parameters": first, "lr": 1e4}, {"parameters": parameters}]
    return optim.SGD(groups, lr=lr)


def test_units_that_died_in_the_run():
    """No rate helps, because the labels are noise, but the units are seen."""
    noise = np.random.default_rng(0).integers(0, 2, 64)
    result = train(
        y=noise,
        rule=uneven,
        lr=0.1,
        size=64,
        epochs=40,
    )
    first = named_first(result, "dead-units", "Dense(inputs, 8", "certain")
    assert "at the end of the run" in first.what


def test_weights_that_are_too_small():
    make = deep(mg.relu, 2, init=times(0.01))
    result = train(make)
    named_first(result, "weights-badly-drawn", "Dense(", "proved")
    assert codes(train(deep(mg.relu, 2))) == []


def test_gradient_that_vanishes_in_sigmoids():
    result = train(deep(mg.sigmoid, 4))
    named_first(result, "vanishing-gradient", "Dense(")
    assert codes(train(deep(mg.relu, 4))) == []


def test_gradient_that_vanishes_over_time():
    series = RNG.standard_normal((64, 40, 2)).astype("float32")
    y = (series[:, 0, 0] > 0).astype(int)

    def make():
        return Sequential(RNN(2, 4), Dense(4, 2))

    result = train(make, series, y, epochs=4)
    named_first(result, "vanishing-over-time", "sequential", "likely")
    pooled = train(
        lambda: Sequential(RNN(2, 4, pooling="max"), Dense(4, 2)),
        10 * series * (np.arange(40) == 0)[:, None],
        y,
        lr=0.5,
        epochs=10,
    )
    assert codes(pooled) == []


def test_regression_of_a_linear_model():
    result = train(
        lambda: Dense(4, 1),
        y=TARGETS,
        loss=squared,
        lr=0.1,
    )
    assert codes(result) == []
    assert Y.mean() == pytest.approx(0.5, abs=0.1)


class Factors(Layer):
    """A product of two embeddings."""

    def __init__(self, drawn):
        self.rows = Embedding(8, 4, init=drawn)
        self.columns = Embedding(8, 4, init=drawn)

    def forward(self, ids):
        return (self.rows(ids[:, 0]) * self.columns(ids[:, 1])).sum(axis=-1)


def test_normalization_between_linear_layers():
    def make(*activation):
        return Sequential(Dense(4, 8, *activation), BatchNorm(8), Dense(8, 2))

    named_first(train(make, y=XOR, epochs=40), "no-nonlinearity", "Dense")
    assert codes(train(lambda: make(mg.relu), y=XOR, epochs=40)) == []


def test_outputs_that_explode():
    weights = [times(f) for f in (1.0, 40.0)]

    def make(drawn):
        layers = [Dense(8, 8, mg.relu, init=drawn) for _ in range(4)]
        return lambda: Sequential(Dense(4, 8, mg.relu), *layers, Dense(8, 2))

    result = train(make(weights[1]), lr=0.01)
    named_first(result, "weights-badly-drawn", "", "proved")
    assert codes(train(make(weights[0]))) == []


def test_linear_autoencoder_with_tied_weights():
    def make():
        return Tied(init.glorot_uniform((4, 2)))

    assert codes(train(make, y=X, loss=squared, lr=0.1, epochs=40)) == []


class Tied(Layer):
    """x W Wᵀ, a function of rank 2."""

    def __init__(self, weights):
        self.W = mg.Tensor(weights, requires_grad=True)

    def forward(self, x):
        return x @ self.W @ self.W.T


@pytest.mark.parametrize("width", [1, 4])
def test_rows_that_become_equal(width):
    """A LayerNorm over one number returns 0 for every row."""

    def make():
        return Sequential(Dense(4, width), layers.LayerNorm(width), Dense(width, 2))

    result = train(make, lr=0.01)
    if width == 1:
        first = named_first(result, "rows-equal", "layernorm", "certain")
        assert "for all 16 rows" in first.what
    else:
        assert "rows-equal" not in codes(result)
