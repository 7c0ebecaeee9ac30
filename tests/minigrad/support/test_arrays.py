"""`sum_by_place` and `distinct_ids` against NumPy, in every layout and by every method; blocks."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

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


@pytest.mark.parametrize("shape", [(), (0,), (3,), (7,), (2, 3, 4)])
def test_blocks_of_elements_are_views_of_all_elements_in_order(monkeypatch, shape):
    monkeypatch.setattr(arrays, "BLOCK", 3)
    numbers = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    squares = np.empty(shape)
    sizes = []
    for part, result in arrays.blocks_of_elements(numbers, squares):
        sizes.append(part.size)
        np.multiply(part, part, out=result)
    assert_array_equal(squares, numbers**2)
    assert max(sizes) <= 3


def test_blocks_of_elements_of_arrays_in_different_orders_are_the_arrays(monkeypatch):
    monkeypatch.setattr(arrays, "BLOCK", 3)
    rows = np.zeros((2, 4))
    columns = np.zeros((4, 2)).T
    ((one, other),) = arrays.blocks_of_elements(rows, columns)
    assert one is rows
    assert other is columns
