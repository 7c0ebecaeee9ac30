"""Common wrong answers to lesson 8."""

from minigrad.course.lesson import Slip

LOSS = """
def cross_entropy(logits, labels):
    log_p, rows = log_softmax(logits), np.arange(len(labels))
    return {}
"""
BACK = """
def cross_entropy_backward(logits, labels):
    p, rows, N = softmax(logits), np.arange(len(labels)), len(labels)
    y = np.eye(p.shape[1])[labels]
    return {}
"""
NUMBER = (
    "A label such as 2 is the number of a class, not a row with a single 1. Your code calculates with "
    "the number itself."
)
SHARE = """
def softmax(logits):
    e = np.exp(logits - logits.max({0}))
    return {1}
"""
LOG = """
def log_softmax(logits):
    shifted = logits - logits.max({0})
    return shifted - np.log(np.exp(shifted).sum({1}))
"""
LOG_OF = """
def log_softmax(logits):
    m = logits.max(axis=1, keepdims=True)
    z = logits - m
    e = np.exp(z)
    S = e.sum(axis=1, keepdims=True)
    return {}
"""
ROW = "axis=1, keepdims=True"
BATCH = "Your code combines numbers from different rows. Each row is an example by itself, with its own {}."
COLUMNS = "Your code uses the columns of all labels in each row. Each row has only one label."


FROM_0 = "The first class has the number 0, like the first column. You used the column to its left."
ASSIGNED = (
    "In the column of each label, your code replaces p by another number. It should change p."
)


def share(name, axis, body, kind):
    return Slip(
        name,
        SHARE.format(axis, body),
        kind,
        "with m = the row's largest score: e^(z_j - m) / (the sum of e^(z_k - m) over the row)",
    )


def log_share(axis, total):
    return Slip(
        "the wrong axis",
        LOG.format(axis, total),
        BATCH.format("sum S"),
        "with m and S of the same row: log p_j = z_j - m - log S",
    )


def log_slip(name, body, kind):
    return Slip(
        name,
        LOG_OF.format(body),
        kind,
        "with m and S of the same row: log p_j = z_j - m - log S",
    )


def start(name, body, kind):
    return Slip(
        name,
        f"def loss_at_start(classes):\n    return {body}",
        kind,
        "-log p, where each of the classes has the same probability",
    )


def loss(name, body, kind):
    return Slip(
        name,
        LOSS.format(body),
        kind,
        "-(log p[i, labels[i]] for each row i), averaged over the N rows",
    )


def gradient(name, body, kind):
    return Slip(
        name,
        BACK.format(body),
        kind,
        "(p - y) / N, where y is 1 at each row's label and 0 elsewhere",
    )


