"""Arrays on a page: small ones are exact, large ones are summarized."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minigrad.explorer.arrays import PIXELS, ArrayTable, numbers, summary, whole

SMALL = arrays(
    np.float32,
    array_shapes(max_dims=3, max_side=4),
    elements=st.floats(width=32),
)
LARGE = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=3, min_side=9, max_side=10),
    elements=st.floats(),
)


def as_json(entry):
    return json.loads(json.dumps(entry, allow_nan=False))


@given(SMALL)
def test_whole_is_exact(array):
    words = as_json(whole(array))["values"]
    values = np.array(words, np.float32)
    np.testing.assert_array_equal(values, array.ravel())


@given(LARGE)
def test_summary_is_of_finite_elements(array):
    entry = as_json(summary(array))
    finite = array[np.isfinite(array)]
    assert entry.get("unfinite", 0) == array.size - finite.size
    if finite.size:
        assert entry["low"] == finite.min()
        assert entry["high"] == finite.max()
        norm = math.hypot(*finite)
        assert float(entry["norm"]) == pytest.approx(norm, rel=1e-12, abs=0)


def test_numbers_of_integers_and_booleans():
    booleans = np.array([True, False])
    assert numbers(booleans) == [1, 0]
    integers = np.array([[2**53], [-1]])
    assert numbers(integers) == [2**53, -1]


def test_array_table_adds_pixels_to_stored_array():
    table = ArrayTable()
    x = np.arange(5000.0)
    assert table.add(x) == 0
    assert table.add(x, PIXELS) == 0
    (entry,) = table.entries
    assert entry["pixels"] == list(range(PIXELS))
    assert entry["first"] == 0


def test_array_table_of_large_graph_has_no_pixels():
    table = ArrayTable(large_graph=True)
    table.add(np.arange(5000.0), PIXELS)
    (entry,) = table.entries
    assert "pixels" not in entry


def test_small_array_has_no_pixels():
    table = ArrayTable()
    table.add(np.arange(64.0), PIXELS)
    (entry,) = table.entries
    assert "pixels" not in entry
