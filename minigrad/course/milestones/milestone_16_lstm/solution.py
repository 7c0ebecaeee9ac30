"""Milestone 16, solved."""


def sigmoid(x):
    """Return 1 / (1 + exp(-x)), element by element."""
    z = 1 / (1 + np.exp(-x.array))

    def rule(dz):
        return (dz * z * (1 - z),)

    return Value(z, (x,), rule)


def columns(x, start, stop):
    """Return the columns from start to stop - 1 of x (N, D)."""

    def rule(dz):
        dx = np.zeros(x.array.shape)
        dx[:, start:stop] = dz
        return (dx,)

    return Value(x.array[:, start:stop], (x,), rule)
