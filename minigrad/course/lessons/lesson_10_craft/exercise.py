"""Lesson 10: validate a network, and train it with momentum and with Adam.

Write the five functions that raise NotImplementedError. Then run

    minigrad course check 10
"""

import numpy as np

import minigrad as mg


def moons(n, noise, seed):
    """Return n noisy points on two half circles. Already written.

    x (n, 2) contains the points, and y (n, 1) contains 0 or 1 for each point.
    """
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    angle = np.pi * rng.random(n)
    across = np.cos(angle) + y - 0.5
    up = (np.sin(angle) - 0.25) * (1 - 2 * y)
    x = np.stack([across, up], axis=1)
    return x + noise * rng.normal(size=(n, 2)), y.reshape(n, 1).astype(float)


def start(H, seed):
    """Return random initial weights: [W1 (2, H), b1 (H,), W2 (H, 1), b2 (1,)].
    Already written.
    """
    rng = np.random.default_rng(seed)
    arrays = {
        "W1": rng.normal(size=(2, H)),
        "b1": np.zeros(H),
        "W2": rng.normal(size=(H, 1)) / np.sqrt(H),
        "b2": np.zeros(1),
    }
    parameters = []
    for name, array in arrays.items():
        parameters.append(mg.Tensor(array, requires_grad=True, name=name))
    return parameters


def network(x, W1, b1, W2, b2):
    """Return the output (N, 1) of lesson 9's network for x (N, 2)."""
    return mg.tanh(x @ W1 + b1) @ W2 + b2


def mean_squared(x, y, weights):
    """Return the mean of (network(x) - y)², a Tensor. Already written."""
    return ((network(x, *weights) - y) ** 2).mean()


def split(n, held_out, seed):
    """Split the row numbers 0 to n - 1 at random into two arrays and return
    (training, validation).

    Every row number is in exactly one array. The order of the rows in each part
    does not matter. `held_out`, which may be 0, is the number of rows in
    `validation`. Equal seeds give equal splits.
    """
    raise NotImplementedError("not written yet")


def momentum_step(p, g, v, lr, beta):
    """Take one step with momentum and return (new p, new v).

    p, its gradient g and its velocity v are arrays of the same shape. Do not
    change them.
    """
    raise NotImplementedError("not written yet")


def adam_step(p, g, m, s, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Take step number t of Adam and return (new p, new m, new s).

    t is 1 at the first step. m and s are the running means of g and g² before
    the step. p, g, m and s are arrays of the same shape. Do not change them.
    """
    raise NotImplementedError("not written yet")


def fit(parameters, loss, steps, lr):
    """Train the Tensors in the list `parameters` with `steps` steps of Adam.

    loss() uses the current parameters and returns a Tensor with one number.
    Call it once in each step, because it may also record something, as in
    `validate` below. At the start, the Tensors may have old gradients, which
    must not count. All running means start at zero. Returns a list of `steps`
    plain numbers, not Tensors: the loss before each step.
    """
    raise NotImplementedError("not written yet")


def best_epoch(valid_losses, patience):
    """Return (best, last): the epoch with the lowest validation loss, and the
    last epoch.

    Epochs count from 0. Training stops after the first `patience` epochs in a
    row that set no new lowest loss, or at the end of the list. `best` is the
    best of the epochs up to `last`. An equal loss does not count as lower, and
    neither does NaN. The first loss is not NaN. `patience` is at least 1.
    """
    raise NotImplementedError("not written yet")


def overfit():
    """Train on eight points. The loss should become almost 0."""
    x, y = moons(8, 0.4, 1)
    weights = start(16, 0)
    losses = fit(weights, lambda: mean_squared(x, y, weights), 200, 0.03)
    first, last = losses[0], losses[-1]
    print(f"eight points: the loss goes from {first:.4f} to {last:.4f}")


def validate():
    """Train on 40 of 80 points and print the loss on both halves."""
    x, y = moons(80, 0.4, 1)
    training, validation = split(80, 40, 0)
    weights, valid_losses = start(16, 0), []

    def loss():
        with mg.no_grad():
            now = mean_squared(x[validation], y[validation], weights)
            valid_losses.append(now.item())
        return mean_squared(x[training], y[training], weights)

    losses = fit(weights, loss, 400, 0.03)
    print("epoch  training  validation")
    for k in [*range(0, 100, 20), *range(100, 400, 100), 399]:
        bar = "#" * round(150 * valid_losses[k])
        print(f"{k:5} {losses[k]:9.3f} {valid_losses[k]:11.3f} {bar}")
    best, last = best_epoch(valid_losses, 40)
    print(f"stop after epoch {last}, and keep the weights of epoch {best}:")
    print(f"their validation loss is {valid_losses[best]:.3f}")


if __name__ == "__main__":
    overfit()
    validate()
