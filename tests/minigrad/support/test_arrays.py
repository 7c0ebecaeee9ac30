"""Sums by place and distinct ids, against NumPy's slower ways: in every layout, by
every method.
"""

import numpy as np
import pytest

from minigrad.support import arrays
from minigrad.support.arrays import distinct_ids, sum_by_place
from tests.layouts import LAYOUTS

layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


PLACES = {
    "by hand": np.array([2, 0, 1, 0, 0, 3, 0, 2, 0]),
    "none": np.array([], int),
    "each once": np.arange(50)[::-1],
    "one alone": np.zeros(70, int),
    "few, often": np.arange(500) % 3,
    "as in a text": np.concatenate(
        [np.arange(100), *[np.arange(100 // k) for k in range(1, 40)]]
    ),
    "many": np.concatenate(
        [np.arange(70_000), np.arange(9)]
    ),  # more than 16 bits tell apart
}


@layouts
@pytest.mark.parametrize("few", [0, 2, 1000])
@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (0,)])
def test_sums_by_place_agree_with_add_at_by_every_method(
    monkeypatch, layout, few, shape
):
    monkeypatch.setattr(arrays, "PLACES_PER_ADDITION", few)
    for kind, place in PLACES.items():
        place = place.astype(np.intp)  # as indices are, of 32 bits in WebAssembly
        values = np.random.default_rng(3).normal(size=(len(place), *shape))
        expected = np.zeros((place.max(initial=-1) + 1, *shape))
        np.add.at(expected, place, values)
        if len(expected) < 70_000 or (few == 2 and shape == ()):
            found = sum_by_place(layout(place), len(expected), layout(values))
            np.testing.assert_allclose(
                found, expected, rtol=1e-12, atol=1e-12, err_msg=kind
            )


@layouts
@pytest.mark.parametrize("sparse", [0, 64])
@pytest.mark.parametrize("dtype", ["int8", "int64", "uint64"])
@pytest.mark.parametrize("shape", [(7,), (3, 4), (3, 0)])
def test_distinct_ids_put_together_again_are_the_ids_by_every_method(
    monkeypatch, layout, sparse, dtype, shape
):
    monkeypatch.setattr(arrays, "SPARSE_IDS", sparse)
    ids = np.random.default_rng(4).integers(0, 10, shape).astype(dtype)
    distinct, place = distinct_ids(layout(ids), 10)
    np.testing.assert_array_equal(distinct[place], ids)
    np.testing.assert_array_equal(distinct, np.unique(ids))
