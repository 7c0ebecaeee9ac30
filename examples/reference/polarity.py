"""Polarity: how much more often a word, a pair or a triple occurs in positive reviews than in
negative ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.integer]
Floats = NDArray[np.float32]

LONGEST = 3  # words in the longest run
BASE = 100_000  # above any id, so that a run of ids can be written as one integer
FOLDS = 5


class Polarity:
    """r = log((p + 1) / (n + 1)) for each run of 1, 2 or 3 words that occurs at least twice in the
    training reviews.

    p and n count how often the run occurs in positive and in negative reviews. `polarity(ids)` maps
    ids (N, T) to
    (N, T, 3): r of the word at each place, and of the pair and the triple that end there; 0 for an
    unknown run.

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
        """The polarity, and the values to train with: those of each training review, from counts on
        other reviews.

        If a review were among those counted, r of its own words would give its label away. So the
        reviews are split into five folds, and r for the reviews of one fold comes from the counts
        of the other four. Rows with the same number in `groups`, such as the parts of a long
        review, stay together.
        """
        groups = np.arange(len(ids)) if groups is None else groups
        part = np.random.default_rng(seed).integers(0, FOLDS, groups.max() + 1)[groups]
        runs, ratios, own = [], [], np.zeros((*ids.shape, LONGEST), np.float32)
        for length in range(1, LONGEST + 1):
            found, place, times = np.unique(
                numbers(ids, length), return_inverse=True, return_counts=True
            )
            often = (times >= 2) & (found > 0)
            # 0 for rare runs, the others from 1
            place = np.where(often, np.cumsum(often), 0)[place]
            counts = np.array(
                [
                    [np.bincount(place[(part == k) & (labels == label)].ravel(), minlength=1 + often.sum())
                     for label in (0, 1)]
                    for k in range(FOLDS)
                ]
            )  # fmt: skip
            total = counts.sum(axis=0)
            for k in range(FOLDS):
                own[part == k, :, length - 1] = log_odds(total - counts[k])[place[part == k]]
            runs.append(found[often])
            ratios.append(log_odds(total))
        return cls(runs, ratios), own

    def __call__(self, ids: Ids) -> Floats:
        values = np.zeros((*ids.shape, LONGEST), np.float32)
        for length, (runs, ratios) in enumerate(zip(self.runs, self.ratios, strict=True), start=1):
            if not len(runs):
                continue
            wanted = numbers(ids, length)
            place = np.minimum(np.searchsorted(runs, wanted), len(runs) - 1)
            values[:, :, length - 1] = np.where(runs[place] == wanted, ratios[1 + place], 0)
        return values


def numbers(ids: Ids, length: int) -> NDArray[np.int64]:
    """One integer for the run of `length` ids that ends at each place, (N, T); 0 if it holds
    padding.
    """
    padded = np.pad(np.asarray(ids, np.int64), ((0, 0), (length - 1, 0)))
    runs = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)
    return np.where((runs > 0).all(axis=2), runs @ BASE ** np.arange(length), 0)


def log_odds(counts: NDArray[np.int64]) -> Floats:
    """r from the counts (negative, positive) of each run; the first entry stands for unknown runs,
    and is 0.
    """
    ratios: Floats = np.log((counts[1] + 1) / (counts[0] + 1)).astype(np.float32)
    ratios[0] = 0
    return ratios
