"""Steps that are too large, too small or too few, and the corrected runs. All are proved."""

from functools import partial

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import Dense
from minigrad.data import Batches
from tests.optim.diagnosis.helpers import (
    X,
    Y,
    codes,
    crossed,
    named_first,
    network,
    train,
)

summed = mg.SoftmaxCrossEntropy(reduction="sum")


def test_rate_too_large():
    result = train(lr=300.0)
    first = named_first(result, "rate-too-large", "optimizer = rule", "proved")
    assert "rate of 300" in first.what
    assert first.trial[-1] < first.run[-1]


def test_rate_of_a_summed_loss():
    result = train(
        loss=summed,
        lr=10.0,
        size=64,
        epochs=40,
    )
    first = named_first(result, "rate-too-large", "Trainer(model, loss", "proved")
    assert "a sum over 64 numbers" in first.what
    assert "acts like 640" in first.what
    assert codes(train(loss=summed, lr=0.5 / 16)) == []


def test_rate_that_makes_the_loss_explode():
    """The run stops, and this is only the consequence."""
    x = np.concatenate([X, X**2], axis=1)
    y = 5 * x[:, :1] - x[:, 5:6]
    run = partial(
        train,
        lambda: Dense(8, 1),
        x,
        y,
        mg.mean_squared_error,
        epochs=40,
    )
    result = run(lr=5.0)
    named_first(result, "rate-too-large", "optimizer = rule", "proved")
    assert codes(result)[-1] == "not-finite"
    assert codes(run(lr=0.02)) == []


def test_rate_too_small():
    result = train(lr=1e-4)
    first = named_first(result, "rate-too-small", "optimizer = rule", "proved")
    assert "for 40 steps" in first.what


def test_too_few_steps():
    result = train(
        lr=0.02,
        rule=optim.Adam,
        epochs=1,
        size=32,
    )
    assert codes(result) == ["too-few-steps"]
    result = train(lr=0.4, epochs=2, size=64)
    first = named_first(result, "too-few-steps", "Batches", "proved")
    assert first.what == "the run has only 2 steps"
    assert first.changed == "with 150 times as many steps"


@pytest.mark.parametrize("decay", [1.0, 1e-4])
def test_weight_decay(decay):
    result = train(rule=partial(optim.SGD, weight_decay=decay), lr=0.3)
    if decay == 1:
        named_first(result, "weight-decay-too-large", "optimizer = rule", "proved")
    else:
        assert codes(result) == []


@pytest.mark.parametrize("length", [1e-3, 5.0])
def test_clipping(length):
    result = train(callbacks=[optim.ClipGradients(length)])
    if length < 1:
        first = named_first(result, "clip-too-small", "trainer.fit", "proved")
        assert "the length 0.001" in first.what
    else:
        assert codes(result) == []


@pytest.mark.parametrize("steps", [100_000, 4])
def test_warm_up(steps):
    callbacks = [optim.LearningRate(optim.WarmUp(steps))]
    result = train(callbacks=callbacks)
    if steps > 4:
        first = named_first(result, "schedule", "optimizer = rule", "proved")
        assert "in 40 steps" in first.what
        assert "warm-up" in first.remedy
    else:
        assert codes(result) == []


def test_schedule_that_falls_at_once():
    mg.seed(0)
    model = network()
    optimizer = optim.SGD(model.named_parameters(), lr=0.2)
    with optim.diagnose(quiet=True) as diagnosis:
        for step, (xb, yb) in enumerate(
            Batches(
                X,
                Y,
                batch_size=2,
                seed=1,
            )
        ):
            optimizer.scale = 0.2**step
            optimizer.zero_grad()
            loss = crossed(model(xb), yb)
            loss.backward()
            optimizer.step()
    first = named_first(diagnosis.result, "schedule", "LearningRate", "proved")
    assert "fall more slowly" in first.remedy
