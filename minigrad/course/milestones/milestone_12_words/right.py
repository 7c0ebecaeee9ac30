"""Other correct answers to milestone 12."""

RIGHT = {
    "a loop": """
def rows(W, ids):
    def rule(dz):
        dW = np.zeros_like(W.array)
        for place in np.ndindex(ids.shape):
            dW[ids[place]] += dz[place]
        return (dW,)

    return Value(W.array[ids], (W,), rule)
""",
    "a product with rows of the identity": """
def rows(W, ids):
    chosen = np.eye(len(W.array))[ids]

    def rule(dz):
        return (chosen.reshape(-1, len(W.array)).T @ dz.reshape(-1, dz.shape[-1]),)

    return Value(chosen @ W.array, (W,), rule)
""",
}
