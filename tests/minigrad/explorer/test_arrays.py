"""Arrays on a page: no bit is lost of small ones, and large ones are summed up as by NumPy."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import minigrad as mg
from minigrad.explorer.arrays import numbers, summary, whole

from .explored_graphs import explored

SHAPES = [(65,), (100,), (1000,), (1001,), (9, 9), (13, 10), (70, 1), (1, 70), (3, 30), (30, 3), (5, 4, 7), (100, 101)]


@given(arrays(np.float32, array_shapes(max_dims=3, max_side=4), elements=st.floats(width=32)))
def test_whole_arrays_lose_no_bit(array: np.ndarray) -> None:
    words = json.loads(json.dumps(whole(array), allow_nan=False))["values"]
    np.testing.assert_array_equal(np.array([float(word) for word in words], np.float32).reshape(array.shape), array)


def test_rounding_does_not_make_the_largest_numbers_infinite() -> None:
    entry = summary(np.full((8, 9), 1.7976e308))
    assert json.dumps(entry, allow_nan=False)
    assert entry["heat"]["values"][0] == 1.7976e308


@given(arrays(np.float64, st.sampled_from(SHAPES[:1] + SHAPES[4:11]), elements=st.floats()))
def test_summaries_are_those_of_the_finite_elements(array: np.ndarray) -> None:
    entry = json.loads(json.dumps(summary(array), allow_nan=False))
    finite = array[np.isfinite(array)]
    assert entry.get("unfinite", 0) == array.size - finite.size
    if finite.size:
        assert (float(entry["low"]), float(entry["high"])) == pytest.approx((finite.min(), finite.max()), rel=1e-6)
    assert len(entry["heat"]["values"]) <= 64


@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_are_as_equal_as_they_can_be(shape: tuple[int, ...]) -> None:
    # By hand: block b of n along an axis of size s starts at floor(b * s / n).
    array = np.arange(np.prod(shape), dtype=float).reshape(shape)
    table = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, shape[-1])
    sides = (1, 64) if array.ndim < 2 else [min(size, 8) for size in table.shape]
    cuts = [[n * size // count for n in range(count + 1)] for size, count in zip(table.shape, sides, strict=True)]
    means = [
        table[top:bottom, left:right].mean() for top, bottom in pairwise(cuts[0]) for left, right in pairwise(cuts[1])
    ]
    np.testing.assert_allclose(summary(array)["heat"]["values"], means, rtol=5.1e-3)


def test_what_json_has_no_number_for() -> None:
    assert numbers(np.array([True, False])) == [1, 0]
    assert numbers(np.array([[2**53], [-1]])) == [2**53, -1]
    data = explored(mg.Tensor(-1.0, requires_grad=True) * mg.Tensor(np.nan))
    assert data["arrays"][data["nodes"][-1]["value"]]["values"] == ["NaN"]
