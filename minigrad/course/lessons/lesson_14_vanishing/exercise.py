"""Lesson 14: how fast gradients vanish or explode on the way back.

Write the five functions in order. Each takes one to six lines of NumPy. Then
run the check:

    minigrad course check 14
"""

import math

import numpy as np


def step_back(dh, h, W_hh):
    """Return the gradient one time step earlier.

    dh    (B, H)  dL/dh_t: the gradient at the state h_t
    h     (B, H)  the state h_t = tanh(x_t @ W_xh + h_before @ W_hh + b_h)
    W_hh  (H, H)
    Returns (B, H): the gradient of h_before. Do not change dh.
    """
    raise NotImplementedError("not written yet")


def flow(dh, hs, W_hh):
    """Return the norm of dL/dh_t for each t: how much gradient is left.

    dh    (B, H)     the gradient of the last state, hs[T - 1]; the loss uses
                     only that state. Do not change dh.
    hs    (T, B, H)  the states; T is 1 or more
    W_hh  (H, H)
    Returns (T,): at index t, the norm of dL/dh_t. It is the square root of the
    sum of the squares of all B * H numbers in dL/dh_t.
    """
    raise NotImplementedError("not written yet")


def decay(W_hh, v, steps):
    """Multiply v by W_hh transposed `steps` times, and return the average
    factor of its norm.

    W_hh   (H, H)
    v      (H,)    a gradient; do not change it
    steps  1 or more
    Returns a number: (norm after / norm before) to the power 1 / steps.
    """
    raise NotImplementedError("not written yet")


def reach(factor, share):
    """Return the number of steps back until less than this share of the
    gradient is left.

    factor  the positive factor that multiplies the gradient at each step
    share   less than 1, for example 0.01; if exactly this share is left, count
            one more step
    Returns the smallest such integer, or np.inf if factor is 1 or more.
    """
    raise NotImplementedError("not written yet")


def clip(gradients, max_norm):
    """Return the gradients, scaled down if their common norm exceeds max_norm.

    gradients  a list of arrays of any shapes. Their common norm is the norm of
               one long vector with all their numbers. Do not change these
               arrays.
    Returns a list of arrays of the same shapes. If nothing is scaled, the list
    may contain the original arrays.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    W = np.random.default_rng(0).uniform(-1, 1, (32, 32)) / np.sqrt(32)
    factor = decay(W, np.ones(32), 39)
    print(f"average factor for each step: {factor:.3f}")
    print("less than a hundredth is left after", reach(factor, 0.01), "steps")
