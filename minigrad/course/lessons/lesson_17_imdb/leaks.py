"""Lesson 17's questions about `leak`."""

import numpy as np

from minigrad.course.lesson import Question, over_time
from minigrad.course.lessons.lesson_17_imdb.networks import array

BEST = "for each word: r = share of reviews where (the word occurs) = (label is 1); its score is max(r, 1 - r)"


def many(file):
    """Thirty sets of seven reviews. One word is the best, also for those who count differently."""
    rng, found = np.random.default_rng(4), []
    while len(found) < 30:
        ids = np.sort(rng.integers(0, 7, (7, 4)), axis=1)
        ids[0] = rng.integers(1, 7)
        good = rng.permutation(7) < rng.integers(2, 6)
        has = (ids == np.arange(1, 7)[:, None, None]).any(axis=2)
        g, b = has[:, good].sum(axis=1), has[:, ~good].sum(axis=1)
        n, m = good.sum(), (~good).sum()
        scores = np.array(
            [np.maximum(g + m - b, b + n - g), abs(g / n - b / m), abs(g - b), np.maximum(g, b)]
        )
        first = np.sort(scores.round(6), axis=1)
        if (first[:, -1] > first[:, -2]).all():
            found.append((ids, good))
    sets, labels = zip(*found, strict=True)
    return {"sets": array(sets), "labels": array(labels)}


def question(ids, labels):
    """Ask for the leak. A wrong answer is shown with the number of reviews that its word gets right."""
    ids, labels = array(ids), array(labels)

    def told(word):
        if word == 0:
            return "0, which is padding, not a word"
        if type(word) is not int or word not in ids:
            return f"{word}, which is not a word in these reviews"
        same = int(((ids == word).any(axis=1) == (labels == 1)).sum())
        best, how = max((same, "good"), (len(ids) - same, "bad"))
        return f'word {word}: predicting "{how}" where it occurs is right for {best} of {len(ids)} reviews'

    def compare(yours, right):
        return (
            None if yours == right else f"yours         {told(yours)}\nit should be  {told(right)}"
        )

    return Question(
        "leak", "leak(ids, labels)", lambda file: {"ids": ids.copy(), "labels": labels.copy()},
        formula=BEST, compare=compare,
    )  # fmt: skip


SIX = [
    [6, 6, 6, 6, 6],
    [2, 3, 4, 5, 4],
    [1, 3, 2, 5, 1],
    [2, 5, 2, 1, 3],
    [1, 2, 3, 1, 3],
    [4, 3, 1, 2, 2],
]
QUESTIONS = (
    question([[2, 3], [1, 2], [1, 1], [1, 1]], [1, 1, 0, 0]),
    question([[1, 2], [1, 3], [2, 3], [4, 3]], [0, 1, 1, 1]),
    question([[1, 6], [2, 3], [6, 2], [4, 1]], [0, 1, 0, 1]),
    question(SIX, [0, 0, 1, 1, 0, 0]),
    question([[1, 3, 4], [0, 1, 4], [0, 2, 3], [0, 3, 4], [0, 0, 4]], [1, 0, 0, 0, 0]),
    question([[1, 2, 4], [2, 4, 4], [2, 3, 3], [2, 2, 4], [2, 3, 4]], [1, 0, 1, 1, 1]),
    Question("leak", "[leak(ids, y) for ids, y in zip(sets, labels)]", many,
             "[leak(ids, y) for ids, y in zip(sets, labels)]: 30 sets of 7 reviews", formula=BEST,
             names=over_time("leak in set {}")),
)  # fmt: skip
