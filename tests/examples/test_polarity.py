"""examples/reference/polarity.py: the log odds of runs of words, against counts by hand."""

import doctest

import numpy as np
import polarity
import pytest
from polarity import Polarity

REVIEWS = np.array(
    [
        [0, 5, 6, 7],
        [5, 6, 7, 5],
        [9, 5, 6, 8],
        [0, 0, 5, 8],
    ]
)
LABELS = np.array([1, 1, 0, 0])


def test_polarity_doctest():
    assert doctest.testmod(polarity).failed == 0


def test_polarity_by_hand():
    counted, _ = Polarity.count(REVIEWS, LABELS)
    values = np.exp(counted(np.array([[0, 5, 6, 7, 5, 6, 8]])))[0]
    # Positive and negative reviews contain 5 three and two times, 6 two times and once, 7 two times
    # and never, and 8 never and two times. They contain 5 6 two times and once, and 6 7 and 5 6 7
    # two times and never. 7 5 and 6 8 occur only once, and are not counted.
    expected: dict[str, list[float]] = {
        "padding": [1, 1, 1],
        "5": [4 / 3, 1, 1],
        "5 6": [3 / 2, 3 / 2, 1],
        "5 6 7": [3, 3, 3],
        "6 7 5": [4 / 3, 1, 1],
        "7 5 6": [3 / 2, 3 / 2, 1],
        "5 6 8": [1 / 3, 1, 1],
    }
    np.testing.assert_allclose(values, list(expected.values()))


@pytest.mark.parametrize(
    "groups",
    [
        np.arange(20),
        np.arange(10).repeat(2),
    ],
    ids=["whole", "pieces"],
)
@pytest.mark.parametrize("review", range(10))
def test_review_does_not_reveal_its_own_label(review, groups):
    rng = np.random.default_rng(review)
    ids, labels = rng.integers(1, 9, (20, 6)), rng.integers(0, 2, 20)
    here = groups == review
    one, other = (
        Polarity.count(ids, which, 0, groups)[1][here]
        for which in (labels, np.where(here, 1 - labels, labels))
    )
    np.testing.assert_array_equal(one, other)
