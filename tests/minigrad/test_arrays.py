"""Sums by place and distinct ids, against NumPy's slower ways."""

import numpy as np
import pytest

from minigrad.arrays import distinct_ids, sum_by_place


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
@pytest.mark.parametrize("kind", ["each once", "one alone", "few, often", "as in a text", "many"])
def test_sums_by_place_agree_with_add_at_however_often_places_come(kind, shape):
    rng = np.random.default_rng(3)
    place = {
        "each once": rng.permutation(50),
        "one alone": np.zeros(70, int),
        "few, often": np.concatenate([np.arange(3), rng.integers(0, 3, 500)]),
        "as in a text": np.concatenate([np.arange(100), np.minimum(rng.zipf(1.3, 900) - 1, 99)]),
        "many": np.concatenate([rng.permutation(70_000), rng.integers(0, 70_000, 9)]),  # more than 16 bits tell apart
    }[kind].astype(np.intp)  # as indices are, of 32 bits in WebAssembly
    values = rng.normal(size=(len(place), *shape))
    expected = np.zeros((place.max() + 1, *shape))
    np.add.at(expected, place, values)
    np.testing.assert_allclose(sum_by_place(place, len(expected), values), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("below", [10, 1_000, 100_000])
def test_distinct_ids_put_together_again_are_the_ids(below):
    ids = np.random.default_rng(4).integers(0, below, (20, 5))
    distinct, place = distinct_ids(ids, below)
    np.testing.assert_array_equal(distinct[place], ids)
    assert distinct.tolist() == sorted(set(ids.ravel().tolist()))
