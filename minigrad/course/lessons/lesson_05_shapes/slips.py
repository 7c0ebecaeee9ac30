"""Common wrong answers to lesson 5."""

from minigrad.course.lesson import Slip

PRODUCT = "def product_backward(dz, a, b):\n    return "
DENSE = "def dense_backward(dz, x, W, b):\n    return (*product_backward(dz, x, W), "
SUM = "sum only over the axes that the array did not have, and over those where it had size 1"

SLIPS = (
    Slip(
        "transposed",
        PRODUCT + "b @ dz.T, dz.T @ a",
        "The rows and columns of your gradient are exchanged. A gradient has the shape of its array.",
        "da = dz @ bᵀ, of shape (n, k); db = aᵀ @ dz, of shape (k, m)",
    ),
    Slip(
        "no transpose",
        PRODUCT + "dz @ b, a @ dz",
        "You multiplied by both factors as they are. Write the shapes of the two arrays side by "
        "side, and try it with sizes that are all different.",
        "da = dz @ bᵀ: (n, m) @ (m, k); db = aᵀ @ dz: (k, n) @ (n, m)",
    ),
    Slip(
        "reshaped instead of transposed",
        PRODUCT + "dz @ b.reshape(b.shape[::-1]), a.reshape(a.shape[::-1]) @ dz",
        "Your shapes are right, but the numbers are in the wrong positions. reshape keeps the "
        "numbers in the same order and only changes where each row ends.",
        "da = dz @ bᵀ, db = aᵀ @ dz; .T turns columns into rows",
    ),
    Slip(
        "upstream gradient forgotten",
        PRODUCT + "(0 * dz + 1) @ b.T, a.T @ (0 * dz + 1)",
        "Your numbers would be right if L were the plain sum of z. You use the shape of dz, but not its values.",
        "da = dz @ bᵀ, db = aᵀ @ dz",
    ),
    Slip(
        "averaged over the batch",
        PRODUCT + "dz @ b.T, a.T @ dz / len(dz)",
        "You divide by the number of uses. But each use moves the loss, and the effects add up. "
        "If the loss is a mean, dz already contains the factor from the mean.",
        "sum over all uses, without dividing",
    ),
    Slip(
        "one example instead of the whole batch",
        PRODUCT + "dz @ b.T, a[:1].T @ dz[:1]",
        "You return the gradient from the first row only. But every row of the batch uses the same number.",
        "sum over all rows of the batch",
    ),
    Slip(
        "summed along the rows instead of the columns",
        DENSE + "dz.sum(axis=1))",
        "You summed each row of dz. But each number of b is used once in every row, so sum each column.",
        "db = dz summed over the rows (axis 0), in the shape of b",
    ),
    Slip(
        "an axis missing in the bias gradient",
        DENSE + "dz.sum(axis=0))",
        "Your sum is right for a bias of shape (m,). A bias of shape (1, m) has one more axis, and "
        "so does its gradient.",
        "db = unbroadcast(dz, b.shape)",
    ),
    Slip(
        "sum missing",
        "def unbroadcast(dz, shape):\n    return dz",
        "The array was stretched, so each of its numbers was used several times. You return one "
        "gradient for each use instead of one for each number.",
        SUM,
    ),
    Slip(
        "missing axes not summed",
        """
def unbroadcast(dz, shape):
    for axis, size in enumerate(shape):
        if size == 1:
            dz = dz.sum(axis=axis, keepdims=True)
    return dz
""",
        "You sum over axes of size 1 only. dz may also have more axes than `shape`, on the left.",
        SUM,
    ),
    Slip(
        "axes of size 1 not summed",
        """
def unbroadcast(dz, shape):
    return dz.sum(axis=tuple(range(dz.ndim - len(shape))))
""",
        "You sum over missing axes only. An axis of size 1 may have been stretched, too.",
        SUM,
    ),
    Slip(
        "axes of size 1 summed only if other axes are missing",
        """
def unbroadcast(dz, shape, right=unbroadcast):
    return dz if dz.ndim == len(shape) else right(dz, shape)
""",
        "An array with as many axes as dz may have been stretched too: along its axes of size 1.",
        SUM,
    ),
    Slip(
        "results exchanged",
        """
def dense_backward(dz, x, W, b, right=dense_backward):
    dx, dW, db = right(dz, x, W, b)
    return dW, dx, db
""",
        "Two of your gradients are right, but they are returned in each other's place.",
        "return dx, dW, db",
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
        "always summed over the first axis",
        "def unbroadcast(dz, shape):\n    return dz.sum(axis=0)",
        "That is right only for a row that is added to a table. In general, look at `shape` to see "
        "which axes were stretched.",
        SUM,
    ),
    Slip(
        "summed over every axis",
        "import numpy as np\ndef unbroadcast(dz, shape):\n    return np.full(shape, dz.sum())",
        "You used the total of dz for each number. Each number should get only the gradients from its own uses.",
        SUM,
    ),
)
