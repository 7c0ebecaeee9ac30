import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import Batches, Reviews, Stream
from minigrad.errors import DataError, DtypeError, OptionError, ShapeError

row_counts = st.integers(1, 40)
batch_sizes = st.integers(1, 45)
seeds = st.integers(0, 2**32)


def one_pass(batches):
    return [rows.tolist() for (rows,) in batches]


def fails_with(code, kind, make):
    with pytest.raises(kind) as caught:
        make()
    assert caught.value.code == code
    assert caught.value.remedy
    return caught.value


@given(row_counts, batch_sizes, seeds, st.booleans())
def test_every_row_comes_once_in_each_epoch(rows, size, seed, shuffle):
    batches = Batches(np.arange(rows), batch_size=size, seed=seed, shuffle=shuffle)
    for _ in range(3):
        given = one_pass(batches)
        assert sorted(sum(given, [])) == list(range(rows))
        assert len(given) == len(batches) == -(-rows // size)
        assert [len(batch) for batch in given[:-1]] == [size] * (len(given) - 1)
        assert 1 <= len(given[-1]) <= size


@given(row_counts, batch_sizes, seeds)
def test_rows_of_all_arrays_stay_together(rows, size, seed):
    x = np.arange(rows * 3).reshape(rows, 3)
    labels = [3 * row for row in range(rows)]
    ragged = [[1] * (row + 1) for row in range(rows)]
    for numbers, first, whole in Batches(x, labels, ragged, batch_size=size, seed=seed):
        assert (numbers[:, 0] == first).all()
        assert ((whole != 0).sum(axis=1) - 1 == first // 3).all()
        assert whole.shape == (len(first), first.max() // 3 + 1)


def test_epochs_differ_runs_do_not_and_the_seed_decides():
    def epochs(seed):
        batches = Batches(np.arange(50), batch_size=8, seed=seed)
        return [one_pass(batches) for _ in range(3)]

    first, second, third = epochs(0)
    assert first != second != third != first
    assert epochs(0) == [first, second, third]
    assert epochs(1)[0] != first


def test_the_order_is_numpys_permutation_as_promised():
    batches = Batches(np.arange(10), batch_size=4, seed=7)
    # As NumPy printed np.random.default_rng([7, epoch]).permutation(10)
    assert one_pass(batches) == [[8, 0, 7, 1], [3, 6, 2, 4], [5, 9]]
    assert one_pass(batches) == [[9, 0, 8, 6], [7, 1, 3, 4], [2, 5]]


def test_in_order_without_shuffle():
    assert one_pass(Batches(np.arange(5), batch_size=2, shuffle=False)) == [[0, 1], [2, 3], [4]]


def test_whole_reviews_are_padded_to_the_longest_of_their_batch():
    reviews = [np.array([1, 7]), np.array([1, 7, 8, 9]), np.array([1])]
    batches = list(Batches(reviews, [0, 1, 0], batch_size=2, shuffle=False))
    assert batches[0][0].tolist() == [[0, 0, 1, 7], [1, 7, 8, 9]]
    assert batches[0][1].tolist() == [0, 1]
    assert batches[1][0].tolist() == [[1]]


def test_rows_of_equal_length_are_an_array_like_any_other():
    ((x,),) = Batches([[0.5, 1.5], [2.5, 3.5]], shuffle=False)
    assert x.tolist() == [[0.5, 1.5], [2.5, 3.5]]


def test_a_peek_at_one_batch_changes_nothing():
    batches, untouched = (Batches(np.arange(20), batch_size=3, seed=5) for _ in range(2))
    next(iter(batches))
    assert one_pass(batches) == one_pass(untouched)
    next(iter(batches))
    assert one_pass(batches) == one_pass(untouched)


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


def test_a_peek_after_loading_does_not_move_the_place():
    batches = Batches(np.arange(10), batch_size=2, shuffle=False)
    batches.load_state_dict(batches.state_dict() | {"position": 3})
    next(iter(batches))
    assert one_pass(batches) == [[6, 7], [8, 9]]
    assert batches.epoch == 1
    assert one_pass(batches) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def test_another_pass_in_the_middle_of_one_does_not_change_its_position():
    batches = Batches(np.arange(10), batch_size=2)
    for number, _ in enumerate(batches):
        assert batches.state_dict() == {**batches.state_dict(), "epoch": 0, "position": number + 1}
        if number == 1:
            list(batches)
    assert batches.epoch == 1


def test_nothing_to_batch():
    assert "0 arrays" in fails_with("MG411", DataError, Batches).what
    assert "0 rows" in fails_with("MG411", DataError, lambda: Batches(np.zeros((0, 40)), [])).what


@pytest.mark.parametrize("size", [0, -32, 2.0, 2.5, "2", None, True, [2]])
def test_a_batch_size_that_is_no_count(size):
    assert repr(size) in fails_with("MG412", OptionError, lambda: Batches([1, 2], batch_size=size)).what


def test_arrays_of_different_lengths():
    assert "3, 3, 2" in fails_with("MG413", ShapeError, lambda: Batches([1, 2, 3], np.ones((3, 2)), [0, 1])).what


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True, [1], float("nan")])
def test_a_seed_that_is_none(seed):
    assert repr(seed) in fails_with("MG415", OptionError, lambda: Batches([1, 2], seed=seed)).what


def test_numpys_integers_are_numbers_too():
    size: Any = np.int64(4)
    seed: Any = np.uint8(7)
    batches = Batches(np.arange(10), batch_size=size, seed=seed)
    assert one_pass(batches) == [[8, 0, 7, 1], [3, 6, 2, 4], [5, 9]]
    assert json.loads(json.dumps(batches.state_dict())) == batches.state_dict()


@pytest.mark.parametrize(
    "array",
    [
        *(5, None, {"a": 1}, {1, 2}, "film", np.array(5), (number for number in range(3))),
        *(np.array([1, 2], object), np.array([[1], [2, 3]], object), [1, [2, 3]], [[1, [2]], [3]]),
        Reviews(np.ones((3, 2), int), np.array([0, 1, 1])),
    ],
)
def test_what_has_no_rows(array):
    error = fails_with("MG416", DtypeError, lambda: Batches([1, 2, 3], array))
    assert "array 1 " in error.what and type(array).__name__ in error.what


@pytest.mark.parametrize("rows", [[[2, 3], 1], [[2.5, 3.0], [1.0]], [np.ones((2, 2), int), np.ones((2, 3), int)]])
def test_rows_that_cannot_be_padded_are_refused_at_once(rows):
    fails_with("MG407", DtypeError, lambda: Batches(rows))


def test_rows_without_numbers_and_a_batch_larger_than_all():
    assert one_pass(Batches([[], []], batch_size=10**30)) == [[[], []]]
    assert one_pass(Batches(range(3), shuffle=False, batch_size=4)) == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"batch_size": 16}, "batch_size was 16, is 2"),
        ({"seed": 9}, "seed was 9, is 0"),
        ({"rows": 11}, "rows was 11, is 10"),
        ({"shuffle": 0}, "shuffle was 0, is 1"),
        ({"position": 6}, "batch 6 of 5"),
        ({"epoch": -1}, "epoch -1"),
        ({"epoch": 1.5}, "epoch 1.5"),
        ({"position": "x"}, "batch x of 5"),
        ({"seed": "0"}, "seed was '0', is 0"),
    ],
)
def test_a_state_of_other_batches(changed, said):
    batches = Batches(np.arange(10), batch_size=2)
    error = fails_with("MG414", OptionError, lambda: batches.load_state_dict(batches.state_dict() | changed))
    assert said in error.what


