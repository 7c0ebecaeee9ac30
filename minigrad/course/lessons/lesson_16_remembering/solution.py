"""Lesson 16, solved."""

import numpy as np

import minigrad as mg
from layers import Cell, init


class GRUCell(Cell):
    def __init__(self, inputs, hidden):
        super().__init__(inputs, hidden)
        self.W_xh = mg.Tensor(init.glorot_uniform((inputs, 3 * hidden)), requires_grad=True)
        self.W_hh = mg.Tensor(init.orthogonal((hidden, 3 * hidden)), requires_grad=True)
        self.b_xh = mg.Tensor(init.zeros((3 * hidden,)), requires_grad=True)
        self.b_hh = mg.Tensor(init.zeros((3 * hidden,)), requires_grad=True)

    def forward(self, x, h):
        H = self.hidden
        a = x @ self.W_xh + self.b_xh
        s = h @ self.W_hh + self.b_hh
        z = mg.sigmoid(a[:, :H] + s[:, :H])
        r = mg.sigmoid(a[:, H : 2 * H] + s[:, H : 2 * H])
        n = mg.tanh(a[:, 2 * H :] + r * s[:, 2 * H :])
        h = (1 - z) * n + z * h
        return h, h


class LSTMCell(Cell):
    state_names = ("h", "c")

    def __init__(self, inputs, hidden):
        super().__init__(inputs, hidden)
        self.W_xh = mg.Tensor(init.glorot_uniform((inputs, 4 * hidden)), requires_grad=True)
        self.W_hh = mg.Tensor(init.orthogonal((hidden, 4 * hidden)), requires_grad=True)
        self.b = mg.Tensor(init.zeros((4 * hidden,)), requires_grad=True)

    def forward(self, x, state):
        H, (h, c) = self.hidden, state
        a = x @ self.W_xh + h @ self.W_hh + self.b
        i, f = mg.sigmoid(a[:, :H]), mg.sigmoid(a[:, H : 2 * H])
        g, o = mg.tanh(a[:, 2 * H : 3 * H]), mg.sigmoid(a[:, 3 * H :])
        c = f * c + i * g
        h = o * mg.tanh(c)
        return h, (h, c)


def first_bias(hidden, forget):
    b = np.zeros(4 * hidden)
    b[hidden : 2 * hidden] = forget
    return b


def memory_left(bias, steps):
    return (1 / (1 + np.exp(-bias))) ** steps


def bias_needed(share, steps):
    f = share ** (1 / steps)
    return np.log(f / (1 - f))


def shares(f, i):
    found, kept = [], 1.0
    for forget, write in zip(f[::-1], i[::-1], strict=True):
        found.append(write * kept)
        kept = kept * forget
    return found[::-1]
