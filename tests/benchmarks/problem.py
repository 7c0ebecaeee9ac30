"""What every contender is given: sizes, start weights, and batches of real reviews. Knows NumPy and
no framework.

All of it is made once, by a seed, and handed over as one file, so that no contender reads data
another way, and none but minigrad has minigrad in its process.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Weights = dict[str, Array]

KINDS = {"rnn": 1, "gru": 3, "lstm": 4}
"""The recurrent layers, each with the number of blocks of H columns in its matrices."""

RULE = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-16}
"""Adam's settings. eps is so small that its place does not matter: Keras adds it to √v before the
bias correction, the others after it, and the usual 1e-7 is larger than the gradients of early
words, whose rows would then move differently."""


@dataclass(frozen=True)
class Sizes:
    """The model's sizes, T B D H and the vocabulary, and how long it is trained before it is
    timed.
    """

    steps: int = 40  # time steps
    batch: int = 32
    width: int = 128
    hidden: int = 32
    vocabulary: int = 10_000
    compared: int = 50  # training steps whose losses must agree
    # training steps before timing: by then moments of rare words have decayed into denormals
    aged: int = 1_000
    reviews: int = 25_000  # to be classified in the inference workload


@dataclass(frozen=True)
class Problem:
    """The sizes and arrays that a contender works with."""

    sizes: Sizes
    ids: Array  # (reviews, T), int32
    labels: Array  # (reviews,), float32

    def batches(self, count, start=0):
        """`count` batches (ids (B, T), labels (B, 1)), beginning with batch `start`, around and
        around the reviews.
        """
        shape = (count, self.sizes.batch)
        rows = start * self.sizes.batch + np.arange(math.prod(shape)).reshape(shape)
        return [(self.ids[r], self.labels[r, None]) for r in rows % len(self.labels)]

    def weights(self, kind):
        """Start weights of experiment 1a: table, W_xh, W_hh, b (or b_xh and b_hh), W, c.

        Blocks of H columns stand in the order z, r, n for a GRU and i, f, g, o for an LSTM, whose
        forget bias is 1.
        """
        s, blocks = self.sizes, KINDS[kind]
        rng = np.random.default_rng([0, blocks])
        columns = blocks * s.hidden
        q, r = np.linalg.qr(rng.standard_normal((columns, s.hidden)))
        # no float64 and no copy on the way: its memory would be counted
        table = rng.random((s.vocabulary, s.width), np.float32)
        table -= 0.5
        table *= 0.1
        weights = {
            "table": table,
            "W_xh": _glorot(rng, s.width, columns),
            "W_hh": (q * np.sign(np.diag(r))).T,
            "b": np.zeros(columns),
            "W": _glorot(rng, s.hidden, 1),
            "c": np.zeros(1),
        }
        if kind == "gru":
            weights["b_hh"] = np.zeros(columns)
        if kind == "lstm":
            weights["b"][s.hidden : 2 * s.hidden] = 1
        return {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}

    def vectors(self):
        """For a bare recurrence: T inputs (B, D), and W_xh, W_hh, b."""
        weights = self.weights("rnn")
        b = np.random.default_rng(99).uniform(-0.1, 0.1, self.sizes.hidden).astype(np.float32)
        xs = [weights["table"][ids] for ids in self.ids[: self.sizes.batch].T]
        return xs, {"W_xh": weights["W_xh"], "W_hh": weights["W_hh"], "b": b}

    def resized(self, **sizes):
        """The same with other sizes. Longer reviews are several in a row; a larger vocabulary is
        used at wider gaps.
        """
        new = dataclasses.replace(self.sizes, **sizes)
        ids, labels = self.ids, self.labels
        if new.steps != self.sizes.steps:
            # enough for what a growth measurement goes through
            ids = np.resize(ids, (new.batch * 16, new.steps))
            labels = np.resize(labels, len(ids))
        if new.vocabulary > self.sizes.vocabulary:
            ids = ids * (new.vocabulary // self.sizes.vocabulary)
        return Problem(new, ids % new.vocabulary, labels)


def from_reviews(sizes):
    """The problem on the bundled training reviews, shuffled."""
    from minigrad.data import load_imdb

    train = load_imdb().train
    rows = np.random.default_rng(0).permutation(len(train))[: sizes.reviews]
    ids = np.asarray(train.ids)[rows, -sizes.steps :].astype(np.int32) % sizes.vocabulary
    return Problem(sizes, ids, train.labels[rows].astype(np.float32))


def _glorot(rng, rows, columns):
    limit = math.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns))
