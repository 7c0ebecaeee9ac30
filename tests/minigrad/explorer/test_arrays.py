"""Arrays on a page: no bit is lost of small ones, and large ones are summed up as by NumPy."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minigrad.explorer.arrays import PIXELS, ArrayTable, numbers, summary, whole


def as_json(entry):
    return json.loads(json.dumps(entry, allow_nan=False))


@given(
    arrays(
        np.float32, array_shapes(max_dims=3, max_side=4), elements=st.floats(width=32)
    )
)
def test_whole_arrays_lose_no_bit(array):
    values = np.array(
        [float(word) for word in as_json(whole(array))["values"]], np.float32
    )
    np.testing.assert_array_equal(values.reshape(array.shape), array)


@given(
    arrays(
        np.float64, st.sampled_from([(65,), (9, 9), (5, 4, 7)]), elements=st.floats()
    )
)
def test_summaries_are_those_of_the_finite_elements(array):
    entry = as_json(summary(array))
    finite = array[np.isfinite(array)]
    assert entry.get("unfinite", 0) == array.size - finite.size
    if finite.size:
        assert (entry["low"], entry["high"]) == (finite.min(), finite.max())
        with np.errstate(over="ignore"):
            assert float(entry["norm"]) == pytest.approx(np.sqrt(np.sum(finite**2)))


def test_integers_and_booleans():
    assert numbers(np.array([True, False])) == [1, 0]
    assert numbers(np.array([[2**53], [-1]])) == [2**53, -1]


def test_the_first_pixels_of_a_large_array_are_stored_once_they_are_wanted():
    table, x = ArrayTable(), np.arange(5000.0)
    assert table.add(x) == table.add(x, images=True) == 0
    assert (
        table.entries[0]["pixels"] == list(range(PIXELS))
        and "first" in table.entries[0]
    )
    large = ArrayTable(large_graph=True)
    large.add(x, images=True)
    table.add(x[:64], images=True)
    assert "pixels" not in large.entries[0] and "pixels" not in table.entries[1]
