"""Lesson 6: a gradient checker.

Write the four functions below, each with the help of the one before, then run: minigrad course
check 6
A gate has forward(*inputs) -> z and backward(dz, z, *inputs) -> a tuple with one gradient for each
input.
"""

import numpy as np


def numeric_gradient(f, x, h=1e-5):
    """The slope of f in every element of x, by central differences.

    f(x) is a number; x is an array of floats of any shape, and the same afterwards. Returns an
    array of x's shape.
    """
    raise NotImplementedError("not written yet")


def agree(claimed, measured):
    """Whether two gradients are the same: the same shape, and all elements equal up to rounding.

    `measured` is an array; `claimed` may be anything, even None. Returns True or False.
    """
    raise NotImplementedError("not written yet")


def check_input(gate, inputs, i):
    """Whether backward's gradient of inputs[i] is what nudging measures, for a random cotangent v.

    `inputs` is a tuple of arrays. Returns True or False.
    """
    raise NotImplementedError("not written yet")


def my_gradcheck(gate, *inputs):
    """A list with one verdict for each input: True where its gradient is right, False where it is
    wrong.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":

    class Tanh:
        """The tanh with its rule."""

        def forward(self, x):
            """z = tanh(x)."""
            return np.tanh(x)

        def backward(self, dz, z, x):
            """Change me, and see whether you get away with it."""
            return (dz * (1 - z * z),)

    print(
        "x0² + 3·x1 at (5, 7):",
        numeric_gradient(lambda x: x[0] ** 2 + 3 * x[1], np.array([5.0, 7.0])),
    )
    print("tanh is right:", my_gradcheck(Tanh(), np.array([[0.5, -1.0, 2.0], [0.0, 0.3, -0.7]])))