def test_a_state_with_parts_missing():
    for state in ({"epoch": 1}, {}, [1], None):
        fails_with("MG414", OptionError, lambda state=state: Batches([1, 2]).load_state_dict(state))


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


def test_an_epoch_of_a_few_windows_goes_on_where_the_last_one_ended_and_around():
    stream = Stream(np.arange(11), batch_size=1, steps=2, windows=3)
    epochs = [[int(x[0, 0]) for x, _ in stream] for _ in range(3)]
    assert epochs == [[0, 2, 4], [6, 8, 0], [2, 4, 6]]
    assert len(stream) == 3


def test_a_stream_goes_on_from_a_saved_position_and_from_no_other_streams():
    def stream(steps=2):
        return Stream(np.arange(40), batch_size=3, steps=steps, windows=4)

    whole, broken = stream(), stream()
    expected = [x.tolist() for _ in range(2) for x, _ in whole]
    given = [x.tolist() for x, _ in broken]
    rest = iter(broken)
    given.append(next(rest)[0].tolist())
    resumed = stream()
    resumed.load_state_dict(json.loads(json.dumps(broken.state_dict())))
    assert given + [x.tolist() for x, _ in resumed] == expected
    fails_with("MG414", OptionError, lambda: stream(steps=3).load_state_dict(broken.state_dict()))


def test_streams_of_nothing_are_refused():
    fails_with("MG417", DataError, lambda: Stream(np.arange(6), batch_size=2, steps=3))
    fails_with("MG412", OptionError, lambda: Stream(np.arange(9), batch_size=2, steps=0))
    fails_with("MG412", OptionError, lambda: Stream(np.arange(9), batch_size=2, steps=3, windows=0))
    fails_with("MG407", DtypeError, lambda: Stream(np.ones((9, 2), int)))
