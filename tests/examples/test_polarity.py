"""The log odds of runs of words, against counts by hand; and that no review tells the network its
own label.
"""

import doctest

import numpy as np
import polarity as module
import pytest
from polarity import Polarity

REVIEWS = np.array([[0, 5, 6, 7], [5, 6, 7, 5], [9, 5, 6, 8], [0, 0, 5, 8]])
LABELS = np.array([1, 1, 0, 0])


def test_its_example():
    assert doctest.testmod(module).failed == 0


def test_counts_by_hand():
    polarity, _ = Polarity.count(REVIEWS, LABELS)
    values = np.exp(polarity(np.array([[0, 5, 6, 7, 5, 6, 8]])))[0]
    assert values[0].tolist() == [1, 1, 1]  # padding
    values = values[1:]
    # 5: three times in positive reviews, twice in negative; 6: 2, 1; 7: 2, 0; 8: 0, 2.
    assert values[:, 0] == pytest.approx([4 / 3, 3 / 2, 3, 4 / 3, 3 / 2, 1 / 3])
    # 5 6: 2, 1; 6 7: 2, 0; 7 5 and 6 8: once in all, and not counted.
    assert values[:, 1] == pytest.approx([1, 3 / 2, 3, 1, 3 / 2, 1])
    assert values[:, 2] == pytest.approx([1, 1, 3, 1, 1, 1])  # 5 6 7: 2, 0


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("row", range(10))
def test_no_review_finds_its_own_label(row, in_pieces):
    rng = np.random.default_rng(row)
    ids, labels = rng.integers(1, 9, (20, 6)), rng.integers(0, 2, 20)
    # pieces of one review do not tell each other its label
    groups = np.arange(10).repeat(2) if in_pieces else np.arange(20)
    here = groups == row
    other = np.where(here, 1 - labels, labels)
    one, two = (
        Polarity.count(ids, which, 0, groups)[1][here] for which in (labels, other)
    )
    assert np.array_equal(one, two)
