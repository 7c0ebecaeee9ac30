"""Lesson 12: call one cell again and again with the same weights.

Write the three functions below, then run: minigrad course check 12

Shapes: T time steps, B sequences side by side, D numbers read at each step, H
numbers in the state.
"""

import numpy as np

import minigrad as mg


def rnn_step(x, h, W_xh, W_hh, b_h):
    """Compute one time step, h' = tanh(x @ W_xh + h @ W_hh + b_h).
    Use `mg.tanh`.

    x (B, D) is an array or a Tensor. h (B, H), W_xh (D, H), W_hh (H, H) and b_h
    (H,) are Tensors. Returns h', a Tensor (B, H).
    """
    raise NotImplementedError("not written yet")


def unroll(cell, xs, h0):
    """Run a cell over a sequence.

    `cell(x, h)` returns the next state. `xs` is a list or an array of the T
    inputs in order. Do not change it. h0 is the state before xs[0]. Returns a
    list (or a tuple) of the T new states: h after xs[0], h after xs[1], ...
    """
    raise NotImplementedError("not written yet")


def rnn(xs, h0, W_xh, W_hh, b_h):
    """Run the whole RNN and return its last state, a Tensor (B, H).

    xs is an array (T, B, D), and h0 is a Tensor (B, H). The weights have the
    same shapes as in `rnn_step`. Use `unroll` and `rnn_step`. All steps use the
    same three weight Tensors.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    print("4, 0, 7:", unroll(lambda x, h: 10 * h + x, [4, 0, 7], 0))
    w = mg.Tensor([[0.5]], requires_grad=True, name="w")
    xs = np.array([[[1.0]], [[0.0]], [[0.0]]])
    h = rnn(xs, mg.Tensor([[0.0]]), mg.Tensor([[1.0]]), w, mg.Tensor([0.0]))
    h.backward()
    print("1, 0, 0:", h.array, "and the gradient of W_hh:", w.grad)
