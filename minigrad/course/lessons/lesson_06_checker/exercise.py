"""Lesson 6: a gradient checker.

Write the four functions below. Each function uses the ones before it. Then run

    minigrad course check 6

A gate has two methods: forward(*inputs) returns z, and backward(dz, z, *inputs)
returns a tuple with one gradient for each input.
"""

import numpy as np


def numeric_gradient(f, x, h=1e-5):
    """Return the slope of f along every element of x, by central differences.

    f(x) is a number. x is a float array of any shape and must have its old
    values after the call, up to rounding. h is the size of each nudge. Returns
    an array of x's shape.
    """
    raise NotImplementedError("not written yet")


def agree(claimed, measured):
    """Return whether two gradients have the same shape and equal elements, up
    to rounding.

    `measured` is an array; `claimed` may be anything, even None. Returns True
    or False.
    """
    raise NotImplementedError("not written yet")


def check_input(gate, inputs, i):
    """Compare backward's gradient of inputs[i] with the measured slopes, using
    random weights v.

    `inputs` is a tuple of arrays. Returns True if the two agree, otherwise
    False.
    """
    raise NotImplementedError("not written yet")


def my_gradcheck(gate, *inputs):
    """Return a list with one verdict for each input: True if its gradient is
    right, otherwise False.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":

    class Tanh:
        """A tanh gate with its gradient."""

        def forward(self, x):
            """z = tanh(x)."""
            return np.tanh(x)

        def backward(self, dz, z, x):
            """Put a mistake in here and see whether your checker finds it."""
            return (dz * (1 - z * z),)

    print(
        "x0² + 3·x1 at (5, 7):",
        numeric_gradient(lambda x: x[0] ** 2 + 3 * x[1], np.array([5.0, 7.0])),
    )
    x = np.array([[0.5, -1.0, 2.0], [0.0, 0.3, -0.7]])
    print("tanh is right:", my_gradcheck(Tanh(), x))
