"""Batches and Stream: each row comes once in an epoch, in an order that can be resumed anywhere."""

import json
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from minigrad.data import Batches, Stream
from minigrad.errors import DtypeError, OptionError

row_counts = st.integers(1, 40)


def epoch(batches):
    return [rows.tolist() for (rows,) in batches]


def resumed(batches, start):
    """New batches in the state of others, which has been in a file."""
    start.load_state_dict(json.loads(json.dumps(batches.state_dict())))
    return start


@given(
    row_counts,
    st.integers(1, 45),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_batches_have_every_row_once_in_each_epoch(rows, size, seed, shuffle):
    batches = Batches(np.arange(rows), batch_size=size, seed=seed, shuffle=shuffle)
    for _ in range(3):
        found = epoch(batches)
        assert sorted(sum(found, [])) == list(range(rows))
        assert len(batches) == len(found)
        assert 1 <= len(found.pop()) <= size
        assert all(len(batch) == size for batch in found)


def test_batches_are_in_the_order_of_numpys_permutation():
    size: Any = np.int64(4)
    batches = Batches(np.arange(10), batch_size=size, seed=7)
    # As NumPy printed np.random.default_rng([7, epoch]).permutation(10)
    assert epoch(batches) == [
        [8, 0, 7, 1],
        [3, 6, 2, 4],
        [5, 9],
    ]
    assert epoch(batches) == [
        [9, 0, 8, 6],
        [7, 1, 3, 4],
        [2, 5],
    ]


def test_batches_keep_rows_together_and_pad_them():
    x = np.arange(12).reshape(4, 3)
    words = [
        [7],
        [7, 7],
        [7, 7, 7],
        [7, 7, 7, 7],
    ]
    for part, rows, ids in Batches(x, range(4), words, batch_size=2):
        assert_array_equal(part, x[rows])
        width = rows.max() + 1
        padded = [[0] * (width - len(words[row])) + words[row] for row in rows]
        assert_array_equal(ids, padded)


def endless(batches):
    while True:
        for (rows,) in batches:
            yield rows.tolist()


@given(
    row_counts,
    st.integers(1, 10),
    st.booleans(),
    st.integers(0, 120),
)
def test_batches_resume_anywhere(rows, size, shuffle, stop):
    def fresh():
        return Batches(np.arange(rows), batch_size=size, seed=3, shuffle=shuffle)

    stopped = fresh()
    found = list(islice(endless(stopped), stop))
    found += islice(endless(resumed(stopped, fresh())), 2 * len(stopped))
    assert found == list(islice(endless(fresh()), len(found)))


def test_batches_refuse_a_state_of_others():
    batches = Batches(np.arange(10), batch_size=2)
    state: Any = batches.state_dict() | {"seed": "0"}
    with pytest.raises(OptionError, match="MG414.*seed was '0' and is now 0"):
        batches.load_state_dict(state)


@pytest.mark.parametrize(
    "column",
    [
        5,
        {"a": 1},
        "film",
        iter([1]),
        np.array([1], object),
        [1, [2, 3]],
        [[2.5, 3], [1]],
    ],
)
def test_batches_refuse_a_column_without_rows(column):
    with pytest.raises(DtypeError, match="MG416|MG407"):
        Batches(column)


@pytest.mark.parametrize("size", [2.0, True])
def test_batches_refuse_a_size_that_is_not_an_integer(size):
    with pytest.raises(OptionError, match="MG412"):
        Batches([1, 2], batch_size=size)


@given(
    st.integers(1, 7),
    st.integers(1, 6),
    st.integers(0, 60),
)
def test_stream_reads_each_row_from_left_to_right(rows, steps, more):
    ids = np.arange(rows * steps + 1 + more)
    windows = np.array(list(Stream(ids, rows, steps)))
    assert windows.shape[1:] == (2, rows, steps)
    x, y = windows.transpose(1, 2, 0, 3).reshape(
        2,
        -1,
    )
    assert_array_equal(x, ids[: x.size])
    assert_array_equal(y, x + 1)
    assert len(ids) - 1 - x.size < rows * steps  # less than a window is left out


def test_stream_resumes_and_goes_around():
    def stream():
        return Stream(np.arange(11), batch_size=1, steps=2, windows=3)

    def firsts(windows):
        return [int(x[0, 0]) for x, _ in windows]

    broken = stream()
    assert firsts(broken) == [0, 2, 4] and len(broken) == 3
    assert firsts(broken) == [6, 8, 0]
    next(iter(broken))
    assert firsts(resumed(broken, stream())) == [4, 6]
