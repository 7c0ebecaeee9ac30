"""Train two baselines: a bag of words, which ignores word order, and a bag of n-grams, which uses
local word order.

    python examples/reference/bag_of_words.py

Both baselines are logistic regressions: logit = b + Σ w[f] r[f], summed over the distinct features
f of a review's last forty words. In the first baseline, the features are words, and r = 1. In the
second baseline, the features are sequences of one, two or three words, and r is the naive Bayes log
ratio. It compares how often f occurs in positive and in negative training reviews. Frequent words
without sentiment have r near 0 before training. The best epoch is chosen on 2,500 held-out
training reviews.

Source of the second baseline: Wang and Manning, Baselines and bigrams: simple, good sentiment and
topic classification (2012).
"""

from __future__ import annotations

from typing import Any

import common  # import this before NumPy, because it sets the number of BLAS threads
import numpy as np
from polarity import numbers

import minigrad as mg
from layers import Embedding, Layer, init
from minigrad.data import IMDB, Batches, Reviews
from optim import Adam, BestWeights, EarlyStopping, Trainer

TITLE = "Bags of words"
REFERENCE = {"words": 0.802, "naive-Bayes-weighted runs of 1 to 3 words": 0.837}
KNOWN = {"reference": REFERENCE}


class Bag(Layer):
    """Features (B, F), padded with 0 -> logits (B,). `ratios` contains r for each feature, and 0
    for padding.
    """

    def __init__(self, ratios: np.ndarray) -> None:
        super().__init__()
        self.weight = Embedding(len(ratios), 1, init=init.zeros)
        self.b = mg.Tensor([0.0], requires_grad=True)
        self._ratios = ratios.astype(np.float32)

    def forward(self, features: Any) -> mg.Tensor:
        parts: mg.Tensor = self.weight(features)[:, :, 0] * self._ratios[features]
        return parts.sum(axis=1) + self.b


class Runs:
    """Number all sequences of up to `longest` words in the training reviews. 0 is padding."""

    def __init__(self, ids: np.ndarray, longest: int) -> None:
        self.longest = longest
        self.keys = [np.unique(numbers(ids, length)) for length in range(1, longest + 1)]
        self.keys = [keys[keys > 0] for keys in self.keys]
        self.count = 1 + sum(map(len, self.keys))

    def features(self, ids: np.ndarray) -> np.ndarray:
        """Return the distinct features (B, F) of each review, padded with 0."""
        columns, start = [], 1
        for length, keys in enumerate(self.keys, start=1):
            run_keys = numbers(ids, length)
            index = np.minimum(np.searchsorted(keys, run_keys), len(keys) - 1)
            columns.append(np.where((keys[index] == run_keys) & (run_keys > 0), start + index, 0))
            start += len(keys)
        features = np.sort(np.concatenate(columns, axis=1), axis=1)
        features[:, 1:][features[:, 1:] == features[:, :-1]] = 0
        return features


def log_ratios(features: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Return r[f] = log(frequency of f in positive reviews / frequency of f in negative reviews).
    Counts start at 1.
    """
    shares = []
    for label in (1, 0):
        counts = 1 + np.bincount(features[labels == label].ravel(), minlength=count)
        counts[0] = 0
        shares.append(np.maximum(counts, 1) / counts.sum())
    ratios: np.ndarray = np.log(shares[0] / shares[1])
    ratios[0] = 0
    return ratios


def fit(imdb: IMDB, seed: int, longest: int, bayes: bool) -> float:
    """Train one baseline and return its test accuracy."""
    training, held_out = imdb.train.hold_back(len(imdb.train) // 10, seed)
    runs = Runs(training.ids, longest)
    ratios = np.ones(runs.count)
    ratios[0] = 0
    if bayes:
        ratios = log_ratios(runs.features(training.ids), training.labels, runs.count)

    def batches(reviews: Reviews, shuffle: bool = False) -> Batches:
        return Batches(runs.features(reviews.ids), reviews.labels, batch_size=128, shuffle=shuffle)

    model = Bag(ratios)
    callbacks = [
        BestWeights(monitor="validation_accuracy"),
        EarlyStopping("validation_loss", patience=1),
    ]
    optimizer = Adam(model.named_parameters(), lr=3e-3)
    trainer = Trainer(model, mg.binary_cross_entropy, optimizer, callbacks=callbacks, seed=seed)
    trainer.fit(batches(training, True), 20, batches(held_out))
    return trainer.evaluate(batches(imdb.test))["accuracy"]


def run(seed: int, limit: int | None = None) -> common.Figures:
    """Return the test accuracies of both baselines for one seed."""
    imdb = common.reviews(limit)
    words, weighted = REFERENCE
    return {words: fit(imdb, seed, 1, bayes=False), weighted: fit(imdb, seed, 3, bayes=True)}


if __name__ == "__main__":
    common.main(__doc__, TITLE, KNOWN, run)
