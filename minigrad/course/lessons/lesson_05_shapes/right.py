"""Other correct answers to lesson 5."""

RIGHT = {
    "loops": """
import numpy as np

def unbroadcast(dz, shape):
    result = np.zeros(shape)
    for place in np.ndindex(dz.shape):
        own = place[dz.ndim - len(shape):]
        result[tuple(0 if size == 1 else i for i, size in zip(own, shape))] += dz[place]
    return result

def product_backward(dz, a, b):
    da, db = np.zeros(a.shape), np.zeros(b.shape)
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                da[i, k] += dz[i, j] * b[k, j]
                db[k, j] += dz[i, j] * a[i, k]
    return da, db
""",
    "einsum, and a reshape": """
import numpy as np

def unbroadcast(dz, shape):
    padded = (1,) * (dz.ndim - len(shape)) + tuple(shape)
    axes = tuple(i for i in range(dz.ndim) if padded[i] != dz.shape[i])
    return dz.sum(axis=axes).reshape(shape)

def product_backward(dz, a, b):
    return [np.einsum("nm,km->nk", dz, b), np.einsum("nk,nm->km", a, dz)]

def dense_backward(dz, x, W, b):
    return dz.dot(W.transpose()), (dz.T @ x).T, np.ones(len(dz)).dot(dz).reshape(b.shape)
""",
    "one axis after the other, from the right": """
def unbroadcast(dz, shape):
    result = dz
    own = (1,) * (dz.ndim - len(shape)) + shape
    for axis in reversed(range(dz.ndim)):
        if own[axis] != dz.shape[axis]:
            result = result.sum(axis=axis, keepdims=True)
    return result.reshape(shape)

def product_backward(dz, a, b):
    da = dz @ b.T
    db = a.T @ dz
    return da, db

def dense_backward(dz, x, W, b):
    dx = dz @ W.T
    dW = x.T @ dz
    db = dz.sum(axis=0).reshape(b.shape)
    return dx, dW, db
""",
}
