"""Milestone 18, solved."""


def product(a, b):
    """Return a @ b for a (..., n, k) and b, a matrix (k, m) or (..., k, m)."""

    def rule(dz):
        da = dz @ b.array.swapaxes(-1, -2)
        db = a.array.swapaxes(-1, -2) @ dz
        return da, unbroadcast(db, b.array.shape)

    return Value(a.array @ b.array, (a, b), rule)


def transpose(x):
    """Return x (..., n, k) as (..., k, n)."""

    def rule(dz):
        return (dz.swapaxes(-1, -2),)

    return Value(x.array.swapaxes(-1, -2), (x,), rule)


def softmax(x):
    """Return the softmax of each row, along the last axis."""
    powers = np.exp(x.array - x.array.max(axis=-1, keepdims=True))
    p = powers / powers.sum(axis=-1, keepdims=True)

    def rule(dz):
        return (p * (dz - (dz * p).sum(axis=-1, keepdims=True)),)

    return Value(p, (x,), rule)
