"""Lesson 14: train a network that reads reviews, and find out what its score is worth.

Write the five functions in their order, about 30 lines in all. Then:

    minigrad course check 14
    python lesson_14_imdb.py         the experiments, with your functions; takes about a minute
"""

import numpy as np

import minigrad as mg


def train(model, optimizer, batches, epochs):
    """Train a network: in each epoch, one step of the optimizer for each batch.

    model      model(ids) gives the logits (B,) of ids (B, T)
    optimizer  has zero_grad() and step()
    batches    `for ids, labels in batches` goes once through all reviews, in a new order each time
    Returns a list: for each epoch the mean of its batches' losses (mg.binary_cross_entropy).
    """
    raise NotImplementedError("not written yet")


def word_parts(model, ids):
    """What each word of one review says: (T,) numbers for ids (T,), above 0 where it speaks for a
    good review.

    A word's part is the sum over its vector of vector times slope, element by element; the slope is
    that of the logit. The model's layers: model.embedding(ids (1, T)) -> (1, T, D), model.rnn(...)
    -> (1, H), model.head(...) -> (1, 1).
    """
    raise NotImplementedError("not written yet")


def forgotten(full, truncated, ids):
    """The position in ids (T,) of the word whose part lost most of its size from one model to the
    other.

    Padding, id 0, is not a word.
    """
    raise NotImplementedError("not written yet")


def leak(ids, labels):
    """The id of the word that tells the label best, all alone: ids (N, T), labels (N,) of 0 and 1.

    How well a word tells it: call a review good where the word occurs and bad where it does not, or
    the other way round, whichever is right for more reviews.
    """
    raise NotImplementedError("not written yet")


def shuffled(ids, rng):
    """A copy of ids (N, T) in which every review has its own words in random order. Padding stays
    where it is.

    ids  each row is padded with zeros on the left
    rng  a generator: rng.permutation(words) gives them in random order
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    import sys

    from minigrad.course.lessons.lesson_14_imdb import experiment

    experiment.run(sys.modules[__name__])
