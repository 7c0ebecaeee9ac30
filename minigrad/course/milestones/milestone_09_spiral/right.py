"""Other correct answers to milestone 9."""

RIGHT = {
    "picked by index": """
def cross_entropy(z, labels):
    scores = z.array - z.array.max(-1)[..., None]
    total = np.exp(scores).sum(-1)
    at = (*np.indices(np.shape(labels)), labels)

    def rule(dz):
        dx = np.exp(scores) / total[..., None]
        dx[at] -= 1
        return [dx * np.expand_dims(dz, -1)]

    return Value(np.log(total) - scores[at], [z], rule)
""",
}
