"""Lesson 2: measure slopes by nudging and find the step h that gives the
smallest error.

Write the three functions. In each one, replace the `raise` line with your code.
Then run

    minigrad course check 2
"""

import numpy as np


def central_difference(f, x, h):
    """Return the slope of f at x, measured with one step to the right and one
    to the left.

    f takes a number and returns a number. x and h are numbers, and h > 0.

        (f(x + h) - f(x - h)) / 2h
    """
    raise NotImplementedError("not written yet")


def best_h(f, x, slope, hs):
    """Return the step in `hs` whose central difference is closest to the true
    `slope` of f at x.

    hs is a list of numbers. Returns the step itself, not its error or its index
    in the list. If several steps have the smallest error, return any of them.
    Do not change hs.
    """
    raise NotImplementedError("not written yet")


def numeric_gradient(f, x, h):
    """Return the slope of f along each element of x, by central differences.

    Nudge one element at a time.

    f takes an array of shape (n,) and returns a number. x is a float array of
    shape (n,). Returns an array of shape (n,) or a list of n numbers. After the
    call, x must contain exactly its old values.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    for h in (1e-1, 1e-3, 1e-5, 1e-7, 1e-11, 1e-15):
        error = central_difference(np.sin, 1.0, h) - np.cos(1.0)
        print(f"h = {h:.0e}: error {error:+.1e}")
