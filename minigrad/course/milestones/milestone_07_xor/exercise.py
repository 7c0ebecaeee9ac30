"""Milestone 7: XOR, the problem that made hidden units famous. There is nothing
to write: your engine has all that this network needs. Run

    minigrad course milestones 7
"""

import sys

import numpy as np
from my_engine import Gate, Value, my_gradcheck, train, unbroadcast

from minigrad.course.milestones.training import counted, show

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])


def start():
    """Return W1, b1, W2 and b2 of a network with four hidden numbers."""
    rng = np.random.default_rng(0)
    W1, W2 = 0.5 * rng.normal(size=(2, 4)), 0.5 * rng.normal(size=(4, 1))
    return [Value(W1), Value(np.zeros(4)), Value(W2), Value(np.zeros(1))]


def network(x, W1, b1, W2, b2):
    """Return the answers to the rows of x (N, 2): a Value (N, 1)."""
    return (x @ W1 + b1).tanh() @ W2 + b2


def loss(parameters):
    error = network(X, *parameters) - Y
    return (error * error).mean()


def learn(parameters, steps=400):
    """Train the network. Return its losses, and what it has learned."""
    losses = train(counted(loss, steps), parameters, 0.2, steps)
    answers = network(X, *parameters).array.ravel()
    listed = ", ".join(f"{abs(one):.2f}" for one in answers)
    return {
        "losses": losses,
        "told": f"00, 01, 10 and 11 give {listed}",
        "answers": answers,
    }


if __name__ == "__main__":
    show(sys.modules[__name__])
