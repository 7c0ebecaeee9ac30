"""Lesson 17: train a network that reads reviews, and find out what its accuracy
is worth.

Write the five functions in this order, about 30 lines in all. Run the check
after each one. The check stops at the first function that is missing or wrong.
When all five pass, run the experiments.

    minigrad course check 17
    python lesson_17_imdb.py         the experiments, in a few minutes
"""

import numpy as np

import minigrad as mg


def train(model, optimizer, batches, epochs):
    """Train a network: in each epoch, take one optimizer step for each batch.

    model      model(ids) returns the logits, a Tensor (B,), for ids (B, T)
    optimizer  has the methods zero_grad() and step()
    batches    `for ids, labels in batches` goes through all reviews once, in a
               new order each time
    Returns a list with one number for each epoch: the mean of its batches'
    losses (mg.binary_cross_entropy). Each batch counts equally, whatever its
    size.
    """
    raise NotImplementedError("not written yet")


def word_parts(model, ids):
    """Return the part of each word in one review: (T,) numbers for ids (T,).

    A word's part is above 0 if the word is evidence for a good review. To
    compute it, multiply each number of the word's vector by the logit's slope
    for that number, and add up the products.

    Padding has a part too. The model has three layers, which return Tensors:
    model.embedding(ids (1, T)) -> (1, T, D), model.rnn(...) -> (1, H),
    model.head(...) -> (1, 1).
    """
    raise NotImplementedError("not written yet")


def forgotten(full, truncated, ids):
    """Return the position in ids (T,) of the word whose part shrinks the most.

    The size of a part is its absolute value. For each word, subtract the size
    in the model `truncated` from the size in the model `full`. The largest
    difference wins, even if it is below 0. Padding, id 0, is not a word. There
    is always at least one word, and there are no ties.
    """
    raise NotImplementedError("not written yet")


def leak(ids, labels):
    """Return the id of the word that predicts the label best.

    To rate a word, predict "good" where the word occurs and "bad" where it does
    not, or the opposite. Use whichever is right for more reviews. Padding,
    id 0, is not a word. No two words tie for the best.

    ids (N, T), labels (N,): 1 for a good review, 0 for a bad one
    """
    raise NotImplementedError("not written yet")


def shuffled(ids, rng):
    """Return a copy of ids (N, T) with each review's words in random order.

    Padding does not move. All randomness comes from rng.

    ids  each row is padded with zeros on the left; a row may be all padding
    rng  a generator: rng.permutation(words) returns the words in random order
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    import sys

    from minigrad.course.lessons.lesson_17_imdb import experiment

    experiment.run(sys.modules[__name__])
