"""Milestone 9: a network with one hidden layer tells two spirals apart.

Write `cross_entropy`. Then run

    minigrad course milestones 9
"""

import sys

import numpy as np
from my_engine import Gate, Value, my_gradcheck, train, unbroadcast

from minigrad.course.milestones.training import counted, show


def cross_entropy(z, labels):
    """Return the loss of each label: a Value with the shape of `labels`.

    z       a Value (..., K), with K logits for each label
    labels  an array of integers (...), from 0 to K - 1
    A loss is -log p[label], where p is the softmax of the K logits. There can
    be any number of axes in front of the last one.
    """
    raise NotImplementedError("not written yet")


def spirals(count, seed):
    """Return points on two spirals (2 * count, 2), and their labels."""
    rng = np.random.default_rng(seed)
    radius = np.linspace(0.15, 1, count)
    arms = []
    for arm in range(2):
        angle = np.pi * (3 * radius + arm)
        place = radius * np.array([np.cos(angle), np.sin(angle)])
        arms.append(place.T + 0.02 * rng.normal(size=(count, 2)))
    return np.concatenate(arms), np.repeat([0, 1], count)


def start():
    """Return W1, b1, W2 and b2 of a network with 32 hidden numbers."""
    rng = np.random.default_rng(1)
    W1, W2 = 4 * rng.normal(size=(2, 32)), 0.3 * rng.normal(size=(32, 2))
    return [Value(W1), Value(np.zeros(32)), Value(W2), Value(np.zeros(2))]


def network(x, W1, b1, W2, b2):
    """Return two logits for each point of x (N, 2): a Value (N, 2)."""
    return (x @ W1 + b1).tanh() @ W2 + b2


X, LABELS = spirals(100, seed=0)


def loss(parameters):
    return cross_entropy(network(X, *parameters), LABELS).mean()


def learn(parameters, steps=3000):
    """Train the network. Return its losses, and what it has learned."""
    losses = train(counted(loss, steps), parameters, 1.0, steps)
    points, labels = spirals(150, seed=5)
    guesses = network(points, *parameters).array.argmax(axis=1)
    right = (guesses == labels).mean()
    line = np.linspace(-1.1, 1.1, 56)
    square = np.array([[x, y] for y in line[::-1] for x in line])
    regions = network(square, *parameters).array.argmax(axis=1)
    return {
        "losses": losses,
        "told": f"{right:.1%} of {len(labels)} new points are right",
        "right": right,
        "regions": regions.reshape(56, 56),
        "points": points,
        "labels": labels,
    }


if __name__ == "__main__":
    show(sys.modules[__name__])
