"""Lesson 6, solved: nudge each input and compare."""

import numpy as np


def numeric_gradient(f, x, h=1e-5):
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[index] = h
        slopes[index] = (f(x + nudge) - f(x - nudge)) / (2 * h)
    return slopes


def agree(claimed, measured):
    if np.shape(claimed) != np.shape(measured):
        return False
    return bool(np.allclose(claimed, measured))


def check_input(gate, inputs, i):
    z = gate.forward(*inputs)
    v = np.random.default_rng(0).normal(size=z.shape)

    def loss(x):
        return (v * gate.forward(*inputs[:i], x, *inputs[i + 1 :])).sum()

    claimed = gate.backward(v, z, *inputs)[i]
    return agree(claimed, numeric_gradient(loss, inputs[i]))


def my_gradcheck(gate, *inputs):
    return [check_input(gate, inputs, i) for i in range(len(inputs))]


def factor(claimed, measured):
    c = (claimed * measured).sum() / (measured**2).sum()
    return float(c) if agree(claimed, c * measured) else None


def quick_check(gate, inputs, i, h=1e-5):
    rng = np.random.default_rng(0)
    z = gate.forward(*inputs)
    v, u = rng.normal(size=z.shape), rng.normal(size=inputs[i].shape)

    def loss(x):
        return (v * gate.forward(*inputs[:i], x, *inputs[i + 1 :])).sum()

    measured = (loss(inputs[i] + h * u) - loss(inputs[i] - h * u)) / (2 * h)
    return agree((gate.backward(v, z, *inputs)[i] * u).sum(), measured)


if __name__ == "__main__":
    print(
        "x0² + 3·x1 at (5, 7):",
        numeric_gradient(lambda x: x[0] ** 2 + 3 * x[1], np.array([5.0, 7.0])),
    )
