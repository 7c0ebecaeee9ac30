"""Define the sizes, initial weights and batches of real reviews that all contenders use.

The problem is made once, from a seed, and passed to the contenders as a file. All contenders
therefore use the same data, and only minigrad's processes import minigrad.
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
"""The recurrent layers, and the number of blocks of H columns in each layer's matrices."""

RULE = {
    "lr": 1e-3,
    "betas": (0.9, 0.999),
    "eps": 1e-16,
}
"""Adam's settings. Keras adds eps to √v before the bias correction, and the other libraries add it
afterwards. With such a small eps, this makes no difference. The usual 1e-7 is larger than the
gradients of early words, so the rows of these words would be updated differently."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of the model (T, B, D, H and the vocabulary), and the number of training steps before
    it is timed.
    """

    steps: int = 40  # time steps
    batch: int = 32
    width: int = 128
    hidden: int = 32
    vocabulary: int = 10_000
    compared: int = 50  # training steps whose losses must agree
    # training steps before timing, after which the moments of rare words are denormal numbers
    aged: int = 1_000
    reviews: int = 25_000  # number of reviews that the inference workload classifies


@dataclass(frozen=True)
class Problem:
    """The sizes and arrays that a contender works with."""

    sizes: Sizes
    ids: Array  # (reviews, T), int32
    labels: Array  # (reviews,), float32

    def batches(self, count, start=0):
        """Return `count` batches (ids (B, T), labels (B, 1)), beginning with batch `start`. After the
        last review, continue with the first.
        """
        shape = (count, self.sizes.batch)
        rows = start * self.sizes.batch + np.arange(math.prod(shape)).reshape(shape)
        return [
            (
                self.ids[r],
                self.labels[r, None],
            )
            for r in rows % len(self.labels)
        ]

    def split(self):
        """Return the arrays for the whole programs. The last tenth of the reviews is for validation,
        and all batches for training are full, because another size would be compiled again.
        """
        held_out = len(self.ids) // 10
        kept = len(self.ids) - held_out
        kept -= kept % self.sizes.batch
        labels = self.labels[:, None]
        return {
            "ids": self.ids[:kept],
            "labels": labels[:kept],
            "validation_ids": self.ids[-held_out:],
            "validation_labels": labels[-held_out:],
        }

    def weights(self, kind):
        """Return the initial weights of experiment 1a: table, W_xh, W_hh, b (and b_hh), W, c.

        The blocks of H columns are z, r, n for a GRU and i, f, g, o for an LSTM. The LSTM's forget
        bias is 1.
        """
        s, columns = self.sizes, KINDS[kind] * self.sizes.hidden
        rng = np.random.default_rng(0)
        # avoids float64 arrays and copies, because their memory would be counted
        table = rng.random((s.vocabulary, s.width), np.float32)
        table -= 0.5
        table *= 0.1
        q, r = np.linalg.qr(rng.standard_normal((columns, s.hidden), np.float32))
        weights = {
            "table": table,
            "W_xh": _glorot(rng, s.width, columns),
            "W_hh": np.ascontiguousarray((q * np.sign(np.diag(r))).T),
            "b": np.zeros(columns, np.float32),
            "W": _glorot(rng, s.hidden, 1),
            "c": np.zeros(1, np.float32),
        }
        if kind == "gru":
            weights["b_hh"] = np.zeros(columns, np.float32)
        if kind == "lstm":
            weights["b"][s.hidden : 2 * s.hidden] = 1
        return weights

    def vectors(self):
        """Return T inputs (B, D) for a plain RNN, and its weights W_xh, W_hh and b."""
        weights = self.weights("rnn")
        xs = [weights["table"][ids] for ids in self.ids[: self.sizes.batch].T]
        return xs, {name: weights[name] for name in ("W_xh", "W_hh", "b")}

    def resized(self, **sizes):
        """Return the same problem with other sizes. Longer reviews consist of several reviews. In a
        larger vocabulary, the ids are spread out.
        """
        new = dataclasses.replace(self.sizes, **sizes)
        ids, labels = self.ids, self.labels
        if new.steps != self.sizes.steps:
            # enough batches for a growth measurement
            ids = np.resize(ids, (new.batch * 16, new.steps))
            labels = np.resize(labels, len(ids))
        if new.vocabulary > self.sizes.vocabulary:
            ids = ids * (new.vocabulary // self.sizes.vocabulary)
        return Problem(new, ids % new.vocabulary, labels)


def from_reviews(sizes):
    """Return the problem with the bundled training reviews, in random order."""
    from minigrad.data import load_imdb

    train = load_imdb().train
    rows = np.random.default_rng(0).permutation(len(train))[: sizes.reviews]
    ids = train.ids[rows, -sizes.steps :].astype(np.int32) % sizes.vocabulary
    return Problem(
        sizes,
        ids,
        train.labels[rows].astype(np.float32),
    )


def _glorot(rng, rows, columns):
    limit = math.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)
