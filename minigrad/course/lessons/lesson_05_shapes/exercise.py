"""Lesson 5: gradients of a matrix product and of a bias that is added to every
row.

Write the three functions. They must not change their arguments. Then run

    minigrad course check 5
"""

import numpy as np


def unbroadcast(dz, shape):
    """Return the gradient of an array that NumPy stretched from `shape` to the
    shape of dz.

    Axes that have size 1 in `shape` may be larger in dz, and dz may have more
    axes on the left. `shape` may be (). Returns an array with this shape. Does
    not change dz.
    """
    raise NotImplementedError("not written yet")


def product_backward(dz, a, b):
    """Return the gradients of both factors of z = a @ b, given dz = dL/dz.

    The shapes are a (n, k), b (k, m) and dz (n, m). Returns dL/da and dL/db.
    Each gradient has the shape of its array.
    """
    raise NotImplementedError("not written yet")


def dense_backward(dz, x, W, b):
    """Return the gradients of a dense layer, z = x @ W + b, given dz = dL/dz.

    The shapes are x (n, k), W (k, m) and dz (n, m); b has shape (m,) or (1, m).
    Returns dL/dx, dL/dW and dL/db. Each gradient has the shape of its array.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    x = np.array([[1.0, 0, 2], [0, 1, -1], [2, 1, 0], [1, -1, 1]])
    W, b = np.array([[1.0, -1], [0, 2], [3, 1]]), np.array([0.5, -0.5])
    dz = np.array([[1.0, 0.0], [2.0, -1.0], [0.0, 3.0], [-1.0, 1.0]])
    gradients = dense_backward(dz, x, W, b)
    for name, gradient in zip(("dx", "dW", "db"), gradients, strict=True):
        print(name, gradient.shape)
        print(gradient)
