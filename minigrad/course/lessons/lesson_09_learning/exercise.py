"""Lesson 9: train a network with two inputs, two hidden numbers and one output
to compute XOR, and test its gradient.

Write the four functions that raise NotImplementedError. Then run

    minigrad course check 9

A parameter p is a Tensor. p.array is its array of numbers. After backward(),
p.grad is its gradient.
"""

import numpy as np

import minigrad as mg

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])


def start(seed):
    """Return random initial weights: [W1 (2, 2), b1 (2,), W2 (2, 1), b2 (1,)].
    Already written.
    """
    rng = np.random.default_rng(seed)
    arrays = {
        "W1": rng.normal(size=(2, 2)),
        "b1": np.zeros(2),
        "W2": rng.normal(size=(2, 1)),
        "b2": np.zeros(1),
    }
    parameters = []
    for name, array in arrays.items():
        parameters.append(mg.Tensor(array, requires_grad=True, name=name))
    return parameters


def network(x, W1, b1, W2, b2):
    """Return the output for x (N, 2), an (N, 1) Tensor. Already written."""
    return mg.tanh(x @ W1 + b1) @ W2 + b2


class WrongTanh(mg.Gate):
    """tanh with the wrong slope 1 - h in place of 1 - h². Already written."""

    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, h, x):
        return (dz * (1 - h),)


def zero_grad(parameters):
    """Clear the gradients: set each parameter's .grad to None. `parameters` is
    a list of Tensors.
    """
    raise NotImplementedError("not written yet")


def step(parameters, lr):
    """Move each parameter against its gradient, by lr times the gradient.
    Returns nothing.

    Assign a new array to each Tensor. Do not make new Tensors. Every parameter
    has a gradient. lr is the learning rate, such as 0.1.
    """
    raise NotImplementedError("not written yet")


def train(x, y, parameters, lr, epochs, size):
    """Train the network. Each epoch goes once through the rows of x (N, 2) and
    y (N, 1), in order, in batches of `size` rows. The last batch may be smaller.

    `parameters` is [W1, b1, W2, b2]. At the start, they may have old gradients,
    which must not count. Take one step for each batch. Its loss is the mean of
    (network(x) - y)² over the rows of the batch. Returns a list of plain
    numbers, not Tensors: the loss of each batch, before its step.
    """
    raise NotImplementedError("not written yet")


def fall(loss, parameters, lr):
    """Return how far the loss falls in one step, divided by the prediction.

    loss() returns the loss, a Tensor, for the current parameters. The
    prediction is lr times the sum of the squares of all numbers in all
    gradients. The parameters may have old gradients, which must not count.
    Afterwards, the parameters must have their old arrays again. Returns a plain
    number.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    weights = start(0)
    losses = train(X, Y, weights, 0.2, 400, 4)
    for k in range(0, 400, 40):
        print(f"step {k:3}: loss {losses[k]:.3f} {'#' * round(60 * losses[k])}")
    answers = network(X, *weights).array.ravel()
    print("the network's answers to 00, 01, 10, 11:", answers.round(2))

    print("the fall in one step of each parameter, divided by the prediction:")
    W1, b1, W2, b2 = parameters = start(38)
    for name, tanh in (("right", mg.tanh), ("wrong", WrongTanh())):

        def loss(tanh=tanh):
            return ((tanh(X @ W1 + b1) @ W2 + b2 - Y) ** 2).mean()

        falls = [f"{p.name} {fall(loss, [p], 0.0001):.2f}" for p in parameters]
        print(f"{name} slope of tanh: {', '.join(falls)}")
