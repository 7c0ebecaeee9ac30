"""Lesson 8: words. Looking up rows of a table, and the gradient that goes back to them.

Write the four functions below with NumPy alone, then run: minigrad course check 8
Shapes: V words in the vocabulary, D numbers for each; ids are integers from 0 to V - 1.
"""

import numpy as np


def one_hot(ids, V):
    """For each id a row of V numbers: 1 at the place of the id, 0 elsewhere.

    ids (N,) gives (N, V), and ids (B, T) gives (B, T, V).
    """
    raise NotImplementedError("not written yet")


def lookup(table, ids):
    """The row of the table for each id. Table (V, D) and ids (N,) give (N, D), and ids (B, T) give
    (B, T, D).
    """
    raise NotImplementedError("not written yet")


def lookup_backward(dz, ids, V):
    """The gradient of the table: what arrives at all places where a word was read, added up in that
    word's row.

    dz (B, T, D), or (N, D); ids (B, T), or (N,). Returns (V, D).
    """
    raise NotImplementedError("not written yet")


def unseen(ids, V):
    """A list of the ids below V, in order, that do not occur in `ids`: words whose row gets no
    gradient.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    WORDS = ["the", "film", "was", "good", "not", "bad"]
    ids = np.array([3, 1, 3])
    gradient = lookup_backward(np.array([[1.0, 0.0], [0.0, 2.0], [10.0, 1.0]]), ids, len(WORDS))
    for word, row in zip(WORDS, gradient, strict=True):
        print(f"{word:>5}", row)
    print("unseen:", [WORDS[i] for i in unseen(ids, len(WORDS))])
