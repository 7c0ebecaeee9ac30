"""Milestone 19, solved."""


def relu(x):
    """Return max(0, x), element by element."""

    def rule(dz):
        return (dz * (x.array > 0),)

    return Value(np.maximum(x.array, 0), (x,), rule)


def normalize(x):
    """Return each vector of x (..., D) with mean 0 and variance 1."""
    centred = x.array - x.array.mean(axis=-1, keepdims=True)
    size = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    z = centred / size

    def rule(dz):
        mean = dz.mean(axis=-1, keepdims=True)
        along = (dz * z).mean(axis=-1, keepdims=True)
        return ((dz - mean - z * along) / size,)

    return Value(z, (x,), rule)
