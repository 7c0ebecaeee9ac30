"""Compute polarity, the log odds that a word, pair or triple comes from a positive rather than a
negative review.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.integer]
Floats = NDArray[np.float32]

LONGEST = 3  # the maximum number of words in a sequence
BASE = 100_000  # larger than any id; used to encode a sequence of ids as one integer
FOLDS = 5


class Polarity:
    """r = log((p + 1) / (n + 1)) for each sequence of 1, 2 or 3 words that occurs at least twice in
    the training reviews.

    p and n are the numbers of occurrences in positive and negative reviews. `polarity(ids)` maps
    ids (N, T) to values (N, T, 3). For each position, these are r for the word, for the pair that
    ends there, and for the triple that ends there. Unknown sequences have the value 0.

    >>> polarity, _ = Polarity.count(np.array([[5, 6], [5, 6], [5, 7], [8, 7]]), np.array([1, 1, 0, 0]))
    >>> polarity(np.array([[5, 6]]))[0].round(2)       # log 3/2, then log 3/1 for the word and for the pair
    array([[0.41, 0.  , 0.  ],
           [1.1 , 1.1 , 0.  ]], dtype=float32)

    Source: Wang and Manning, Baselines and bigrams: simple, good sentiment and topic classification
    (2012).
    """

    def __init__(self, runs: list[NDArray[np.int64]], ratios: list[Floats]) -> None:
        self.runs, self.ratios = runs, ratios

    @classmethod
    def count(
        cls, ids: Ids, labels: Ids, seed: int = 0, groups: Ids | None = None
    ) -> tuple[Polarity, Floats]:
        """Return (the polarity, its values for the training reviews). Each value is computed from
        other reviews.

        If a review's own words were counted, r would reveal its label. The reviews are therefore
        split into five folds, and r for the reviews in one fold is computed from the other four
        folds. Rows with the same number in `groups`, such as the parts of a long review, are in the
        same fold.
        """
        groups = np.arange(len(ids)) if groups is None else groups
        part = np.random.default_rng(seed).integers(0, FOLDS, groups.max() + 1)[groups]
        runs, ratios, training_values = [], [], np.zeros((*ids.shape, LONGEST), np.float32)
        for length in range(1, LONGEST + 1):
            unique_runs, index, occurrences = np.unique(
                numbers(ids, length), return_inverse=True, return_counts=True
            )
            frequent = (occurrences >= 2) & (unique_runs > 0)
            # 0 for rare sequences; frequent sequences are numbered from 1
            index = np.where(frequent, np.cumsum(frequent), 0)[index]
            counts = np.array(
                [
                    [np.bincount(index[(part == k) & (labels == label)].ravel(), minlength=1 + frequent.sum())
                     for label in (0, 1)]
                    for k in range(FOLDS)
                ]
            )  # fmt: skip
            total = counts.sum(axis=0)
            for k in range(FOLDS):
                training_values[part == k, :, length - 1] = log_odds(total - counts[k])[
                    index[part == k]
                ]
            runs.append(unique_runs[frequent])
            ratios.append(log_odds(total))
        return cls(runs, ratios), training_values

    def __call__(self, ids: Ids) -> Floats:
        values = np.zeros((*ids.shape, LONGEST), np.float32)
        for length, (runs, ratios) in enumerate(zip(self.runs, self.ratios, strict=True), start=1):
            if not len(runs):
                continue
            run_keys = numbers(ids, length)
            index = np.minimum(np.searchsorted(runs, run_keys), len(runs) - 1)
            values[:, :, length - 1] = np.where(runs[index] == run_keys, ratios[1 + index], 0)
        return values


def numbers(ids: Ids, length: int) -> NDArray[np.int64]:
    """Return an array (N, T) of integers. Each integer identifies the sequence of `length` ids that
    ends at this position, or is 0 if the sequence contains padding.
    """
    padded = np.pad(np.asarray(ids, np.int64), ((0, 0), (length - 1, 0)))
    runs = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)
    return np.where((runs > 0).all(axis=2), runs @ BASE ** np.arange(length), 0)


def log_odds(counts: NDArray[np.int64]) -> Floats:
    """Return r from the counts (negative, positive) of each sequence. The first entry, for unknown
    sequences, is 0.
    """
    ratios: Floats = np.log((counts[1] + 1) / (counts[0] + 1)).astype(np.float32)
    ratios[0] = 0
    return ratios
