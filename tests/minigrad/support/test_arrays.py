"""`sum_by_place`, `distinct_ids` and `norm` against NumPy and by hand; blocks of arrays."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minigrad.support import arrays
from minigrad.support.arrays import distinct_ids, norm, sum_by_place
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


@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
def test_norm_is_the_square_root_of_the_sum_of_squares(layout, rng, axis):
    array = rng.normal(size=(4, 3, 5)).astype(np.float32)
    expected = np.sqrt(np.square(array.astype(float)).sum(axis=axis))
    np.testing.assert_allclose(norm(layout(array), axis), expected, rtol=1e-15)
    assert np.shape(norm(array, axis)) == expected.shape


@pytest.mark.parametrize("exponent", range(-322, 308, 10))
def test_norm_neither_overflows_nor_underflows(exponent):
    one = 10.0**exponent
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(norm(np.array([3 * one, -4 * one])), 5 * one)
        np.testing.assert_allclose(norm(np.array([[one], [0.0]]), axis=1), [one, 0])


def test_norm_of_values_that_are_not_finite_and_of_nothing():
    array = np.array([[np.nan, 1.0], [-np.inf, 1.0], [3.0, 4.0]])
    np.testing.assert_array_equal(norm(array, axis=1), [np.nan, np.inf, 5.0])
    assert norm(np.zeros((0, 3))) == 0
    largest = np.finfo(float).max
    with np.errstate(all="raise", under="ignore"):
        assert norm(np.full(2, largest)) == np.inf


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
