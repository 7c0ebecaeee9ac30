"""Common wrong answers to milestone 18."""

from minigrad.course.checking.lesson import Slip


def product(
    name,
    kind,
    da="dz @ b.array.swapaxes(-1, -2)",
    db="unbroadcast(a.array.swapaxes(-1, -2) @ dz, b.array.shape)",
):
    code = f"""
def product(a, b):
    return Value(a.array @ b.array, (a, b), lambda dz: ({da}, {db}))
"""
    return Slip(name, code, kind)


def softmax(name, kind, rule, low="x.array.max(axis=-1, keepdims=True)", axis=-1):
    code = f"""
def softmax(x):
    e = np.exp(x.array - {low})
    p = np.nan_to_num(e / e.sum(axis={axis}, keepdims=True))
    return Value(p, (x,), lambda dz: ({rule},))
"""
    return Slip(name, code, kind)


RULE = "p * (dz - (dz * p).sum(axis=-1, keepdims=True))"
SLIPS = (
    product(
        "not summed over the stack",
        "b is one matrix for the whole stack. Its gradient must have b's shape: sum over the "
        "axes in front.",
        db="a.array.swapaxes(-1, -2) @ dz",
    ),
    product(
        "all axes reversed",
        "`.T` reverses all axes of a stack. Swap only the last two.",
        "dz @ b.array.T",
        "unbroadcast(a.array.T @ dz, b.array.shape)",
    ),
    product(
        "the mean over the stack",
        "The gradients of a matrix that is used for each part of the stack add up. You take "
        "their mean.",
        db="(a.array.swapaxes(-1, -2) @ dz).mean(axis=tuple(range(a.array.ndim - b.array.ndim)))",
    ),
    Slip(
        "the gradient not turned back",
        """
def transpose(x):
    return Value(x.array.swapaxes(-1, -2), (x,), lambda dz: (dz.reshape(x.array.shape),))
""",
        "`reshape` keeps the order of the numbers. The gradient must be transposed back.",
    ),
    Slip(
        "all axes reversed in transpose",
        """
def transpose(x):
    return Value(x.array.T, (x,), lambda dz: (dz.T,))
""",
        "`.T` reverses all axes of a stack. Swap only the last two.",
    ),
    softmax(
        "only the diagonal",
        "Each probability depends on all logits of its row. p · (1 - p) is the slope for its "
        "own logit alone.",
        "dz * p * (1 - p)",
    ),
    softmax(
        "summed over everything",
        "The sum of dz · p is over one row, along the last axis. Your sum mixes the rows.",
        "p * (dz - (dz * p).sum())",
    ),
    softmax(
        "the upstream gradient as it is",
        "Your rule multiplies dz by p and no more. All logits of a row share its sum.",
        "dz * p",
    ),
    softmax(
        "along the first axis",
        "Your probabilities add up to 1 down the columns. The softmax works along the last axis.",
        RULE.replace("-1", "0"),
        "x.array.max(axis=0)",
        axis=0,
    ),
    softmax(
        "the exponential of a large number",
        "e to the power of 1000 is infinity. Subtract the largest number of the row first.",
        RULE,
        "0",
    ),
)
