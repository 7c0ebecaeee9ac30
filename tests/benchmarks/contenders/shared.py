"""Measure what several contenders do in the same way. minigrad's and PyTorch's tensors, optimizers and
layers have the same methods.
"""

from typing import Any

import numpy as np


def backward_of(forward, leaves, to_array, upstream=None):
    """Return a function that calls `forward` and its backward pass, and returns the arrays of the output
    and of the leaves' gradients.
    """

    def call():
        for leaf in leaves:
            leaf.grad = None
        z = forward()
        z.backward(upstream)
        return to_array(z), [leaf.grad for leaf in leaves]

    return call


def unrolled(tensor, tanh, to_array, xs, weights):
    """The sum of the last h of a plain RNN."""
    inputs = [tensor(x) for x in xs]
    leaves = [tensor(array, requires_grad=True) for array in weights.values()]
    U, W, b = leaves
    h0 = tensor(np.zeros((len(xs[0]), len(W)), np.float32))

    def forward():
        h = h0
        for x in inputs:
            h = tanh(x @ U + h @ W + b)
        return h.sum()

    return backward_of(forward, leaves, to_array)


def chain(leaf, tanh, to_array, gates, upstream):
    def forward():
        h = leaf
        for _ in range(gates):
            h = tanh(h)
        return h

    return backward_of(forward, [leaf], to_array, upstream)


def drawn(shapes):
    """Draw the same initial weights for all contenders, for {name: shape}. Gains are close to 1."""
    rng, weights = np.random.default_rng(0), {}
    for name, shape in shapes.items():
        weights[name] = rng.normal("norm" in name, 0.05, shape).astype(np.float32)
    return weights


def update(optimizer, loss, clip=None):
    """Finish a training step, and return the loss as a float."""
    optimizer.zero_grad()
    loss.backward()
    if clip:
        clip()
    optimizer.step()
    return float(loss.item())


class Steps:
    """Train with `self.optimizer` and `self.loss(ids, labels)`."""

    optimizer: Any

    def loss(self, ids: Any, labels: Any) -> Any:
        raise NotImplementedError

    def steps(self, batches):
        return [self.step(*batch) for batch in batches]

    def step(self, *batch):
        return update(self.optimizer, self.loss(*batch))


def carried(loss_of, optimizer, clip):
    """Return a function that runs a training step on a window of ids (B, T + 1), from the final state
    of the previous step. `loss_of(inputs, targets, state)` returns the loss and the next state.
    """
    state = None

    def step(window):
        nonlocal state
        loss, state = loss_of(window[:, :-1], window[:, 1:], state)
        return update(optimizer, loss, clip)

    return step


def dense_steps(g, step):
    """Return a function that sets rows of a dense gradient, which is otherwise zero, and calls `step`."""
    before: list[int] = []

    def sparse_step(gradient):
        nonlocal before
        g[before] = 0
        before, values = gradient
        g[before] = values
        step()

    return sparse_step
