"""Small networks, and the Recorder of a short run."""

from typing import Any

import numpy as np

import minigrad as mg
import optim
from layers import Dense, Dropout, Embedding, Sequential
from optim.recording.recorder import Recorder

RNG = np.random.default_rng(0)
X = RNG.standard_normal((8, 3)).astype("float32")
Y = np.arange(8) % 2
IDS = RNG.integers(0, 12, (40, 8, 5))


def network():
    return Sequential(Dense(3, 4, mg.relu), Dense(4, 2))


def reader():
    """A network with a table and dropout."""
    return Sequential(Embedding(12, 4), Dropout(0.3), mean, Dense(4, 2))


def mean(x):
    return x.mean(axis=1)


def train(model, steps=4, x: Any = X, y: Any = Y, rule: Any = optim.SGD, lr=0.1):
    """Train on x, or on x[step] if x is a list or has a batch for each step. Return the losses."""
    optimizer = rule(model.named_parameters(), lr=lr)
    losses = []
    for step in range(steps):
        batch = x[step] if len(x) != len(y) else x
        loss = mg.softmax_cross_entropy(model(batch), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def recorded(model, *arguments, **options):
    """Train under a Recorder, and return the recorded Run."""
    with Recorder() as recorder:
        train(model, *arguments, **options)
    (run,) = recorder.runs
    return run
