"""Common wrong answers to lesson 5."""

from minigrad.course.checking.lesson import Slip


def unbroadcast(name, body, kind):
    code = f"import numpy as np\ndef unbroadcast(dz, shape, right=unbroadcast):\n    {body}"
    return Slip(name, code, kind)


def reshaped(da, db):
    return Slip(
        "reshaped instead of transposed",
        f"def product_backward(dz, a, b):\n    return {da}, {db}",
        "Your shapes are right, but the numbers are in the wrong positions. reshape keeps the "
        "numbers in the same order and only changes where each row ends.",
    )


def dense(name, returned, kind):
    code = "def dense_backward(dz, x, W, b):\n    dx, dW = product_backward(dz, x, W)\n"
    return Slip(name, f"{code}    return dx, dW{returned}", kind)


A, B = "a.reshape(a.shape[::-1]) @ dz", "dz @ b.reshape(b.shape[::-1])"
MEAN = (
    "You divide by the number of uses. But each use moves the loss, and the effects add up. "
    "If the loss is a mean, dz already contains the factor from the mean."
)
STRETCHED = (
    "for axis in [i for i, size in enumerate(shape) if size == 1]: dz = dz.sum(axis=axis, keepdims=True)\n"
    "    return dz"
)
FIRST = (
    "for axis, size in enumerate(shape):\n        if size == 1: dz = dz.sum(axis=axis, keepdims=True)\n"
    "    while dz.ndim > len(shape): dz = dz.sum(axis=0)\n    return dz"
)
BIAS = ", unbroadcast(dz, b.shape)"

SLIPS = (
    reshaped(B, "a.T @ dz"),
    reshaped("dz @ b.T", A),
    reshaped(B, A),
    reshaped("dz @ b.T", "(dz.T @ a).reshape(b.shape)"),
    Slip(
        "averaged over the batch",
        "def product_backward(dz, a, b):\n    return dz @ b.T, a.T @ dz / len(dz)",
        MEAN,
    ),
    dense("averaged over the batch", " / len(x)" + BIAS, MEAN),
    dense("averaged over the batch", BIAS + " / len(x)", MEAN),
    dense("averaged over the batch", " / len(x)" + BIAS + " / len(x)", MEAN),
    dense(
        "summed along the rows instead of the columns",
        ", dz.sum(axis=1)",
        "You summed each row of dz. But each number of b is used once in every row, so sum each column.",
    ),
    dense(
        "an axis missing in the bias gradient",
        ", dz.sum(axis=0)",
        "Your sum is right for a bias of shape (m,). A bias of shape (1, m) has one more axis, and "
        "so does its gradient.",
    ),
    dense(
        "an axis too many in the bias gradient",
        ", dz.sum(axis=0, keepdims=True)",
        "`keepdims=True` keeps the axis that you summed over. A bias of shape (m,) does not have this axis.",
    ),
    Slip(
        "dx and dW exchanged",
        "def dense_backward(dz, x, W, b):\n    return *product_backward(dz, x, W)[::-1], unbroadcast(dz, b.shape)",
        "You return dW first. The order is that of the arguments: dx, dW, db.",
    ),
    unbroadcast(
        "axes counted too early",
        FIRST,
        "You number the axes as in `shape`, but dz still has more axes on the left, so you sum over other ones. Sum "
        "over the missing axes first.",
    ),
    unbroadcast(
        "sum missing",
        "return dz",
        "The array was stretched, so each of its numbers was used several times. You return one "
        "gradient for each use instead of one for each number.",
    ),
    unbroadcast(
        "axes of size 1 summed only if other axes are missing",
        "return dz if dz.ndim == len(shape) else right(dz, shape)",
        "An array with as many axes as dz may have been stretched too: along its axes of size 1.",
    ),
    unbroadcast(
        "axes of size 1 forgotten if other axes are missing",
        "missing = dz.ndim - len(shape)\n"
        "    return dz.sum(axis=tuple(range(missing))) if missing else right(dz, shape)",
        "Both can happen at once. After the sum over the missing axes, an axis of size 1 may still be stretched.",
    ),
    unbroadcast(
        "`keepdims` forgotten",
        "return np.squeeze(right(dz, shape), tuple(i for i, size in enumerate(shape) if size == 1))",
        "Your sums are right, but each axis of size 1 is lost in its sum. Keep it.",
    ),
    unbroadcast(
        "missing axes not summed",
        STRETCHED,
        "You sum over axes of size 1 only. dz may also have more axes than `shape`, on the left.",
    ),
    unbroadcast(
        "only one missing axis summed",
        f"dz = dz.sum(axis=0) if dz.ndim > len(shape) else dz\n    {STRETCHED}",
        "You sum over one missing axis. Several axes may be missing.",
    ),
    unbroadcast(
        "missing axes kept",
        "return right(dz, (*[1] * (dz.ndim - len(shape)), *shape))",
        "`keepdims=True` keeps each axis that you sum over. An axis that the array did not have must go.",
    ),
    unbroadcast(
        "axes of size 1 not summed",
        "return dz.sum(axis=tuple(range(dz.ndim - len(shape))))",
        "You sum over missing axes only. An axis of size 1 may have been stretched, too.",
    ),
    unbroadcast(
        "summed over every axis",
        "return np.full(shape, dz.sum())",
        "You used the total of dz for each number. Each number should get only the gradients from its own uses.",
    ),
)
