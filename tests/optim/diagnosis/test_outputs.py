"""Faults between the last layer and the loss, and the corrected runs."""

from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import RNN, Dense, Layer, Sequential
from tests.optim.diagnosis.helpers import (
    TARGETS,
    X,
    Y,
    codes,
    crossed,
    named_first,
    squared,
    train,
)


class Softmax(Layer):
    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        return mg.Softmax(self.axis)(x)


class Probabilities(Layer):
    """A softmax by hand, which the graph does not name."""

    def forward(self, x):
        e = mg.exp(x)
        return e / e.sum(axis=-1, keepdims=True)


def ending(outputs, *last: Any):
    """A network that ends with a Dense and these layers."""

    def make():
        return Sequential(
            Dense(4, 8, mg.relu),
            Dense(8, outputs),
            *last,
        )

    return make


def positive(logits, labels):
    return mg.binary_cross_entropy(logits, labels)


COLUMN = Y[:, None].astype("float32")


def test_output_of_a_recurrent_layer():
    x = X[:, :, None]
    result = train(lambda: RNN(1, 1), x, 5 + TARGETS, squared, epochs=3)
    named_first(result, "output-range", "rnn")


def test_one_output_with_two_targets():
    """As in mixup, and in a Huber loss."""

    def mixed(logits, labels):
        return 0.7 * crossed(logits, labels) + 0.3 * crossed(logits, 1 - labels)

    assert codes(train(loss=mixed)) == []


def test_softmax_of_one_output():
    result = train(ending(1, Softmax()), y=COLUMN, loss=squared)
    named_first(result, "softmax-of-one", "softmax")
    result = train(ending(1), y=0 * Y)
    assert "softmax-of-one" in codes(result)
    assert codes(train(ending(1), y=COLUMN, loss=positive)) == []


@pytest.mark.parametrize("activation", [mg.relu, mg.tanh])
def test_activation_before_a_cross_entropy(activation):
    result = train(ending(1, activation), y=COLUMN, loss=positive)
    named_first(result, "activation-before-cross-entropy", activation.name.lower())


def test_leaving_out_the_activation_is_tried():
    result = train(ending(2, mg.sigmoid), lr=0.3, epochs=20)
    code = "activation-before-cross-entropy"
    named_first(result, code, "sigmoid", "proved")


def test_probabilities_in_place_of_logits():
    result = train(ending(2, Probabilities()))
    named_first(result, "activation-before-cross-entropy", "probabilities")


@pytest.mark.parametrize(
    ("last", "y", "loss"),
    [(Softmax(), Y, crossed), (mg.sigmoid, COLUMN, positive)],
)
def test_probabilities_that_the_loss_refuses(last, y, loss):
    result = train(ending(3 - y.ndim, last), y=y, loss=loss)
    first = named_first(result, "stopped", "softmax" if y.ndim == 1 else "sigmoid")
    assert "MG157" in first.what


@pytest.mark.parametrize("shape", [(64,), (64, 1)])
def test_loss_of_all_pairs(shape):
    def error(z, y):
        return ((z - y) ** 2).mean()

    def run():
        return train(
            ending(1),
            y=TARGETS.reshape(shape),
            loss=error,
            lr=0.05,
        )

    if len(shape) == 2:
        assert codes(run()) == []
    else:
        with pytest.warns(UserWarning, match="MG173"):
            result = run()
        first = named_first(result, "broadcast-loss", "z - y")
        assert "(16, 16)" in first.what


@pytest.mark.parametrize(
    ("activation", "y"),
    [
        (mg.relu, TARGETS),
        (mg.sigmoid, 2 * TARGETS),
        (mg.tanh, 2 * TARGETS),
        (Softmax(), np.column_stack([Y, 1 - Y, Y]).astype("float32")),
    ],
)
def test_targets_beyond_the_range_of_the_activation(activation, y):
    outputs = y.shape[1]
    run = partial(
        train,
        y=y,
        loss=squared,
        lr=0.05,
        rule=optim.Adam,
        epochs=20,
    )
    result = run(ending(outputs, activation))
    named_first(result, "output-range", type(activation).__name__.lower())
    assert codes(run(ending(outputs))) == []


def test_targets_within_the_range_of_the_activation():
    y = 1 / (1 + np.exp(-3 * TARGETS))
    result = train(
        ending(1, mg.sigmoid),
        y=y,
        loss=squared,
        lr=2.0,
    )
    assert codes(result) == []


def test_squared_error_for_classes():
    """Confidently wrong at the start: the sigmoid's inputs are near -10."""

    def make():
        model = ending(1, mg.sigmoid)()
        model[1].b.array = np.array([-10.0], "float32")
        return model

    result = train(make, y=COLUMN, loss=squared)
    named_first(result, "wrong-loss-for-classes", "sigmoid", "proved")


def test_absolute_error_for_classes():
    y = (X[:, :1] > 0.8).astype("float32")
    result = train(
        ending(1),
        y=y,
        loss=mg.mean_absolute_error,
        lr=0.02,
    )
    named_first(result, "wrong-loss-for-classes", "dense_2")
    result = train(
        ending(1),
        y=y,
        loss=positive,
        lr=1.0,
    )
    assert codes(result) == []


class TwoHeads(Layer):
    def __init__(self, twice):
        self.body = Dense(4, 8, mg.relu)
        self.a = self.b = Dense(8, 1)
        if not twice:
            self.b = Dense(8, 1)

    def forward(self, x):
        h = self.body(x)
        return self.a(h), self.b(h)


@pytest.mark.parametrize("twice", [True, False])
def test_one_layer_with_two_names(twice):
    mg.seed(0)
    model = TwoHeads(twice)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    with optim.diagnose(quiet=True) as diagnosis:
        for _ in range(40):
            a, b = model(X)
            loss = squared(a, TARGETS) + squared(b, X[:, 2:3] + X[:, 3:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    if twice:
        named_first(diagnosis.result, "same-layer-twice", "twoheads.a")
    else:
        assert codes(diagnosis.result) == []
