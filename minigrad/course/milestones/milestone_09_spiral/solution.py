"""Milestone 9, solved."""


def cross_entropy(z, labels):
    """Return the loss of each label, for logits z (..., K): a Value (...)."""
    scores = z.array - z.array.max(axis=-1, keepdims=True)
    powers = np.exp(scores)
    total = powers.sum(axis=-1, keepdims=True)
    right = np.eye(scores.shape[-1])[labels]

    def rule(dz):
        return (dz[..., None] * (powers / total - right),)

    return Value(np.log(total[..., 0]) - (scores * right).sum(axis=-1), (z,), rule)
