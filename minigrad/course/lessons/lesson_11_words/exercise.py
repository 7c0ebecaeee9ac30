"""Lesson 11: look up rows of a table, and send the gradient back to them.

Write the four functions below with NumPy alone, then run:
minigrad course check 11

Shapes: the vocabulary has V words, with D numbers for each. `ids` is a NumPy
array of integers from 0 to V - 1, with shape (N,) or (B, T). Do not change the
inputs.
"""

import numpy as np


def one_hot(ids, V):
    """Return a row of V numbers for each id: 1 in the id's column, 0 elsewhere.

    The result is (N, V) for ids (N,), and (B, T, V) for ids (B, T). Floats,
    integers and booleans are all accepted.
    """
    raise NotImplementedError("not written yet")


def lookup(table, ids):
    """Return the table's row for each id. The table is (V, D).

    The result is (N, D) for ids (N,), and (B, T, D) for ids (B, T).
    """
    raise NotImplementedError("not written yet")


def lookup_backward(dz, ids, V):
    """Return the table's gradient: each word's row is the sum of dz over the
    word's positions.

    dz is (N, D) for ids (N,), and (B, T, D) for ids (B, T). Returns (V, D).
    """
    raise NotImplementedError("not written yet")


def unseen(ids, V):
    """Return the ids below V that do not occur in `ids`, as a list or an array
    in increasing order.

    The rows of these words get no gradient.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    WORDS = ["the", "film", "was", "good", "not", "bad"]
    ids = np.array([3, 1, 3])
    dz = np.array([[1.0, 0.0], [0.0, 2.0], [10.0, 1.0]])
    gradient = lookup_backward(dz, ids, len(WORDS))
    for word, row in zip(WORDS, gradient, strict=True):
        print(f"{word:>5}", row)
    print("unseen:", [WORDS[i] for i in unseen(ids, len(WORDS))])
