"""Every row comes once in each epoch, in an order that can be resumed anywhere."""

import json
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import Batches, Stream
from minigrad.errors import DataError, DtypeError, OptionError, ShapeError

row_counts = st.integers(1, 40)
batch_sizes = st.integers(1, 45)
seeds = st.integers(0, 2**32)


def one_pass(batches):
    return [rows.tolist() for (rows,) in batches]


@given(row_counts, batch_sizes, seeds, st.booleans())
def test_every_row_comes_once_in_each_epoch(rows, size, seed, shuffle):
    batches = Batches(np.arange(rows), batch_size=size, seed=seed, shuffle=shuffle)
    for _ in range(3):
        given = one_pass(batches)
        assert sorted(sum(given, [])) == list(range(rows))
        assert len(given) == len(batches) == -(-rows // size)
        assert [len(batch) for batch in given[:-1]] == [size] * (len(given) - 1)
        assert 1 <= len(given[-1]) <= size


def test_the_order_is_numpys_permutation_as_promised():
    size: Any = np.int64(4)
    batches = Batches(np.arange(10), batch_size=size, seed=7)
    # As NumPy printed np.random.default_rng([7, epoch]).permutation(10)
    assert one_pass(batches) == [[8, 0, 7, 1], [3, 6, 2, 4], [5, 9]]
    assert one_pass(batches) == [[9, 0, 8, 6], [7, 1, 3, 4], [2, 5]]


def test_rows_of_all_arrays_stay_together_and_those_of_different_lengths_are_padded():
    columns = (
        np.arange(15).reshape(5, 3),
        [3 * row for row in range(5)],
        [[7] * (row + 1) for row in range(5)],
    )
    for x, label, ids in Batches(*columns, batch_size=2):
        assert (x[:, 0] == label).all()
        assert ids.tolist() == [
            [0] * ((max(label) - one) // 3) + [7] * (one // 3 + 1) for one in label
        ]


@given(row_counts, st.integers(1, 10), st.booleans(), st.data())
def test_a_run_stopped_anywhere_goes_on_as_if_it_had_not_stopped(rows, size, shuffle, data):
    def fresh():
        return Batches(np.arange(rows), batch_size=size, seed=3, shuffle=shuffle)

    reference = fresh()
    expected = [batch for _ in range(4) for batch in one_pass(reference)]
    stop = data.draw(st.integers(0, 3 * len(reference)), label="batches before the stop")

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


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": "0"}, "seed was '0', is 0"),
        ({"rows": 11}, "rows was 11, is 10"),
        ({"position": 6}, "batch 6 of 5"),
        ({"epoch": -1}, "epoch -1"),
        (None, "rows was None"),
    ],
)
def test_a_state_of_other_batches(changed, said):
    batches = Batches(np.arange(10), batch_size=2)
    state = changed and batches.state_dict() | changed
    with pytest.raises(OptionError, match=f"MG414.*{said}"):
        batches.load_state_dict(state)


COLUMNS: tuple[Any, ...] = (5, {"a": 1}, "film", iter([1]), np.array([1], object), [1, [2, 3]])
RAGGED: tuple[Any, ...] = ([[2, 3], 1], [[2.5, 3.0], [1.0]])
SIZES: tuple[Any, ...] = (0, 2.0, "2", None, True)
SEEDS: tuple[Any, ...] = (-1, 1.5, None, True)
WRONG = [
    (DataError, "MG411.*0 arrays", lambda: Batches()),
    (DataError, "MG411.*0 rows", lambda: Batches(np.zeros((0, 40)), [])),
    (ShapeError, "MG413.*3, 3, 2", lambda: Batches([1, 2, 3], np.ones((3, 2)), [0, 1])),
    *((OptionError, "MG412", partial(Batches, [1, 2], batch_size=size)) for size in SIZES),
    *((OptionError, "MG415", partial(Batches, [1, 2], seed=seed)) for seed in SEEDS),
    *((DtypeError, "MG416.*array 1 ", partial(Batches, [1, 2, 3], column)) for column in COLUMNS),
    *((DtypeError, "MG407", partial(Batches, rows)) for rows in RAGGED),
    (DataError, "MG417", lambda: Stream(np.arange(6), batch_size=2, steps=3)),
    (OptionError, "MG412.*steps=0", lambda: Stream(np.arange(9), batch_size=2, steps=0)),
    (DtypeError, "MG407", lambda: Stream(np.ones((9, 2), int))),
]


@pytest.mark.parametrize(("kind", "said", "make"), WRONG)
def test_what_cannot_be_put_into_batches(kind, said, make):
    with pytest.raises(kind, match=said) as caught:
        make()
    assert caught.value.remedy


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
