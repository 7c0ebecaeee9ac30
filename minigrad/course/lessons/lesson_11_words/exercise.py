"""Lesson 11: number the words of texts, look up their rows in a table, and send
the gradient back to the rows.

Write the four functions that raise NotImplementedError, then run:
minigrad course check 11

Shapes: the vocabulary has V ids, with D numbers for each. `ids` is a NumPy
array of integers from 0 to V - 1, with shape (N,) or (B, T). Do not change the
inputs.
"""

import numpy as np


def vocabulary(texts, V):
    """Return a dict from each word to its id, for the V - 2 most frequent words.

    `texts` is a list of strings. Spaces separate the words. The most frequent
    word has the id 2, the next one 3, and so on: 0 is for padding, and 1 for
    unknown words. Words that occur equally often are in alphabetical order. If
    there are fewer than V - 2 words, all of them are in the dict.
    """
    raise NotImplementedError("not written yet")


def encode(texts, numbers, T):
    """Return the ids of the last T words of each text: an integer array (B, T).

    `texts` is a list of B strings, and `numbers` is a dict from words to ids.
    Words that are not in it have the id 1. A shorter text has zeros on the
    left.
    """
    raise NotImplementedError("not written yet")


def one_hot(ids, V):
    """Return a row of V numbers for each id: 1 in the id's column, 0 elsewhere.

    The result is (N, V) for ids (N,), and (B, T, V) for ids (B, T). Its numbers
    may be floats, integers or booleans.
    """
    raise NotImplementedError("not written yet")


def lookup(table, ids):
    """Return the row of the table (V, D) for each id: (N, D) for ids (N,), and
    (B, T, D) for ids (B, T). Already written.
    """
    return table[ids]


def lookup_backward(dz, ids, V):
    """Return the table's gradient: each word's row is the sum of dz over the
    word's positions.

    dz is (N, D) for ids (N,), and (B, T, D) for ids (B, T). Returns (V, D).
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    numbers = vocabulary(["good film good", "not bad", "not a good film"], 6)
    print(numbers)
    print(encode(["good film good", "a bad film"], numbers, 4))
    dz = np.array([[1.0, 0.0], [0.0, 2.0], [10.0, 1.0]])
    print(lookup_backward(dz, np.array([3, 2, 3]), 6))
