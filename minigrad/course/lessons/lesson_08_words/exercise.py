"""Lesson 8: look up rows of a table, and send the gradient back to them.

Write the four functions below with NumPy alone, then run: minigrad course check 8

Shapes: the vocabulary has V words, with D numbers each. ids are integers from 0 to V - 1.
"""

import numpy as np


def one_hot(ids, V):
    """Return a row of V numbers for each id: 1 in the column of the id, 0 elsewhere.

    ids (N,) gives (N, V), and ids (B, T) gives (B, T, V).
    """
    raise NotImplementedError("not written yet")


def lookup(table, ids):
    """Return the row of the table (V, D) for each id.

    ids (N,) gives (N, D), and ids (B, T) gives (B, T, D).
    """
    raise NotImplementedError("not written yet")


def lookup_backward(dz, ids, V):
    """Return the gradient of the table: each word's row is the sum of dz over the word's positions.

    dz (B, T, D), or (N, D); ids (B, T), or (N,). Returns (V, D).
    """
    raise NotImplementedError("not written yet")


def unseen(ids, V):
    """Return a list of the ids below V, in order, that do not occur in `ids`.

    The rows of these words get no gradient.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    WORDS = ["the", "film", "was", "good", "not", "bad"]
    ids = np.array([3, 1, 3])
    gradient = lookup_backward(np.array([[1.0, 0.0], [0.0, 2.0], [10.0, 1.0]]), ids, len(WORDS))
    for word, row in zip(WORDS, gradient, strict=True):
        print(f"{word:>5}", row)
    print("unseen:", [WORDS[i] for i in unseen(ids, len(WORDS))])
