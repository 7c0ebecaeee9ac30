"""`sum_by_place` and `distinct_ids` against NumPy, in every layout and by every method."""

import numpy as np
import pytest

from minigrad.support import arrays
from minigrad.support.arrays import distinct_ids, sum_by_place
from tests.layouts import LAYOUTS

NONE = np.zeros(0, int)
ALONE = np.zeros(70, int)
ONCE = np.arange(50)[::-1]
OFTEN = np.arange(500) % 3
OCCURRENCES = 100 // np.arange(1, 101)  # as of words in a text
TEXT = np.arange(100).repeat(OCCURRENCES)[::-1]
MANY = np.arange(70_009) % 70_000  # more than 16 bits tell apart


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def check(layout, rng):
    """Compare sums with NumPy's, in this layout."""

    def check(place, shape):
        place = place.astype(np.intp)  # as indices are, of 32 bits in WebAssembly
        values = rng.normal(size=place.shape + shape)
        size = place.max(initial=-1) + 1
        expected = np.zeros((size, *shape))
        np.add.at(expected, place, values)
        sums = sum_by_place(layout(place), size, layout(values))
        np.testing.assert_allclose(sums, expected, rtol=1e-12, atol=1e-12)

    return check


@pytest.mark.parametrize("few", [0, 2, 1000])
@pytest.mark.parametrize(
    "shape",
    [
        (),
        (2,),
        (2, 3),
        (0,),
    ],
)
def test_sum_by_place(monkeypatch, check, few, shape):
    monkeypatch.setattr(arrays, "PLACES_PER_ADDITION", few)
    for place in (NONE, ALONE, ONCE, OFTEN, TEXT):
        check(place, shape)


def test_sum_by_place_beyond_16_bits(monkeypatch, check):
    monkeypatch.setattr(arrays, "PLACES_PER_ADDITION", 2)
    check(MANY, ())


@pytest.mark.parametrize("sparse", [0, 64])
@pytest.mark.parametrize("dtype", ["int8", "int64", "uint64"])
@pytest.mark.parametrize(
    "shape",
    [
        (7,),
        (3, 4),
        (3, 0),
    ],
)
def test_distinct_ids(monkeypatch, layout, rng, sparse, dtype, shape):
    monkeypatch.setattr(arrays, "SPARSE_IDS", sparse)
    ids = rng.integers(0, 10, shape).astype(dtype)
    distinct, place = distinct_ids(layout(ids), 10)
    np.testing.assert_array_equal(distinct[place], ids)
    np.testing.assert_array_equal(distinct, np.unique(ids))
