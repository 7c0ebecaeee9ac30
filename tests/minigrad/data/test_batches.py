"""Every row comes once in each epoch, in an order that can be resumed anywhere."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import Batches, Stream
from minigrad.errors import DtypeError, OptionError

row_counts = st.integers(1, 40)


def one_pass(batches):
    return [rows.tolist() for (rows,) in batches]


@given(row_counts, st.integers(1, 45), st.integers(0, 2**32), st.booleans())
def test_every_row_comes_once_in_each_epoch(rows, size, seed, shuffle):
    batches = Batches(np.arange(rows), batch_size=size, seed=seed, shuffle=shuffle)
    for _ in range(3):
        *whole, last = one_pass(batches)
        assert sorted(sum([*whole, last], [])) == list(range(rows))
        assert len(batches) == len(whole) + 1 and 1 <= len(last) <= size
        assert all(len(batch) == size for batch in whole)


def test_the_order_is_numpys_permutation_as_promised():
    size: Any = np.int64(4)
    batches = Batches(np.arange(10), batch_size=size, seed=7)
    # As NumPy printed np.random.default_rng([7, epoch]).permutation(10)
    assert one_pass(batches) == [[8, 0, 7, 1], [3, 6, 2, 4], [5, 9]]
    assert one_pass(batches) == [[9, 0, 8, 6], [7, 1, 3, 4], [2, 5]]


def test_rows_of_all_arrays_stay_together_and_those_of_different_lengths_are_padded():
    columns = (
        np.arange(15).reshape(5, 3),
        range(5),
        [[7] * (row + 1) for row in range(5)],
    )
    for x, rows, ids in Batches(*columns, batch_size=2):
        assert (x == columns[0][rows]).all()
        width = rows.max() + 1
        assert ids.tolist() == [
            [0] * (width - row - 1) + [7] * (row + 1) for row in rows
        ]


@given(row_counts, st.integers(1, 10), st.booleans(), st.data())
def test_a_run_stopped_anywhere_goes_on_as_if_it_had_not_stopped(
    rows, size, shuffle, data
):
    def fresh():
        return Batches(np.arange(rows), batch_size=size, seed=3, shuffle=shuffle)

    stop = data.draw(st.integers(0, 3 * len(fresh())), label="batches before the stop")
    reference = fresh()
    expected = [batch for _ in range(4) for batch in one_pass(reference)]
    seen: list[Any] = []
    stopped = fresh()
    while len(seen) < stop:
        for (batch,) in stopped:
            seen.append(batch.tolist())
            if len(seen) == stop:
                break
    resumed = fresh()
    resumed.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
    while len(seen) < len(expected):
        seen += one_pass(resumed)
    assert seen == expected


def test_a_state_of_other_batches():
    batches = Batches(np.arange(10), batch_size=2)
    with pytest.raises(OptionError, match="MG414.*seed was '0' and is now 0"):
        state: Any = batches.state_dict() | {"seed": "0"}
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
def test_what_has_no_rows(column):
    with pytest.raises(DtypeError, match="MG416|MG407"):
        Batches(column)


@pytest.mark.parametrize("size", [2.0, True])
def test_sizes_that_are_no_whole_numbers(size):
    with pytest.raises(OptionError, match="MG412"):
        Batches([1, 2], batch_size=size)


# ---- streams ----


@given(st.integers(1, 7), st.integers(1, 6), st.integers(0, 60))
def test_the_windows_of_a_stream_read_each_row_from_left_to_right(rows, steps, more):
    ids = np.arange(rows * steps + 1 + more)
    windows = list(Stream(ids, rows, steps))
    x, y = (np.concatenate(parts, axis=1) for parts in zip(*windows, strict=True))
    assert {part.shape for window in windows for part in window} == {(rows, steps)}
    np.testing.assert_array_equal(x.ravel(), ids[: x.size])
    np.testing.assert_array_equal(y, x + 1)
    assert len(ids) - 1 - x.size < rows * steps  # less than a window is left out


def test_a_stream_goes_on_from_a_saved_position_and_around():
    def stream():
        return Stream(np.arange(11), batch_size=1, steps=2, windows=3)

    broken = stream()
    epochs = [[int(x[0, 0]) for x, _ in broken] for _ in range(2)]
    assert epochs == [[0, 2, 4], [6, 8, 0]] and len(broken) == 3
    next(iter(broken))
    resumed = stream()
    resumed.load_state_dict(json.loads(json.dumps(broken.state_dict())))
    assert [int(x[0, 0]) for x, _ in resumed] == [4, 6]
