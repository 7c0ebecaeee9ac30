"""Lesson 2: measure slopes by nudging, and find the step h that measures best.

Write the three functions; each replaces its `raise` line. Then run

    minigrad course check 2
"""

import numpy as np


def central_difference(f, x, h):
    """The slope of f at x, measured from one step to the right and one to the left.

    f takes a number and returns one. x and h are numbers, h > 0. Returns a number.

        (f(x + h) - f(x - h)) / 2h
    """
    raise NotImplementedError("not written yet")


def best_h(f, x, slope, hs):
    """That one of the steps `hs` whose central difference is closest to the true `slope` of f at x.

    hs is a list of numbers. Returns one of them: the step itself, not its error or its place in the
    list.
    """
    raise NotImplementedError("not written yet")


def numeric_gradient(f, x, h):
    """The slopes of f along each element of x, by central differences: one element is nudged, the
    others stay.

    f takes an array of shape (n,) and returns a number. Returns an array of shape (n,). x is not
    changed.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    for h in (1e-1, 1e-3, 1e-5, 1e-7, 1e-11, 1e-15):
        error = central_difference(np.sin, 1.0, h) - np.cos(1.0)
        print(f"h = {h:.0e}: error {error:+.1e}")
