"""The questions of lesson 8: softmax, its logarithm, cross entropy, and its gradient."""

from html import escape
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.course.checking.answers import difference
from minigrad.course.checking.lesson import Question, values

TEXT = [[2.0, 1.0, 0.0]]
TWO = [[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
SQUARE = [[0.0, 1.0, 0.5], [3.0, 1.0, -1.0], [0.2, 0.2, 2.0]]
SOFTMAX = "with m = the largest score of the row: p_j = e^(z_j - m) / (the sum of e^(z_k - m) over the row)"


def scores(*shape):
    """Random scores with one digit after the point."""
    return np.random.default_rng(0).normal(size=shape).round(1) * 2


def labelled(logits, *labels):
    return values(logits=logits, labels=np.array(labels))


def parts(p):
    """Name the probabilities of one row, and two numbers that reveal a mistake in them."""
    p = np.asarray(p, float)
    return [("p_0 / p_1", p[0, 0] / p[0, 1]), ("the sum of p", p.sum()), ("p", p)]


def log_parts(log_p):
    """Name the logarithms of one row, and two numbers that reveal a mistake in them."""
    z = np.asarray(log_p, float)
    return [
        ("log p_0 - log p_1", z[0, 0] - z[0, 1]),
        ("the sum of e^(log p)", np.exp(z).sum()),
        ("log p", z),
    ]


def by_row(function, arguments, rows):
    """Return an expression for the result of each row alone, and then for all rows."""
    results = {
        f"row {i} alone": ", ".join(f"{argument}[{i}:{i + 1}]" for argument in arguments)
        for i in range(rows)
    }
    results["all rows"] = ", ".join(arguments)
    return f"{{{', '.join(f'{name!r}: {function}({given})' for name, given in results.items())}}}"


def finite(yours, right):
    """Compare two results. Explain where an infinite number or a NaN comes from."""
    if np.shape(yours) != np.shape(right) or np.isfinite(yours).all():
        return difference(yours, right, 1e-6)
    where = np.argwhere(~np.isfinite(yours))[0].tolist()
    at = f"your result at {where} is" if where else "your result is"
    found = np.asarray(yours)[tuple(where)]
    row = np.atleast_2d(yours)[where[0] if where else 0]
    if np.isneginf(found) and np.isfinite(row).any():
        return (
            f"    {at} minus infinity, the logarithm of 0. A probability was rounded to 0 before you "
            "took its logarithm."
        )
    others = " Each row needs its own maximum." if where and np.isfinite(yours).any() else ""
    if np.isinf(found):
        return (
            f"    {at} infinite: NumPy computed the logarithm of 0, exp of a number above 709, or a "
            f"division by 0.{others}"
        )
    largest = f" in row {where[0]}" if where else ""
    return (
        f"    {at} nan: NumPy calculated with infinity, or computed 0 / 0 or the logarithm of a "
        f"negative number. Print the exponents that you pass to exp. Is the largest one{largest} "
        f"equal to 0?{others}"
    )


def of_rows(function, logits, what, formula, split):
    """A question about softmax or log_softmax, which locates a mistake by parts of a row, or by
    rows. If `what` is given, the scores are so large that `finite` explains the mistake best.
    """
    call, several = f"{function}(logits)", len(logits) > 1 and not what
    return Question(
        function, call, values(logits=logits), what, formula=formula, compare=finite,
        names=None if several or what else split, way=by_row(function, ["logits"], len(logits)) if several else "",
    )  # fmt: skip


def softmax_of(logits, what=""):
    return of_rows("softmax", logits, what, SOFTMAX, parts)


def log_softmax_of(logits, what=""):
    formula = "with m = the largest score of the row: log p_j = z_j - m - log(the sum of e^(z_k - m) over the row)"
    return of_rows("log_softmax", logits, what, formula, log_parts)


def labelled_of(function, formula, logits, labels, step, what="", **more):
    """A question about a function of logits and labels, which locates a mistake by steps or by rows."""
    call, rows = f"{function}(logits, labels)", len(labels)
    way = by_row(function, ["logits", "labels"], rows) if rows > 1 else f"{{{step}: {call}}}"
    return Question(
        function, call, labelled(logits, *labels), what, formula=formula, way="" if what else way, **more
    )  # fmt: skip


def loss_of(logits, *labels, what=""):
    formula = "minus the mean over the rows of log p[row, label of the row]"
    step = "'log p': log_softmax(logits), 'loss'"
    return labelled_of("cross_entropy", formula, logits, labels, step, what, compare=finite)


GRADIENT = "(p - y) / N, where y is 1 at each row's label and 0 elsewhere"


def gradient_of(
    logits, *labels, function="cross_entropy_backward", formula=GRADIENT, stretch=False
):
    return labelled_of(
        function, formula, logits, labels, "'p': softmax(logits), 'gradient'",
        measured="finite difference", stretch=stretch,
    )  # fmt: skip


def start_of(classes):
    return Question(
        "loss_at_start", "loss_at_start(classes)", values(classes=classes),
        compare=finite, formula="minus log p, where all classes share the probability equally",
    )  # fmt: skip


def squared_of(logits, *labels):
    return gradient_of(
        logits, *labels, function="squared_error_backward", stretch=True,
        formula="2 (1 - q) q (p - y) / N, where q is the probability of the row's right class",
    )  # fmt: skip


def binary_of(logits, *labels):
    return Question(
        "binary_cross_entropy", "binary_cross_entropy(logits, labels)", labelled(logits, *labels),
        formula="the cross entropy of two classes with the scores 0 and z", stretch=True,
    )  # fmt: skip


QUESTIONS = (
    softmax_of([[1.0, 1.0]]),
    softmax_of(TEXT),
    softmax_of([[0.0, 1.0], [3.0, 1.0]]),
    softmax_of([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]]),
    softmax_of(
        [[720.0, 718.0, 0.0]],
        "softmax(logits), where e^720 is too large for a floating-point number",
    ),
    softmax_of(
        [[1000.0, 1000.0], [0.0, 1.0], [-1000.0, -1002.0]],
        "softmax(logits), where the scores of the rows are far apart",
    ),
    softmax_of(
        [[1000.0, -999.0], [0.0, 1.0]], "softmax(logits), where the scores of one row are far apart"
    ),
    softmax_of(scores(5, 4)),
    log_softmax_of([[0.0, 0.0]]),
    log_softmax_of(TEXT),
    log_softmax_of([[0.0, 1.0], [3.0, 1.0]]),
    log_softmax_of([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]]),
    log_softmax_of(
        [[1000.0, 0.0], [0.0, 1.0], [-1000.0, -1000.0]],
        "log_softmax(logits), where a probability is too small for a floating-point number",
    ),
    log_softmax_of(
        [[1000.0, -999.0], [0.0, 1.0]],
        "log_softmax(logits), where the scores of one row are far apart",
    ),
    log_softmax_of(scores(5, 4)),
    loss_of([[0.0, 0.0]], 1),
    loss_of(TEXT, 0),
    loss_of(TEXT, 2),
    loss_of(TWO, 1, 2),
    loss_of(SQUARE, 2, 0, 2),
    loss_of(
        [[1000.0, 0.0], [0.0, 1000.0]],
        1,
        1,
        what="cross_entropy(logits, labels), where a probability is rounded to 0",
    ),  # fmt: skip
    loss_of(scores(6, 4), 3, 0, 1, 1, 2, 0),
    gradient_of([[0.0, 0.0]], 1),
    gradient_of(TEXT, 0),
    gradient_of(TEXT, 2),
    gradient_of(TWO, 1, 2),
    gradient_of(SQUARE, 2, 0, 2),
    gradient_of([[1000.0, 998.0], [-1000.0, -999.0]], 1, 1),
    gradient_of(scores(6, 4), 3, 0, 1, 1, 2, 0),
    start_of(2),
    start_of(10),
    start_of(3),
    squared_of([[0.0, 0.0]], 1),
    squared_of(TEXT, 2),
    squared_of(TWO, 1, 2),
    squared_of(scores(6, 4), 3, 0, 1, 1, 2, 0),
    binary_of([0.0], 1),
    binary_of([2.0], 0),
    binary_of([2.0, -1.0, 0.5], 1, 1, 0),
    binary_of([1000.0, -1000.0, 1000.0, 3.0], 0, 1, 1, 1),
)

