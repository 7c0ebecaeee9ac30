"""Lesson 9, solved: forget, look, measure, move, and repeat."""

import numpy as np

import minigrad as mg

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])


def start(seed):
    rng = np.random.default_rng(seed)
    arrays = {
        "W1": rng.normal(size=(2, 2)),
        "b1": np.zeros(2),
        "W2": rng.normal(size=(2, 1)),
        "b2": np.zeros(1),
    }
    return [mg.Tensor(array, requires_grad=True, name=name) for name, array in arrays.items()]


def zero_grad(parameters):
    for p in parameters:
        p.grad = None


def step(parameters, lr):
    for p in parameters:
        p.array = p.array - lr * p.grad


def network(x, W1, b1, W2, b2):
    hidden = mg.tanh(x @ W1 + b1)
    return hidden @ W2 + b2


def train(x, y, parameters, lr, steps):
    losses = []
    for _ in range(steps):
        zero_grad(parameters)
        loss = ((network(x, *parameters) - y) ** 2).mean()
        losses.append(loss.item())
        loss.backward()
        step(parameters, lr)
    return losses


def accuracy(x, y, parameters):
    return ((network(x, *parameters).array > 0.5) == (y > 0.5)).mean()


def train_in_batches(x, y, parameters, lr, epochs, size):
    losses = []
    for _ in range(epochs):
        for i in range(0, len(x), size):
            losses += train(x[i : i + size], y[i : i + size], parameters, lr, 1)
    return losses


if __name__ == "__main__":
    weights = start(0)
    losses = train(X, Y, weights, 0.2, 400)
    for k in range(0, 400, 40):
        print(f"step {k:3}: loss {losses[k]:.3f} {'#' * round(60 * losses[k])}")
    print("the network's answers to 00, 01, 10, 11:", network(X, *weights).array.ravel().round(2))
