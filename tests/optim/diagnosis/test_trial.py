"""Repeated runs: the control's losses are the run's, bit for bit, and a trial changes one thing."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import layers
import minigrad as mg
import optim
from layers import Dense, Embedding, Flatten, Sequential
from minigrad.data import Batches
from optim.diagnosis.trial import Trial, losses
from optim.diagnosis.watch import Watch
from tests.optim.diagnosis.helpers import (
    IDS,
    TARGETS,
    X,
    Y,
    crossed,
    network,
    squared,
)

SERIES = np.random.default_rng(1).standard_normal((64, 6, 3)).astype("float32")
IMAGES = SERIES.reshape(64, 1, 6, 3)
momentum = partial(optim.SGD, momentum=0.9)


def recurrent(kind, **options):
    def make():
        layer = getattr(layers, kind)(3, 5, **options)
        return Sequential(layer, Dense(5, 2))

    return make


def attention():
    return Sequential(
        Embedding(12, 8),
        layers.PositionalEmbedding(8, 8),
        layers.TransformerBlock(8, 2, dropout=0.2),
        Flatten(),
        Dense(64, 2),
    )


def convolution():
    return Sequential(
        layers.Conv2d(1, 3, 2),
        layers.MaxPool2d(2),
        Flatten(),
        Dense(6, 2),
    )


def noisy():
    return Sequential(
        Dense(4, 8, mg.tanh),
        layers.BatchNorm(8),
        layers.Dropout(0.3),
        Dense(8, 2),
    )


def watched(
    make: Any = network,
    x: Any = X,
    rule: Any = optim.SGD,
    lr=0.1,
    clip=None,
    every=1,
    clear=True,
    again=False,
    fused=None,
):
    """Train for one epoch, and return the Watch."""
    mg.seed(0)
    model = make()
    optimizer = rule(model.named_parameters(), lr=lr)
    watch = Watch()
    with watch, mg.fused(fused):
        for number, (xb, yb) in enumerate(Batches(x, Y, batch_size=16)):
            if clear and number % every == 0:
                optimizer.zero_grad()
            if again:
                optimizer = rule(model.named_parameters(), lr=lr)
            crossed(model(xb), yb).backward()
            if clip is not None:
                optim.clip_gradients(model.named_parameters(), clip)
            if number % every == every - 1:
                optimizer.step()
    return watch


RUNS = {
    "RNN": {"make": recurrent("RNN"), "x": SERIES},
    "truncated RNN": {"make": recurrent("RNN", truncate=2), "x": SERIES},
    "GRU": {"make": recurrent("GRU"), "x": SERIES},
    "fused GRU": {
        "make": recurrent("GRU"),
        "x": SERIES,
        "fused": True,
    },
    "truncated GRU": {
        "make": recurrent("GRU", truncate=4),
        "x": SERIES,
        "fused": True,
    },
    "LSTM": {"make": recurrent("LSTM"), "x": SERIES},
    "fused LSTM": {
        "make": recurrent("LSTM"),
        "x": SERIES,
        "fused": True,
    },
    "truncated LSTM": {"make": recurrent("LSTM", truncate=3), "x": SERIES},
    "fused RNN": {
        "make": recurrent("RNN", truncate=2),
        "x": SERIES,
        "fused": True,
    },
    "attention": {
        "make": attention,
        "x": IDS,
        "rule": optim.AdamW,
    },
    "convolution": {"make": convolution, "x": IMAGES},
    "dropout and BatchNorm": {"make": noisy, "rule": momentum},
    "clipping": {"clip": 0.1},
    "RMSprop": {"rule": optim.RMSprop},
    "AdamW": {"rule": optim.AdamW},
    "accumulation": {"every": 2, "rule": momentum},
    "gradients kept": {"clear": False},
    "made again": {"again": True, "rule": optim.Adam},
}


@pytest.mark.parametrize("run", RUNS)
def test_control_repeats_a_run_bit_for_bit(run):
    watch = watched(**RUNS[run])
    assert len(watch.losses) == 4
    assert losses(watch, Trial()) == watch.losses
    assert losses(watch, Trial()) == watch.losses  # a repetition leaves nothing behind


@pytest.mark.parametrize("rule", [optim.SGD, momentum, optim.Adam, optim.Adagrad])
def test_control_of_an_embedding(rule):
    def make():
        return Sequential(Embedding(12, 4), Flatten(), Dense(32, 2))

    watch = watched(make, IDS, rule)
    assert losses(watch, Trial()) == watch.losses


def test_control_of_a_schedule():
    mg.seed(0)
    model = network()
    optimizer = optim.SGD(model.named_parameters(), lr=1.0)
    with Watch() as watch:
        for step in range(6):
            optimizer.scale = 1 / (step + 1)
            optimizer.lr *= 1.1
            optimizer.zero_grad()
            crossed(model(X), Y).backward()
            optimizer.step()
    assert losses(watch, Trial()) == watch.losses


def trained(lr=0.1, rule: Any = optim.SGD, keep=False, steps=5, x=X, **options):
    """The losses of a line that is fitted."""
    w = mg.Tensor(np.zeros((4, 1), "float32"), requires_grad=True, name="w")
    optimizer, found = rule({"w": w}, lr=lr, **options), []
    with Watch() as watch:
        for _ in range(steps):
            if not keep:
                optimizer.zero_grad()
            loss = squared(x @ w, TARGETS)
            loss.backward()
            optimizer.step()
            found.append(loss.item())
    assert found == watch.losses
    return watch


def test_trial_of_another_rate():
    assert losses(trained(0.1), Trial(rate=2.0)) == trained(0.2).losses


def test_trial_of_cleared_gradients():
    assert losses(trained(keep=True), Trial(clear=True)) == trained().losses


def test_trial_of_other_settings():
    watch = trained(rule=momentum)
    assert losses(watch, Trial(settings={"momentum": 0.0})) == trained().losses


def test_trial_with_more_epochs():
    longer = trained(rule=momentum, steps=15).losses
    assert losses(trained(rule=momentum), Trial(epochs=3)) == longer


def test_trial_with_other_inputs():
    watch = trained(x=10 * X)

    def tenth(node):
        return X if node.output.shape == X.shape else None

    assert losses(watch, Trial(leaf=tenth)) == trained().losses


def test_trial_with_another_start():
    def start(path, array):
        assert path == "w"
        return array + 1

    (first, *_) = losses(trained(), Trial(start=start))
    assert first == squared(X @ np.ones((4, 1), "float32"), TARGETS).item()


def test_trial_without_clipping_or_with_one_optimizer():
    assert losses(watched(clip=0.1), Trial(clip=False)) == watched().losses
    again = watched(again=True, rule=optim.Adam)
    once = watched(rule=optim.Adam)
    assert losses(again, Trial(one_optimizer=True)) == once.losses


def test_trial_with_one_batch():
    run = losses(watched(), Trial(one_batch=True))
    assert run[0] > run[1] > run[2] > run[3]


def test_trial_ends_at_a_loss_that_is_not_finite():
    found = losses(trained(), Trial(rate=1e30))
    assert len(found) < 5
    assert not np.isfinite(found[-1])


def test_trial_with_another_objective_and_measure():
    def absolute(made, root):
        return mg.mean_absolute_error(*(made[node] for node in root.inputs))

    def measured(made, root):
        return float(absolute(made, root).item())

    found = losses(trained(), Trial(objective=absolute, measure=measured))
    assert found[0] == pytest.approx(abs(TARGETS).mean())
    assert found[-1] < found[0]


def test_trials_leave_the_parameters_alone():
    watch = trained()
    (leaf,) = watch.first
    before = leaf.output.copy()
    losses(watch, Trial(rate=100.0))
    assert_array_equal(leaf.output, before)
    assert leaf.grad is not None
