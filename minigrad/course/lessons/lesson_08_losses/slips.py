"""Common wrong answers to lesson 8."""

from minigrad.course.checking.lesson import Slip


def slips(code, *rows):
    """Return a slip for each row, which contains a name, the texts that replace each {} in the
    code, and the kind.
    """
    return [Slip(name, code.format(*parts), kind) for name, *parts, kind in rows]


SOFTMAX = """
def softmax(logits):
    e = np.exp(logits - logits.max({}))
    return {}
"""
LOG = """
def log_softmax(logits):
    z = logits - logits.max({})
    return z - np.log(np.exp(z).sum({}))
"""
LOSS = """
def cross_entropy(logits, labels):
    log_p, rows = log_softmax(logits), np.arange(len(labels))
    return {}
"""
BACK = """
def cross_entropy_backward(logits, labels):
    p, N = softmax(logits), len(labels)
    y = np.eye(p.shape[1])[labels]
    return {}
"""
START = "def loss_at_start(classes):\n    return {}"
ROW = "axis=1, keepdims=True"
MIXED = "Your code combines numbers from different rows. Each row is an example by itself, with its own sum."
LOST = (
    "Without keepdims, the result of `max` or `sum` is a row with one number for each example. NumPy "
    "uses these numbers for the columns."
)
COLUMNS = "Your code uses the columns of all labels in each row. Each row has only one label."
CLASSES = "You divided by the number of columns. The loss is a mean over the rows."

SLIPS = (
    *slips(
        SOFTMAX,
        ("the wrong axis", "axis=0", "e / e.sum(axis=0)", MIXED),
        ("no axis", "", "e / e.sum()", MIXED),
        ("`keepdims` forgotten twice", "axis=1", "e / e.sum(axis=1)", LOST),
    ),
    *slips(
        LOG,
        ("the wrong axis", "axis=0", "axis=0", MIXED),
        ("no axis", "", "", MIXED),
        ("`keepdims` forgotten twice", "axis=1", "axis=1", LOST),
    ),
    *slips(
        LOSS,
        (
            "the logarithm of the mean",
            "-np.log(np.exp(log_p[rows, labels]).mean())",
            "You averaged the probabilities, and took the logarithm afterwards. The loss is a mean of logarithms.",
        ),
        (
            "the sum for the mean",
            "-log_p[rows, labels].sum()",
            "You added up the losses of the rows. Such a loss grows with the number of rows.",
        ),
        (
            "divided by the number of classes",
            "-log_p[rows, labels].sum() / log_p.shape[1]",
            CLASSES,
        ),
        (
            "the largest probability",
            "-log_p.max(axis=1).mean()",
            "You used the class with the highest score, which may be the wrong one.",
        ),
        ("every label in every row", "-log_p[:, labels].mean()", COLUMNS),
        (
            "the logarithm forgotten",
            "-softmax(logits)[rows, labels].mean()",
            "You used the probabilities of the right classes as they are.",
        ),
    ),
    *slips(
        BACK,
        (
            "not divided by the batch",
            "p - y",
            "This is the gradient of the sum of the losses. The loss is their mean.",
        ),
        ("divided by the number of classes", "(p - y) / p.shape[1]", CLASSES),
        (
            "the 1 not divided by the batch",
            "p / N - y",
            "You divide p by the number of rows, and subtract y afterwards. The mean divides both.",
        ),
        (
            "only the right class treated",
            "(p - 1) * y / N",
            "The gradients of the wrong classes are 0. But if you nudge the score of a wrong class, the "
            "right class gets less probability.",
        ),
        (
            "the probability replaced",
            "np.where(y == 1, -1, p) / N",
            "In the column of each label, your code replaces p by another number. It should change p.",
        ),
        (
            "the gradient for the probabilities",
            "-y / p / N",
            "This is the slope of the loss for each probability. It still has to go back through softmax.",
        ),
        (
            "every label in every row",
            "(p - np.isin(np.arange(p.shape[1]), labels)) / N",
            COLUMNS,
        ),
    ),
    *slips(
        START,
        (
            "a logarithm to base 2",
            "np.log2(classes)",
            "The loss uses the natural logarithm, `np.log`.",
        ),
        (
            "a logarithm to base 10",
            "np.log10(classes)",
            "The loss uses the natural logarithm, `np.log`.",
        ),
        (
            "a negative loss",
            "-np.log(classes)",
            "A probability is at most 1, so minus its logarithm is never negative.",
        ),
        (
            "no loss at all",
            "0.0",
            "Your loss is 0 for every number of classes, as if there were only one class. Then its probability is 1.",
        ),
        (
            "the probability",
            "1 / classes",
            "This is the probability of each class. The loss is computed from it.",
        ),
    ),
)
