"""Milestone 19: a small GPT writes first names.

Write `relu` and `normalize`. Then run

    minigrad course milestones 19
"""

import sys

import numpy as np
from my_engine import Gate, Value, my_gradcheck, train, unbroadcast

from minigrad.course.milestones.training import adam, show
from minigrad.data import load_names


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
# --- from milestone 18: product. When you pass it, yours replaces this. ---
def product(a, b):
    """Return a @ b for a (..., n, k) and b, a matrix (k, m) or (..., k, m)."""

    def rule(dz):
        da = dz @ b.array.swapaxes(-1, -2)
        db = a.array.swapaxes(-1, -2) @ dz
        return da, unbroadcast(db, b.array.shape)

    return Value(a.array @ b.array, (a, b), rule)


# --- end of milestone 18 ---
# --- from milestone 18: transpose. When you pass it, yours replaces this. ---
def transpose(x):
    """Return x (..., n, k) as (..., k, n)."""

    def rule(dz):
        return (dz.swapaxes(-1, -2),)

    return Value(x.array.swapaxes(-1, -2), (x,), rule)


# --- end of milestone 18 ---
# --- from milestone 18: softmax. When you pass it, yours replaces this. ---
def softmax(x):
    """Return the softmax of each row, along the last axis."""
    powers = np.exp(x.array - x.array.max(axis=-1, keepdims=True))
    p = powers / powers.sum(axis=-1, keepdims=True)

    def rule(dz):
        return (p * (dz - (dz * p).sum(axis=-1, keepdims=True)),)

    return Value(p, (x,), rule)


# --- end of milestone 18 ---
def relu(x):
    """Return max(0, x) for each element of x, as a Value."""
    raise NotImplementedError("not written yet")


def normalize(x):
    """Return each vector of x (..., D) with mean 0 and variance 1, as a Value.

    Subtract the vector's mean. Then divide by the square root of the mean
    square plus 1e-5, which keeps it from being 0. The rule has three terms,
    because the mean and the size depend on all D numbers.
    """
    raise NotImplementedError("not written yet")


LENGTH, WIDTH, HEADS, BLOCKS = 16, 24, 2, 2
PER_BLOCK = 4 * HEADS + 4


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
    """Return the vectors of letters and places, W and b. For each block, then
    follow four matrices per head, and W1, b1, W2 and b2 of the mlp.
    """
    rng = np.random.default_rng(0)

    def matrix(rows, columns, scale=1.0):
        return scale / np.sqrt(rows) * rng.normal(size=(rows, columns))

    tokens, places = rng.normal(size=(27, WIDTH)), rng.normal(size=(LENGTH, WIDTH))
    arrays = [0.5 * tokens, 0.1 * places, matrix(WIDTH, 27), np.zeros(27)]
    size, wide = WIDTH // HEADS, 4 * WIDTH
    for _ in range(BLOCKS):
        for _ in range(HEADS):
            arrays += [matrix(WIDTH, size) for _ in range(3)]
            arrays += [matrix(size, WIDTH, 0.5)]
        arrays += [matrix(WIDTH, wide), np.zeros(wide)]
        arrays += [matrix(wide, WIDTH, 0.5), np.zeros(WIDTH)]
    return [Value(array) for array in arrays]


def network(ids, tokens, places, W, b, *blocks):
    """Read ids (N, T). Return logits for the next letters: a Value (N, T, 27)."""
    steps = ids.shape[1]
    x = rows(tokens, ids) + rows(places, np.arange(steps))
    for first in range(0, len(blocks), PER_BLOCK):
        heads, mlp = blocks[first:][: 4 * HEADS], blocks[first:][4 * HEADS :][:4]
        y = normalize(x)
        for k in range(0, len(heads), 4):
            x = x + attend(y, causal(steps), *heads[k : k + 4])[0]
        W1, b1, W2, b2 = mlp
        x = x + product(relu(product(normalize(x), W1) + b1), W2) + b2
    return product(normalize(x), W) + b


def names():
    """Return names as rows of ids (N, 17): 0, letters from 1 to 26, and zeros."""
    found = np.random.default_rng(0).permutation(load_names())
    ids = np.zeros((len(found), LENGTH + 1), int)
    for row, name in zip(ids, found, strict=True):
        letters = [ord(letter) - ord("a") + 1 for letter in name[: LENGTH - 1]]
        row[1 : len(letters) + 1] = letters
    return ids


NAMES = names()
TEST = NAMES[:500]


def loss(parameters, ids):
    """Return the mean loss of the letters, and of the 0 that ends each name."""
    steps = int((ids > 0).sum(axis=1).max()) + 1
    read, labels = ids[:, :steps], ids[:, 1 : steps + 1]
    counts = (read > 0) | (np.arange(steps) == 0)
    losses = cross_entropy(network(read, *parameters), labels)
    return (losses * counts).sum() * (1 / counts.sum())


def batches():
    """Yield 32 names, (32, 17) as the only input, again and again."""
    rng = np.random.default_rng(0)
    while True:
        yield (NAMES[rng.integers(len(TEST), len(NAMES), 32)],)


def write(parameters, rng):
    """Draw a name, letter by letter."""
    ids = [0]
    while len(ids) < LENGTH and (len(ids) == 1 or ids[-1]):
        z = network(np.array([ids]), *parameters).array[0, -1]
        powers = np.exp(z - z.max())
        ids.append(int(rng.choice(27, p=powers / powers.sum())))
    return "".join(chr(ord("a") + id - 1) for id in ids if id)


def learn(parameters, steps=1000):
    """Train the network. Return its losses, and what it has learned."""
    losses = adam(loss, parameters, 0.01, steps, batches())
    rng = np.random.default_rng(0)
    test = float(loss(parameters, TEST).array)
    written = [write(parameters, rng) for _ in range(12)]
    return {
        "losses": losses,
        "told": f"the loss on 500 new names is {test:.2f}; it wrote {written[0]}",
        "test": test,
        "names": written,
    }


if __name__ == "__main__":
    show(sys.modules[__name__])
