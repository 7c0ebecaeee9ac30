"""Lesson 15: cut off the gradient after k steps and predict what is lost.

Write the three functions that raise NotImplementedError, in order. Each takes
one to seven lines. Then run

    minigrad course check 15
"""

import numpy as np

import minigrad as mg


def truncated(cell, xs, h, k):
    """Run the cell over all inputs, but let gradients go back through only the
    last k steps.

    cell  a function: cell(x, h) returns the next state
    xs    a list of T inputs
    h     the state before the first step, a Tensor
    k     1 or more. If k is T or more, nothing is cut: the gradient also
          reaches h.
    Returns a list of the T states that the cell returned, without the initial
    h. Their values do not depend on k. Only the last state's gradient is
    checked.
    """
    raise NotImplementedError("not written yet")


def pieces(dhs, hs, h0):
    """Return the contribution of each step to dL/dW_hh, where
    h_t = tanh(... + h_before @ W_hh).

    dhs  (T, B, H)  dL/dh_t
    hs   (T, B, H)  the states h_t
    h0   (B, H)     the state before the first step
    Returns a list of T arrays (H, H); their sum is dL/dW_hh. Do not change the
    inputs.
    """
    raise NotImplementedError("not written yet")


def cosine(a, b):
    """Return the cosine of the angle between two arrays of the same shape
    (already written).
    """
    return np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b))


def predict(parts, k):
    """Return the cosine between the gradient truncated to k steps and the full
    gradient.

    parts  the list of T arrays that `pieces` returns; do not change them
    k      1 or more. If k is T or more, nothing is lost, and the cosine is 1.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    from minigrad.course.lessons.lesson_15_truncation import trained

    start = mg.Tensor(0.0)
    states = truncated(lambda x, h: 0.5 * h + x, [1.0] * 4, start, k=2)
    print("states:", np.array([h.item() for h in states]))

    model, (ids, labels) = trained.load(), trained.reviews()
    parts = pieces(*trained.full_backward(model, ids, labels))
    full = trained.truncated_gradient(truncated, 40, model, ids, labels)
    print("cosine between the truncated and the full gradient of W_hh:")
    print("  k  predicted  measured")
    for k in (1, 2, 4, 10, 20, 40):
        part = trained.truncated_gradient(truncated, k, model, ids, labels)
        print(f"{k:3}  {predict(parts, k):9.4f}  {cosine(part, full):8.4f}")
