"""Sums by place, distinct ids and blocks of rows, against NumPy's slower ways: in every layout, by
every method.
"""

import numpy as np
import pytest

from minigrad.fast import kernels as arrays
from minigrad.fast.kernels import blocks_of_rows, distinct_ids, sum_by_place
from minigrad.gates.fused.sequence import sum_rows
from tests.layouts import LAYOUTS

layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
@pytest.mark.parametrize("kind", ["each once", "one alone", "few, often", "as in a text", "many"])
def test_sums_by_place_agree_with_add_at_however_often_places_come(kind, shape):
    rng = np.random.default_rng(3)
    place = {
        "each once": rng.permutation(50),
        "one alone": np.zeros(70, int),
        "few, often": np.concatenate([np.arange(3), rng.integers(0, 3, 500)]),
        "as in a text": np.concatenate([np.arange(100), np.minimum(rng.zipf(1.3, 900) - 1, 99)]),
        # more than 16 bits tell apart
        "many": np.concatenate([rng.permutation(70_000), rng.integers(0, 70_000, 9)]),
    }[kind].astype(np.intp)  # as indices are, of 32 bits in WebAssembly
    values = rng.normal(size=(len(place), *shape))
    expected = np.zeros((place.max() + 1, *shape))
    np.add.at(expected, place, values)
    np.testing.assert_allclose(
        sum_by_place(place, len(expected), values), expected, rtol=1e-12, atol=1e-12
    )


@layouts
@pytest.mark.parametrize("radix", [0, 1 << 16])
@pytest.mark.parametrize("few", [0, 2, 1000])
@pytest.mark.parametrize("shape", [(9,), (9, 2), (9, 2, 3), (9, 0), (0,), (0, 2)])
def test_sums_by_place_agree_with_add_at_by_every_method(monkeypatch, layout, radix, few, shape):
    monkeypatch.setattr(arrays, "RADIX_PLACES", radix)
    monkeypatch.setattr(arrays, "PLACES_PER_ADDITION", few)
    place = np.array([2, 0, 1, 0, 0, 3, 0, 2, 0])[: shape[0]]
    values = np.random.default_rng(3).normal(size=shape)
    expected = np.zeros((4 if shape[0] else 0, *shape[1:]))
    np.add.at(expected, place, values)
    found = sum_by_place(layout(place), len(expected), layout(values))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@layouts
@pytest.mark.parametrize("sparse", [0, 64])
@pytest.mark.parametrize("dtype", ["int8", "int64", "uint64"])
@pytest.mark.parametrize("shape", [(7,), (3, 4), (0,), (3, 0)])
def test_distinct_ids_put_together_again_are_the_ids_by_every_method(
    monkeypatch, layout, sparse, dtype, shape
):
    monkeypatch.setattr(arrays, "SPARSE_IDS", sparse)
    ids = np.random.default_rng(4).integers(0, 10, shape).astype(dtype)
    distinct, place = distinct_ids(layout(ids), 10)
    assert place.shape == ids.shape
    np.testing.assert_array_equal(distinct[place], ids)
    assert distinct.tolist() == sorted(set(ids.ravel().tolist()))


@layouts
@pytest.mark.parametrize("block", [1, 3, 8, 1000])
@pytest.mark.parametrize(
    "shape", [(5,), (4, 3), (2, 3, 4), (2, 1, 2, 3), (2, 0), (0, 2), (2, 0, 3), (2, 3, 0), (0,)]
)
def test_blocks_of_rows_are_every_row_once_and_can_be_written_to(monkeypatch, layout, block, shape):
    monkeypatch.setattr(arrays, "BLOCK", block)
    rows = layout(np.random.default_rng(5).normal(size=shape))
    copied, numbers = np.full(shape, np.nan), np.zeros(shape[:-1], int)
    for some, copy, number in blocks_of_rows(rows, copied, numbers):
        assert some.size <= max(block, shape[-1])
        copy[...] = some
        number += 1
    np.testing.assert_array_equal(copied, rows)
    assert (numbers == 1).all()


@layouts
@pytest.mark.parametrize("shape", [(5, 3), (0, 3), (5, 0)])
def test_a_sum_over_all_rows(layout, shape):
    matrix = np.arange(float(np.prod(shape))).reshape(shape)
    np.testing.assert_array_equal(sum_rows(layout(matrix)), matrix.sum(axis=0))
