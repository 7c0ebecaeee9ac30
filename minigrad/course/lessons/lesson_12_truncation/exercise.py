"""Lesson 12: cut off the gradient after k steps, and predict the effect.

Write the five functions in order. Each takes one to seven lines. Then run

    minigrad course check 12
"""

import numpy as np

import minigrad as mg


def truncated(cell, xs, h, k):
    """Run the cell over all inputs, but let gradients go back through the last k steps only.

    cell  a function: cell(x, h) returns the next state
    xs    a list of T inputs
    h     the state before the first step, a Tensor
    k     1 or more. If k is T or more, nothing is cut.
    Returns a list of the T states. Their values do not depend on k.
    """
    raise NotImplementedError("not written yet")


def windows(T, k1, k2):
    """Return the windows of truncated backpropagation through a long sequence.

    Each window has k1 new steps; the last window has the remaining steps. The gradient goes back
    over the k2 steps before the window's end, or to step 0 if there are fewer.
    Returns a list of (start, end, begin): the new steps are start ... end - 1, and the gradient
    reaches the steps begin ... end - 1.
    """
    raise NotImplementedError("not written yet")


def pieces(dhs, hs, h0):
    """Return the contribution of each step to dL/dW_hh, where h_t = tanh(... + h_before @ W_hh).

    dhs  (T, B, H)  dL/dh_t
    hs   (T, B, H)  the states h_t
    h0   (B, H)     the state before the first step
    Returns a list of T arrays (H, H); their sum is dL/dW_hh.
    """
    raise NotImplementedError("not written yet")


def cosine(a, b):
    """Return the cosine of the angle between two arrays of the same shape.

    Treat each array as one long vector. Returns a number.
    """
    raise NotImplementedError("not written yet")


def predict(parts, k):
    """Return the cosine between the gradient truncated to k steps and the full gradient.

    parts  the list that `pieces` returns
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    from minigrad.course.lessons.lesson_12_truncation import trained

    states = truncated(lambda x, h: 0.5 * h + x, [1.0, 1.0, 1.0, 1.0], mg.Tensor(0.0), k=2)
    print("states:", np.array([h.item() for h in states]))

    model, (ids, labels) = trained.load(), trained.reviews()
    parts = pieces(*trained.full_backward(model, ids, labels))
    full = trained.truncated_gradient(truncated, 40, model, ids, labels)
    print("  k  predicted  measured   cosine between the truncated and the full gradient of W_hh")
    for k in (1, 2, 4, 10, 20, 40):
        measured = cosine(trained.truncated_gradient(truncated, k, model, ids, labels), full)
        print(f"{k:3}  {predict(parts, k):9.4f}  {measured:8.4f}")
