"""Milestone 9, solved."""


def cross_entropy(z, labels):
    """Return the loss of each label, for logits z (..., K): a Value (...)."""
    powers = np.exp(z.array - z.array.max(axis=-1, keepdims=True))
    p = powers / powers.sum(axis=-1, keepdims=True)
    right = np.eye(p.shape[-1])[labels]

    def rule(dz):
        return (dz[..., None] * (p - right),)

    return Value(-np.log((p * right).sum(axis=-1)), (z,), rule)
