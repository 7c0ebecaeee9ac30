"""Lesson 9, solved: forget, look, measure, move, and repeat for each batch."""

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


def train(x, y, parameters, lr, epochs, size):
    losses = []
    for _ in range(epochs):
        for i in range(0, len(x), size):
            rows = slice(i, i + size)
            zero_grad(parameters)
            loss = ((network(x[rows], *parameters) - y[rows]) ** 2).mean()
            losses.append(loss.item())
            loss.backward()
            step(parameters, lr)
    return losses


def fall(loss, parameters, lr):
    zero_grad(parameters)
    before = loss()
    before.backward()
    predicted = lr * sum((p.grad**2).sum() for p in parameters)
    old = [p.array for p in parameters]
    step(parameters, lr)
    measured = before.item() - loss().item()
    for p, array in zip(parameters, old, strict=True):
        p.array = array
    return measured / predicted


def accuracy(x, y, parameters):
    return ((network(x, *parameters).array > 0.5) == (y > 0.5)).mean()


def suspect(loss, parameters, lr):
    far = [abs(fall(loss, [p], lr) - 1) for p in parameters]
    return far.index(max(far))


if __name__ == "__main__":
    weights = start(0)
    losses = train(X, Y, weights, 0.2, 400, 4)
    for k in range(0, 400, 40):
        print(f"step {k:3}: loss {losses[k]:.3f} {'#' * round(60 * losses[k])}")
    print("the network's answers to 00, 01, 10, 11:", network(X, *weights).array.ravel().round(2))
