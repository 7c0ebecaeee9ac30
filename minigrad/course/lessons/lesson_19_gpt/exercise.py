"""Lesson 19: a small GPT that learns to write first names.

Write the eight functions in this order, about 30 lines in all. Run the check
after each one. The check stops at the first function that is missing or wrong.
When all eight are right, the check trains a small GPT that consists of your
functions, and lets it write names. This takes a few seconds.

    minigrad course check 19
    python lesson_19_gpt.py         trains for longer, up to a minute

T is the number of positions, B the number of texts, D the width, and V the
number of different ids.
"""

import numpy as np

import minigrad as mg


def positions(length, width):
    """Return the array P (length, width), with a row for each position t:

        P[t, 2i]     = sin(t / 10000 ** (2i / width))
        P[t, 2i + 1] = cos(t / 10000 ** (2i / width))

    Positions are counted from 0. width is an even number.
    """
    raise NotImplementedError("not written yet")


def embed(table, ids, start=0):
    """Return the Tensor x (B, T, D): each id's row of `table`, plus the row of
    `positions` for its place.

    table  a Tensor (number of ids, D); mg.lookup(table, ids) returns the rows
    ids    an array (B, T)
    start  the position of the first column of ids. With start=4, three ids get
           the rows 4, 5 and 6 of `positions`.
    """
    raise NotImplementedError("not written yet")


def targets(ids):
    """Return two arrays of integers (B, T - 1): the inputs and their labels.

    ids  an array (B, T); each row is 0, the letters, and at least one 0. The
         first 0 after the letters ends the name. Zeros after it are padding.

    The inputs are ids without the last column. An input's label is the id that
    follows it. After a name's end, there is nothing to predict: there the label
    is -100, which mg.cross_entropy ignores. No name is empty.
    """
    raise NotImplementedError("not written yet")


def block(x, norm1, attention, norm2, mlp):
    """Return the output of a pre-norm block. All arguments but x are functions.

    First, add to x the result of the attention, which reads norm1 of x. Call
    the sum y. Then add to y the result of the mlp, which reads norm2 of y.
    """
    raise NotImplementedError("not written yet")


def attend(q, k, v, cache=None):
    """Return (z, (keys, values)): causal attention that continues from a cache.

    q, k, v  Tensors (B, heads, T, d) of the new positions
    cache    None at the beginning of a text. Later, the pair (keys, values) of
             all earlier positions: two Tensors like k and v, with another T.
    z        a Tensor (B, heads, T, d). Compute with Tensors and not with their
             arrays, or no gradient reaches q, k and v.

    keys and values contain the earlier positions and then the new ones. Each
    new position attends to all earlier positions, to the new positions before
    it, and to itself.

    mg.concatenate([a, b], axis=...) joins two Tensors along an axis.
    mg.scaled_dot_product_attention(q, k, v, mask) is the attention of lesson 18.
    mask is an array of booleans with a row for each query and a column for each
    key: mask[t, s] is True if query t may attend to key s.
    """
    raise NotImplementedError("not written yet")


def probabilities(logits, temperature):
    """Return the array p (V,): the softmax of logits / temperature.

    logits  an array (V,), whose numbers may be as large as 1000
    """
    raise NotImplementedError("not written yet")


def write(model, ids, count, rng, temperature):
    """Continue a text. Return a list: the ids of the text and `count` new ones.

    model  model(ids (1, T)) returns logits, a Tensor (1, T, V)
    ids    a list of at least one id
    rng    a generator; rng.choice(len(p), p=p) draws one id

    Each new id is drawn from the probabilities after the last id so far. Draw
    once for each new id.
    """
    raise NotImplementedError("not written yet")


def write_cached(model, ids, count, rng, temperature):
    """Return the list that `write` returns. The model reads each id only once:
    all of `ids` in the first call, and one new id in each later call.

    model  model(ids (1, T), cache, start) returns (logits (1, T, V), the new
           cache). It reads ids that begin at the position `start`. `cache` is
           the cache that the previous call returned, or None in the first call.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    import sys

    from minigrad.course.lessons.lesson_19_gpt import trained

    trained.run(sys.modules[__name__])
