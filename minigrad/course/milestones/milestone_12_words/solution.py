"""Milestone 12, solved."""


def rows(W, ids):
    """Return the row of the matrix W for each id: a Value (..., D)."""

    def rule(dz):
        dW = np.zeros(W.array.shape)
        np.add.at(dW, ids, dz)
        return (dW,)

    return Value(W.array[ids], (W,), rule)
