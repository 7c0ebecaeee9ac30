"""Common wrong answers to milestone 9."""

from minigrad.course.checking.lesson import Slip


def written(
    name, kind, loss="np.log(powers.sum(axis=-1)) - scores[at]", rule="dz[..., None] * (p - right)"
):
    """Return a slip with another loss or another rule."""
    code = f"""
def cross_entropy(z, labels):
    scores = z.array - z.array.max(axis=-1, keepdims=True)
    powers = np.exp(scores)
    p = powers / powers.sum(axis=-1, keepdims=True)
    right = np.eye(p.shape[-1])[labels]
    at = (*np.indices(labels.shape), labels)
    return Value({loss}, (z,), lambda dz: ({rule},))
"""
    return Slip(name, code, kind)


SLIPS = (
    written(
        "the upstream gradient forgotten",
        "Your rule returns the same for every dz.",
        rule="p - right",
    ),
    written(
        "the sign turned round",
        "Your gradient makes the loss larger: it is y - p.",
        rule="dz[..., None] * (right - p)",
    ),
    written(
        "the mean of all losses",
        "You return one number. Each label has its own loss, and `.mean()` comes later.",
        "(np.log(powers.sum(axis=-1)) - scores[at]).mean()",
        "dz * (p - right) / labels.size",
    ),
    written(
        "only the label's logit gets a gradient",
        "All logits of a softmax depend on each other: raising one lowers all other probabilities.",
        rule="dz[..., None] * (p - 1) * right",
    ),
    written(
        "divided by the number of labels",
        "No mean is taken here, so nothing divides the gradient.",
        rule="dz[..., None] * (p - right) / labels.size",
    ),
    Slip(
        "the exponential of a large number",
        """
def cross_entropy(z, labels):
    powers = np.exp(z.array)
    p = powers / powers.sum(axis=-1, keepdims=True)
    right = np.eye(p.shape[-1])[labels]
    loss = np.nan_to_num(-np.log((p * right).sum(axis=-1)), nan=0.0)
    return Value(loss, (z,), lambda dz: (dz[..., None] * (p - right),))
""",
        "e to the power of 1000 is infinity. Subtract the largest logit first; the softmax "
        "stays the same.",
    ),
)