SLIPS = (
    share(
        "scores divided without `exp`",
        ROW,
        "logits / logits.sum(axis=1, keepdims=True)",
        "Each score is divided by the sum of the scores. Probabilities must be positive for negative scores, too.",
    ),
    share(
        "the rows do not add up to 1",
        ROW,
        "e",
        "The largest number in each of your rows is 1. The sum of each row must be 1.",
    ),
    share(
        "divided by the number of classes",
        ROW,
        "e / e.shape[1]",
        "You divided by the number of columns. The sum of each row must be 1.",
    ),
    share("the wrong axis", "axis=0", "e / e.sum(axis=0)", BATCH.format("sum")),
    share("the wrong axis", ROW, "e / e.sum(axis=0)", BATCH.format("sum")),
    share("no axis", "", "e / e.sum()", BATCH.format("sum")),
    log_share("axis=0", "axis=0"),
    log_share(ROW, "axis=0"),
    log_share("", ""),
    log_slip(
        "the sign",
        "np.log(S) - z",
        "Your numbers are minus log p. A probability is at most 1, so log p is at most 0.",
    ),
    log_slip(
        "S not used",
        "z",
        "Your result is the difference to the row's largest score. The logarithm of the row's sum is missing.",
    ),
    log_slip(
        "m subtracted only in S",
        "logits - np.log(S)",
        "The row's largest score is subtracted from the scores in the sum, but not from the score itself.",
    ),
    log_slip(
        "log forgotten",
        "z - S",
        "You subtracted the row's sum itself, not its logarithm.",
    ),
    loss(
        "the logarithm of the mean",
        "-np.log(np.exp(log_p[rows, labels]).mean())",
        "You averaged the probabilities, and took the logarithm afterwards. The loss is a mean of logarithms.",
    ),
    loss(
        "the sum for the mean",
        "-log_p[rows, labels].sum()",
        "You added up the losses of the rows. Such a loss grows with the number of rows.",
    ),
    loss(
        "the mean over all entries",
        "-(np.eye(log_p.shape[1])[labels] * log_p).mean()",
        "You divided by rows times classes. Each row counts once.",
    ),
    loss(
        "divided by the number of classes",
        "-log_p[rows, labels].sum() / log_p.shape[1]",
        "The sum of the losses is divided by the number of columns. The loss is a mean over the rows.",
    ),
    loss(
        "labels ignored",
        "-log_p.mean()",
        "Your loss does not depend on which class is right.",
    ),
    loss(
        "the largest probability",
        "-log_p.max(axis=1).mean()",
        "You used the class with the highest score, which may be the wrong one.",
    ),
    loss("every label in every row", "-log_p[:, labels].mean()", COLUMNS),
    loss("labels counted from 1", "-log_p[rows, labels - 1].mean()", FROM_0),
    loss(
        "the logarithm forgotten",
        "-softmax(logits)[rows, labels].mean()",
        "You used the probabilities of the right classes as they are.",
    ),
    loss("labels as one-hot rows", "-(labels[:, None] * log_p).sum(axis=1).mean()", NUMBER),
    loss("labels as one-hot rows", "-(labels * log_p).sum(axis=1).mean()", NUMBER),
    gradient(
        "y - p",
        "(y - p) / N",
        "All signs are wrong. A step against this gradient makes the right class less likely.",
    ),
    gradient(
        "not divided by the batch",
        "p - y",
        "This is the gradient of the sum of the losses. The loss is their mean.",
    ),
    gradient(
        "divided by the number of classes",
        "(p - y) / p.shape[1]",
        "You divided by the number of columns. The loss is a mean over the rows.",
    ),
    gradient(
        "divided by the number of all entries",
        "(p - y) / p.size",
        "You divided by rows times classes. The loss is a mean over the rows only.",
    ),
    gradient(
        "softmax forgotten",
        "(logits - y) / N",
        "You subtracted y from the scores. It must be subtracted from the probabilities.",
    ),
    gradient(
        "log p for p",
        "(np.log(p) - y) / N",
        "You subtracted y from log p. It must be subtracted from p itself.",
    ),
    gradient(
        "only the right class treated",
        "(p - 1) * y / N",
        "The gradients of the wrong classes are 0. But if you nudge the score of a wrong class, the "
        "right class gets less probability.",
    ),
    gradient(
        "no gradient at the label",
        "p * (1 - y) / N",
        "The gradient at the label is 0. But if you nudge this score, the loss changes.",
    ),
    gradient(
        "only one part divided",
        "p / N - y",
        "The mean divides the whole gradient of a row. You divided only one part of it.",
    ),
    gradient(
        "the right class not treated",
        "p / N",
        "Your gradient does not depend on the labels. It pushes every score down, even that of the right class.",
    ),
    gradient("labels counted from 1", "(p - np.eye(p.shape[1])[labels - 1]) / N", FROM_0),
    gradient("the probability replaced", "np.where(y == 1, 1, p) / N", ASSIGNED),
    gradient("the probability replaced", "np.where(y == 1, -1, p) / N", ASSIGNED),
    gradient(
        "1 subtracted everywhere",
        "(p - 1) / N",
        "You subtracted 1 in every column. In each row, only one class is right.",
    ),
    gradient(
        "the gradient for the probabilities",
        "-y / p / N",
        "This is the slope of the loss for each probability. It still has to go back through softmax to the scores.",
    ),
    gradient(
        "every label in every row",
        "(p - np.isin(np.arange(p.shape[1]), labels)) / N",
        COLUMNS,
    ),
    gradient("labels as one-hot rows", "(p - labels[:, None]) / N", NUMBER),
    gradient("labels as one-hot rows", "(p - labels) / N", NUMBER),
    *(
        start(
            "another logarithm",
            f"np.{log}(classes)",
            "You used a logarithm to another base. The loss uses the natural logarithm, `np.log`.",
        )
        for log in ("log2", "log10")
    ),
    start(
        "a negative loss",
        "-np.log(classes)",
        "A probability is at most 1, so minus its logarithm is never negative.",
    ),
    *(
        start(
            "another number of classes",
            f"np.log(classes {by} 1)",
            "Your number is log C for another C: you counted one class too {}.".format(
                "few" if by == "-" else "many"
            ),
        )
        for by in "-+"
    ),
    start(
        "no loss at all",
        "0.0",
        "Your loss is 0 for every number of classes, as if there were only one class. Then its probability is 1.",
    ),
    start(
        "the probability",
        "1 / classes",
        "This is the probability of each class. The loss is computed from it.",
    ),
)
