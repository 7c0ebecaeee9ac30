"""Lesson 10, solved."""

import numpy as np

import minigrad as mg


def moons(n, noise, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    angle = np.pi * rng.random(n)
    x = np.stack([np.cos(angle) + y - 0.5, (np.sin(angle) - 0.25) * (1 - 2 * y)], axis=1)
    return x + noise * rng.normal(size=(n, 2)), y.reshape(n, 1).astype(float)


def start(H, seed):
    rng = np.random.default_rng(seed)
    arrays = {
        "W1": rng.normal(size=(2, H)),
        "b1": np.zeros(H),
        "W2": rng.normal(size=(H, 1)) / np.sqrt(H),
        "b2": np.zeros(1),
    }
    return [mg.Tensor(array, requires_grad=True, name=name) for name, array in arrays.items()]


def network(x, W1, b1, W2, b2):
    return mg.tanh(x @ W1 + b1) @ W2 + b2


def mean_squared(x, y, weights):
    return ((network(x, *weights) - y) ** 2).mean()


def split(n, held_out, seed):
    order = np.random.default_rng(seed).permutation(n)
    return order[held_out:], order[:held_out]


def momentum_step(p, g, v, lr, beta):
    v = beta * v + g
    return p - lr * v, v


def adam_step(p, g, m, s, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return p - lr * m_hat / (np.sqrt(s_hat) + eps), m, s


def fit(parameters, loss, steps, lr):
    losses = []
    ms = [np.zeros(p.shape) for p in parameters]
    ss = [np.zeros(p.shape) for p in parameters]
    for t in range(1, steps + 1):
        for p in parameters:
            p.grad = None
        now = loss()
        losses.append(now.item())
        now.backward()
        for i, p in enumerate(parameters):
            p.array, ms[i], ss[i] = adam_step(p.array, p.grad, ms[i], ss[i], t, lr)
    return losses


def best_epoch(valid_losses, patience):
    best = 0
    for epoch, loss in enumerate(valid_losses):
        if loss < valid_losses[best]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(valid_losses) - 1


def diagnose(losses):
    losses = np.array(losses)
    changes = np.diff(losses)
    if not np.isfinite(losses).all() or (changes > 0).sum() > len(changes) / 3:
        return "too large"
    return "too small" if losses[-1] > losses[0] / 2 else "fine"


def smooth(losses, beta):
    smoothed, m = [], 0.0
    for t, loss in enumerate(losses, 1):
        m = beta * m + (1 - beta) * loss
        smoothed.append(m / (1 - beta**t))
    return smoothed


def overfit():
    x, y = moons(8, 0.4, 1)
    weights = start(16, 0)
    losses = fit(weights, lambda: mean_squared(x, y, weights), 200, 0.03)
    print(f"eight points: the loss goes from {losses[0]:.4f} to {losses[-1]:.4f}")


def validate():
    x, y = moons(80, 0.4, 1)
    training, validation = split(80, 40, 0)
    weights, valid_losses = start(16, 0), []

    def loss():
        with mg.no_grad():
            valid_losses.append(mean_squared(x[validation], y[validation], weights).item())
        return mean_squared(x[training], y[training], weights)

    losses = fit(weights, loss, 400, 0.03)
    print("epoch  training  validation")
    for k in [*range(0, 100, 20), *range(100, 400, 100), 399]:
        print(
            f"{k:5} {losses[k]:9.3f} {valid_losses[k]:11.3f} {'#' * round(150 * valid_losses[k])}"
        )
    best, last = best_epoch(valid_losses, 40)
    print(
        f"stop after epoch {last}, and keep the weights of epoch {best}: {valid_losses[best]:.3f}"
    )


if __name__ == "__main__":
    overfit()
    validate()
