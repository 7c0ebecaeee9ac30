"""Milestone 18: a network of attention alone sorts digits.

Write `product`, `transpose` and `softmax`. Then run

    minigrad course milestones 18
"""

import sys

import numpy as np
from my_engine import Gate, Value, my_gradcheck, train, unbroadcast

from minigrad.course.milestones.training import adam, show


# --- from milestone 9: cross_entropy. When you pass it, yours replaces this. ---
def cross_entropy(z, labels):
    """Return the loss of each label, for logits z (..., K): a Value (...)."""
    scores = z.array - z.array.max(axis=-1, keepdims=True)
    powers = np.exp(scores)
    total = powers.sum(axis=-1, keepdims=True)
    right = np.eye(scores.shape[-1])[labels]

    def rule(dz):
        return (dz[..., None] * (powers / total - right),)

    return Value(np.log(total[..., 0]) - (scores * right).sum(axis=-1), (z,), rule)


# --- end of milestone 9 ---
# --- from milestone 12: rows. When you pass it, yours replaces this. ---
def rows(W, ids):
    """Return the row of the matrix W for each id: a Value (..., D)."""

    def rule(dz):
        dW = np.zeros(W.array.shape)
        np.add.at(dW, ids, dz)
        return (dW,)

    return Value(W.array[ids], (W,), rule)


# --- end of milestone 12 ---
def product(a, b):
    """Return a @ b as a Value, for stacks of matrices.

    a  a Value (..., n, k), such as (3, 4, 2, 5) or (3, 2, 5)
    b  a Value (..., k, m) with the same axes in front, or one matrix (k, m)
    `unbroadcast(dz, shape)` of your engine sums a gradient over axes in front.
    """
    raise NotImplementedError("not written yet")


def transpose(x):
    """Return x (..., n, k) with its last two axes swapped: (..., k, n)."""
    raise NotImplementedError("not written yet")


def softmax(x):
    """Return the softmax of each row of x (..., K), along the last axis.

    x may contain numbers as low as -1e9, and as high as 1000.
    """
    raise NotImplementedError("not written yet")


LENGTH, WIDTH, HEADS, EQUALS = 5, 32, 2, 10


def attend(x, mask, W_q, W_k, W_v, W_out):
    """Return what a head reads (N, T, D), and its weights (N, T, T)."""
    q, k, v = product(x, W_q), product(x, W_k), product(x, W_v)
    scores = product(q, transpose(k)) * (1 / np.sqrt(q.array.shape[-1]))
    weights = softmax(scores + mask)
    return product(product(weights, v), W_out), weights


def causal(steps):
    """Return 0 where a position may look, and -1e9 where it may not."""
    return np.where(np.tri(steps, dtype=bool), 0.0, -1e9)


def start():
    """Return the vectors of tokens and places, W, and four matrices per head."""
    rng = np.random.default_rng(0)
    size = WIDTH // HEADS
    shapes = [(EQUALS + 1, WIDTH), (2 * LENGTH, WIDTH), (WIDTH, 10)]
    shapes += HEADS * [(WIDTH, size), (WIDTH, size), (WIDTH, size), (size, WIDTH)]
    return [Value(0.2 * rng.normal(size=shape)) for shape in shapes]


def network(ids, tokens, places, W, *heads):
    """Read ids (N, T). Return logits for the next digit (N, T, 10), and the
    weights of each head.
    """
    steps = ids.shape[1]
    x = rows(tokens, ids) + rows(places, np.arange(steps))
    z, looks = x, []
    for first in range(0, len(heads), 4):
        read, weights = attend(x, causal(steps), *heads[first : first + 4])
        z = z + read
        looks.append(weights.array)
    return product(z, W), looks


def digits(count, seed):
    """Return sequences of five different digits (count, 5)."""
    rng = np.random.default_rng(seed)
    return np.argsort(rng.random((count, 10)), axis=1)[:, :LENGTH]


def batches():
    """Yield 32 times digits, "=" and all but the last of the sorted digits
    (32, 10), and the sorted digits (32, 5).
    """
    rng = np.random.default_rng(0)
    known = digits(3000, seed=1)
    while True:
        read = known[rng.integers(0, len(known), 32)]
        answer = np.sort(read, axis=1)
        equals = np.full((len(read), 1), EQUALS)
        yield np.concatenate([read, equals, answer[:, :-1]], axis=1), answer


def loss(parameters, ids, answer):
    """Return the mean loss of the five digits that the network writes."""
    logits, _ = network(ids, *parameters)
    labels = np.concatenate([np.zeros_like(answer), answer], axis=1)
    written = np.arange(2 * LENGTH) >= LENGTH
    return (cross_entropy(logits, labels) * written).sum() * (1 / answer.size)


def learn(parameters, steps=150):
    """Train the network. Return its losses, and what it has learned."""
    losses = adam(loss, parameters, 0.01, steps, batches())
    new = digits(200, seed=2)
    ids = np.concatenate([new, np.full((len(new), 1), EQUALS)], axis=1)
    for _ in range(LENGTH):
        logits, looks = network(ids, *parameters)
        chosen = logits.array[:, -1].argmax(axis=1)
        ids = np.concatenate([ids, chosen[:, None]], axis=1)
    right = (ids[:, LENGTH + 1 :] == np.sort(new, axis=1)).all(axis=1).mean()
    look = np.mean(looks, axis=0)[:, LENGTH:, :LENGTH]
    ranks = np.argsort(new, axis=1)[:, None]
    return {
        "losses": losses,
        "told": f"{right:.1%} of 200 new sequences are sorted without a mistake",
        "right": right,
        "look": np.take_along_axis(look, ranks, axis=2).mean(axis=0),
    }


if __name__ == "__main__":
    show(sys.modules[__name__])
