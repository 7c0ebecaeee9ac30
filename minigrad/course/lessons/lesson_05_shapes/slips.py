"""Common wrong answers to lesson 5."""

from minigrad.course.lesson import Slip

SLIPS = (
    Slip(
        "transposed",
        "def product_backward(dz, a, b):\n    return b @ dz.T, dz.T @ a",
        "The rows and columns of your gradient are exchanged. A gradient has the shape of its "
        "array.",
        "da = dz @ bᵀ, of shape (n, k); db = aᵀ @ dz, of shape (k, m)",
    ),
    Slip(
        "sum missing",
        "def unbroadcast(dz, shape):\n    return dz",
        "The array was stretched, so each of its numbers was used several times. You return one "
        "gradient for each use instead of one for each number.",
        "sum dz over the axes that the array did not have, and over those where it had size 1",
    ),
    Slip(
        "shapes that do not match",
        "def product_backward(dz, a, b):\n    return dz @ b, a @ dz",
        "NumPy could not combine your two arrays. Write their shapes side by side. The inner "
        "sizes of a matrix product must be equal, and you may have to transpose one factor.",
        "da = dz @ bᵀ: (n, m) @ (m, k); db = aᵀ @ dz: (k, n) @ (n, m)",
    ),
    Slip(
        "reshaped instead of transposed",
        "def product_backward(dz, a, b):\n    return dz @ b.reshape(b.shape[::-1]), "
        "a.reshape(a.shape[::-1]) @ dz",
        "Your shapes are right, but the numbers are in the wrong positions. reshape keeps the "
        "numbers in the same order and only changes where each row ends.",
        "da = dz @ bᵀ, db = aᵀ @ dz; .T turns columns into rows",
    ),
    Slip(
        "swapped",
        "def product_backward(dz, a, b):\n    return a.T @ dz, dz @ b.T",
        "Both gradients are right, but you return them in the wrong order.",
        "return dL/da first, of a's shape, and then dL/db, of b's shape",
    ),
    Slip(
        "upstream gradient forgotten",
        """
import numpy as np

def product_backward(dz, a, b):
    ones = np.ones(dz.shape)
    return ones @ b.T, a.T @ ones
""",
        "Your numbers would be right if L were the plain sum of z. You use the shape of dz, but "
        "not its values.",
        "da = dz @ bᵀ, db = aᵀ @ dz",
    ),
    Slip(
        "averaged over the batch",
        """
def unbroadcast(dz, shape):
    while dz.ndim > len(shape):
        dz = dz.mean(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            dz = dz.mean(axis=axis, keepdims=True)
    return dz

def product_backward(dz, a, b):
    return dz @ b.T, a.T @ dz / len(dz)
""",
        "You divide by the number of uses. But each use moves the loss, and the effects add up. "
        "If the loss is a mean, dz already contains the factor from the mean.",
        "sum over all uses, without dividing",
    ),
    Slip(
        "one example instead of the whole batch",
        """
import numpy as np

def unbroadcast(dz, shape):
    while dz.ndim > len(shape):
        dz = dz[0]
    for axis, size in enumerate(shape):
        if size == 1:
            dz = np.take(dz, [0], axis=axis)
    return dz

def product_backward(dz, a, b):
    return dz @ b.T, np.outer(a[0], dz[0])
""",
        "You return the gradient from the first use only. But every row of the batch uses the "
        "same number.",
        "sum over all rows of the batch",
    ),
    Slip(
        "summed along the rows instead of the columns",
        "def dense_backward(dz, x, W, b):\n    return (*product_backward(dz, x, W), "
        "dz.sum(axis=1))",
        "You summed each row of dz. But each number of b is used once in every row, so sum each "
        "column.",
        "db = dz summed over the rows (axis 0), in the shape of b",
    ),
    Slip(
        "bias gradient not summed",
        "def dense_backward(dz, x, W, b):\n    return (*product_backward(dz, x, W), dz)",
        "b was stretched to the shape of z. You return one gradient for each use of b instead of "
        "one for each number.",
        "db = unbroadcast(dz, b.shape)",
    ),
    Slip(
        "an axis missing in the bias gradient",
        "def dense_backward(dz, x, W, b):\n    return (*product_backward(dz, x, W), "
        "dz.sum(axis=0))",
        "Your sum is right for a bias of shape (m,). A bias of shape (1, m) has one more axis, and "
        "so does its gradient.",
        "db = unbroadcast(dz, b.shape)",
    ),
    Slip(
        "gradients in the wrong order",
        "def dense_backward(dz, x, W, b):\n"
        "    dx, dW = product_backward(dz, x, W)\n    return dW, dx, unbroadcast(dz, b.shape)",
        "The gradients are right, but you swapped two of them.",
        "return dx, dW, db, in this order",
    ),
    Slip(
        "summed from the wrong end",
        """
def unbroadcast(dz, shape):
    while dz.ndim > len(shape):
        dz = dz.sum(axis=-1)
    return dz
""",
        "NumPy adds missing axes on the left, but you summed over the last axis.",
        "while dz has more axes than `shape`, sum over axis 0",
    ),
    Slip(
        "stretched axis not summed",
        """
def unbroadcast(dz, shape):
    while dz.ndim > len(shape):
        dz = dz.sum(axis=0)
    return dz
""",
        "You sum over the axes that the array did not have. But one of its own axes may have "
        "been stretched as well.",
        "also sum over each axis where `shape` has a 1, and keep that axis with size 1",
    ),
    Slip(
        "summed axis dropped",
        """
def unbroadcast(dz, shape):
    extra = dz.ndim - len(shape)
    repeated = [extra + axis for axis, size in enumerate(shape) if size == 1]
    return dz.sum(axis=(*range(extra), *repeated))
""",
        "Your sums are right, but the result must keep an axis of size 1. `sum` removes it "
        "unless you pass keepdims=True.",
        "sum over axes of size 1 with keepdims=True; the result then has the shape `shape`",
    ),
    Slip(
        "summed although nothing was stretched",
        "def unbroadcast(dz, shape):\n    return dz.sum(axis=0)",
        "You always sum over the first axis. That is right only for a row that is added to a "
        "table. In general, look at `shape` to see which axes were stretched.",
        "sum only over the axes that the array did not have, and over those where it had size 1",
    ),
    Slip(
        "summed over every axis",
        """
import numpy as np

def unbroadcast(dz, shape):
    return np.full(shape, dz.sum())
""",
        "You added all elements of dz and used the total for each number. Each number should get "
        "only the gradients from its own uses.",
        "sum only over the axes that the array did not have, and over those where it had size 1",
    ),
)
