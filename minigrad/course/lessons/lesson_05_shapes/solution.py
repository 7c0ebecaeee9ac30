"""Lesson 5: gradients of a matrix product, and of a bias that is added to every row."""


def unbroadcast(dz, shape):
    while dz.ndim > len(shape):
        dz = dz.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            dz = dz.sum(axis=axis, keepdims=True)
    return dz


def product_backward(dz, a, b):
    return dz @ b.T, a.T @ dz


def dense_backward(dz, x, W, b):
    dx, dW = product_backward(dz, x, W)
    return dx, dW, unbroadcast(dz, b.shape)


def stacked_backward(dz, a, b):
    da = dz @ b.swapaxes(-1, -2)
    return da, unbroadcast(a.swapaxes(-1, -2) @ dz, b.shape)


def multiply_backward(dz, a, b):
    return unbroadcast(dz * b, a.shape), unbroadcast(dz * a, b.shape)