X = np.array([[1.0, 0.5], [-1.0, 1.0], [0.5, -1.0]])
W = np.array([[1.0, 0.0, -1.0], [0.5, 0.8, 0.0]])
LABELS = np.array([0, 2, 1])
Y = np.eye(3)[LABELS]


def right_softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def page(file, path, failed):
    """Draw the loss of three rows, with the learner's function as a gate. If no graph can use its
    result, show the result instead.
    """
    z = X @ W
    p = right_softmax(z)
    right = {"softmax": p, "log_softmax": np.log(p), "cross_entropy": -(np.log(p) * Y).sum() / 3,
             "cross_entropy_backward": (p - Y) / 3}  # fmt: skip
    if failed in right:
        yours = getattr(file, failed)(z.copy(), *([LABELS.copy()] if "cross" in failed else []))
        yours = np.asarray(yours, dtype=float)
        usable = np.isfinite(yours).all() and (failed != "softmax" or (yours > 0).all())
        if yours.shape != np.shape(right[failed]) or not usable:
            Path(path).write_text(without_graph(failed, z, yours, right[failed]), encoding="utf-8")
            return

    class YourSoftmax(mg.Gate):
        __doc__ = (
            f"z = your {failed}. The backward pass is right, so where it disagrees, z is wrong."
        )
        symbol = "your log p" if failed == "log_softmax" else "your p"

        def forward(self, logits):
            return np.asarray(getattr(file, failed)(logits.copy()), dtype=float)

        def backward(self, dz, z, logits):
            p = right_softmax(logits)
            if failed == "log_softmax":
                return (dz - p * dz.sum(axis=1, keepdims=True),)
            return (p * (dz - (p * dz).sum(axis=1, keepdims=True)),)

    class YourLoss(mg.Gate):
        __doc__ = {
            "cross_entropy": "z = your cross_entropy. The backward pass is right, so where it disagrees, z is wrong.",
            "cross_entropy_backward": "z = the right loss. The backward pass is your cross_entropy_backward.",
        }.get(failed, "z = your cross_entropy. The backward pass is your cross_entropy_backward.")
        symbol = "your loss"

        def forward(self, logits):
            if failed == "cross_entropy_backward":
                return -(np.log(right_softmax(logits)) * Y).sum() / 3
            return np.asarray(file.cross_entropy(logits.copy(), LABELS.copy()), dtype=float)

        def backward(self, dz, z, logits):
            if failed == "cross_entropy":
                return (dz * (right_softmax(logits) - Y) / 3,)
            return (dz * np.asarray(file.cross_entropy_backward(logits.copy(), LABELS.copy())),)

    def loss(x, W, b):
        logits = x @ W + b
        if failed not in ("softmax", "log_softmax"):
            return YourLoss()(logits)
        y = mg.Tensor(Y, name="y")
        log_p = YourSoftmax()(logits) if failed == "log_softmax" else mg.log(YourSoftmax()(logits))
        return -(log_p * y).sum() / 3

    arrays = {"x": X, "W": W, "b": np.zeros(3)}
    tensors = [mg.Tensor(array, requires_grad=True, name=name) for name, array in arrays.items()]
    report = mg.gradcheck(loss, *tensors) if failed in right else None
    mg.explore(loss(*tensors), path, report=report)


def without_graph(failed, z, yours, right):
    """Return a page with the scores and a result that no graph can use."""
    rows = "".join(
        f"<h2>{escape(name)}</h2><p>shape {np.shape(array)}</p><pre>{escape(str(array))}</pre>"
        for name, array in (("logits", z), ("yours", yours))
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,">'
        f"<title>{failed}</title></head><body style='font: 16px/1.5 sans-serif; max-width: 46em; margin: 1.5em auto'>"
        f"<h1>{failed}: your result</h1><p>No graph can use this result. It must have the shape {np.shape(right)}, "
        f"and contain only finite numbers{', all positive' if failed == 'softmax' else ''}.</p>"
        f"{rows}</body></html>"
    )
