"""Lesson 18: build attention with several heads, and train networks that
reverse, copy and sort digits with it.

Write the six functions in this order, about 20 lines in all. Run the check
after each one. Compute with Tensors, so that gradients flow: the check trains
networks with your functions.

    minigrad course check 18
    python lesson_18_attention.py    the networks and their maps, in seconds
"""

import numpy as np

import minigrad as mg


def scores(q, k):
    """Return the score of each query with each key: their dot product, divided
    by the square root of d.

    q (..., T, d), k (..., S, d) -> (..., T, S)

    The dots stand for any number of axes in front, for example the batch and
    the heads. `@` is a matrix product over the last two axes, repeated for all
    axes in front of them. A Tensor's x.swapaxes(-1, -2) exchanges its last two
    axes.
    """
    raise NotImplementedError("not written yet")


def weights(s, causal):
    """Return the weights: the softmax of the scores over the keys.

    s (..., T, S) -> (..., T, S). A row belongs to a query, a column to a key.

    If causal is True, S is T, and position t must give the weight 0 to all
    later positions. Its other weights still add up to 1.

    mg.softmax(x, axis=...) computes a softmax along one axis.
    mg.where(mask, x, y) takes x where the mask is True and y elsewhere; y may
    be a single number. np.tri(3, dtype=bool) is a (3, 3) array of booleans,
    True on and below the diagonal.
    """
    raise NotImplementedError("not written yet")


def attention(q, k, v, causal):
    """For each query, return the sum of all values, each times its weight.

    q (..., T, d), k (..., S, d), v (..., S, e) -> (..., T, e)
    """
    raise NotImplementedError("not written yet")


def split_heads(x, heads):
    """Give each head its share of the columns: (B, T, D) -> (B, heads, T, d),
    where d is D // heads.

    Head 0 gets the first d columns of every position, head 1 the next d, and so
    on. With D = 4, two heads, and the positions [10, 11, 12, 13] and
    [20, 21, 22, 23], head 0 is [[10, 11], [20, 21]].

    x.reshape(...) changes the shape of a Tensor, but not the order in which its
    numbers are read, row by row. x.swapaxes(i, j) exchanges two axes.
    """
    raise NotImplementedError("not written yet")


def merge_heads(z):
    """Undo split_heads: (B, heads, T, d) -> (B, T, heads * d).

    The columns of head 0 come first in every position, then those of head 1.
    """
    raise NotImplementedError("not written yet")


def multi_head(x, W_q, W_k, W_v, W_out, heads, causal):
    """Return attention with several heads, for x (B, T, D) -> (B, T, D).

    The queries are x @ W_q, the keys x @ W_k, and the values x @ W_v. Each head
    computes attention with its share of their columns. The heads' results, side
    by side, are multiplied by W_out. All four matrices are (D, D).
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    import sys

    from minigrad.course.lessons.lesson_18_attention import trained

    trained.run(sys.modules[__name__])
