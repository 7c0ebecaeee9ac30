"""Small data, and short runs with or without a fault."""

from contextlib import suppress
from typing import Any

import numpy as np

import minigrad as mg
import optim
from layers import Dense, Sequential
from minigrad.data import Batches
from optim.diagnosis.evidence import Evidence
from optim.diagnosis.watch import Watch

RNG = np.random.default_rng(0)
X = RNG.standard_normal((64, 4)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
TARGETS = X[:, :1] - X[:, 1:2]
IDS = RNG.integers(1, 12, (64, 8))
crossed = mg.softmax_cross_entropy
squared = mg.mean_squared_error


def network(inputs=4, outputs=2, activation: Any = mg.relu, **options):
    return Sequential(
        Dense(inputs, 8, activation, **options),
        Dense(8, outputs),
    )


def train(
    model: Any = None,
    x: Any = X,
    y: Any = Y,
    loss: Any = crossed,
    lr=0.5,
    rule: Any = optim.SGD,
    epochs=10,
    size=16,
    shuffle=True,
    validation: Any = None,
    **options,
):
    """Train a model under diagnosis, and return the Diagnosis. Errors of minigrad end the run."""
    mg.seed(0)
    options = {"metrics": {}, "callbacks": []} | options
    diagnosis = optim.diagnose(quiet=True)
    with np.errstate(all="ignore"), suppress(mg.MinigradError), diagnosis:
        model = model() if model else network()
        optimizer = rule(model.named_parameters(), lr=lr)
        trainer = optim.Trainer(model, loss, optimizer, **options)
        batches = Batches(x, y, batch_size=size, shuffle=shuffle)
        trainer.fit(batches, epochs, validation)
    return diagnosis.result


def codes(result):
    return [finding.code for finding in result.findings]


def named_first(result, code, where, certainty=None):
    """Check the first finding, and that `where` is in its line or its layer."""
    assert codes(result)[:1] == [code], str(result)
    first = result.findings[0]
    assert where in f"{first.layer} {first.line.text}"
    if certainty is not None:
        assert first.certainty == certainty
    return first


def seen(model: Any, loss: Any, x: Any = X, y: Any = Y, steps=3, lr=0.1):
    """Evidence of a short run on one batch."""
    mg.seed(0)
    with Watch() as watch:
        model = model()
        optimizer = optim.SGD(model.named_parameters(), lr=lr)
        for _ in range(steps):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
    return Evidence(watch)


def regression(loss=squared, y=TARGETS):
    return seen(lambda: network(4, y.shape[1]), loss, y=y)
