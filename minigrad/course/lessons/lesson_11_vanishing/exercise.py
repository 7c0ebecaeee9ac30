"""Lesson 11: how fast a gradient vanishes or explodes on its way back through time.

Write the five functions in order. Each takes one to six lines of NumPy. Then run

    minigrad course check 11
"""

import numpy as np


def step_back(dh, h, W_hh):
    """Return the gradient one time step earlier.

    dh    (B, H)  dL/dh_t: the gradient at the state h_t
    h     (B, H)  the state h_t itself, where h_t = tanh(x_t @ W_xh + h_before @ W_hh + b_h)
    W_hh  (H, H)
    Returns (B, H): the gradient of h_before. Do not change dh.
    """
    raise NotImplementedError("not written yet")


def flow(dh, hs, W_hh):
    """Return the norms of dL/dh_t for all t: how much gradient reaches each state.

    dh    (B, H)     the gradient of the last state, hs[T - 1]; the loss uses only that state
    hs    (T, B, H)  the states
    W_hh  (H, H)
    Returns (T,): at index t, the norm of dL/dh_t. It is the square root of the sum of the squares
    of all B * H numbers in dL/dh_t.
    """
    raise NotImplementedError("not written yet")


def decay(W_hh):
    """Return the factor by which W_hh multiplies a gradient's length at each step, in the long run.

    W_hh (H, H). Returns a number.
    """
    raise NotImplementedError("not written yet")


def reach(factor, share):
    """Return the number of steps back until less than this share of the gradient is left.

    factor  the factor that multiplies the gradient at each step
    share   for example 0.01
    Returns the smallest such integer, or np.inf if that never happens.
    """
    raise NotImplementedError("not written yet")


def clip(gradients, max_norm):
    """Return the gradients, scaled down if their common norm is larger than max_norm.

    gradients  a list of arrays of any shapes. Their common norm is the norm of one long vector with
               all their numbers.
    Returns a list of new arrays of the same shapes.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    W = np.random.default_rng(0).uniform(-1, 1, (32, 32)) / np.sqrt(32)
    print("factor for each step:", decay(W))
    print("less than a hundredth is left after", reach(decay(W), 0.01), "steps")
