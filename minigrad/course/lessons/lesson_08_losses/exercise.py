"""Lesson 8: from scores to probabilities, to a loss, and back.

Write the five functions that raise NotImplementedError. Then run

    minigrad course check 8

logits (N, C): one row of C scores for each of the N examples. labels (N,):
integers from 0 to C - 1, the number of each example's right class.
"""

import numpy as np


def softmax(logits):
    """Return the probabilities p (N, C). All are positive, and each row adds up
    to 1.

    Scores of 1000 and -1000 must work, even in different rows. Do not change
    `logits`.
    """
    raise NotImplementedError("not written yet")


def log_softmax(logits):
    """Return log p (N, C), the natural logarithm of every probability.

    Scores of 1000 and -1000 must work, even where p itself rounds to 0. Do not
    change `logits`.
    """
    raise NotImplementedError("not written yet")


def cross_entropy(logits, labels):
    """Return the loss, a single number: the mean of -log p over the N rows.

    p is the probability of the row's right class.
    """
    raise NotImplementedError("not written yet")


def cross_entropy_backward(logits, labels):
    """Return the gradient of `cross_entropy` for every score. Shape (N, C)."""
    raise NotImplementedError("not written yet")


def loss_at_start(classes):
    """Return the cross entropy when all `classes` scores are equal."""
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    # Three clouds of 20 points each. Which cloud does a point belong to?
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    centers = np.array([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
    x = centers[labels] + 1.5 * rng.normal(size=(60, 2))
    W, b = np.zeros((2, 3)), np.zeros(3)
    print(f"expected at the start: {loss_at_start(3):.4f}")
    for step in range(51):
        logits = x @ W + b
        if step % 10 == 0:
            right = (logits.argmax(axis=1) == labels).mean()
            loss = cross_entropy(logits, labels)
            print(f"step {step:2}: loss {loss:.4f}, right {right:.0%}")
        dlogits = cross_entropy_backward(logits, labels)
        W, b = W - 0.2 * x.T @ dlogits, b - 0.2 * dlogits.sum(axis=0)
