"""Encoding: histograms counted by hand, pictures as bytes."""

import base64

import numpy as np
import pytest

from optim.recording.encode import BINS, encode, packed, picture, word


def unpack(entry):
    values = np.frombuffer(base64.b64decode(entry["data"]), entry["type"])
    return values.reshape(entry["shape"])


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_packed_numbers_come_back(dtype):
    array = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(unpack(packed(array, dtype)), array.astype(dtype))


def test_weights_have_one_range_for_all_steps():
    entry = encode("weights", [np.array([-1.0, -1, 0]), np.array([1.0, 1, 1])])
    first, second = unpack(entry)
    assert np.flatnonzero(first).tolist() == [0, BINS // 2]
    assert first[[0, BINS // 2]].tolist() == [255, 128]
    assert np.flatnonzero(second).tolist() == [BINS - 1]
    middles, spreads, lost, zeros, low, high = unpack(entry["facts"]).T
    assert middles.tolist() == [-1, 1]
    assert spreads.tolist() == pytest.approx([np.sqrt(2) / 3, 0])
    assert lost.tolist() == zeros.tolist() == [0, 0]
    assert low.tolist() == pytest.approx([-1, -1])
    assert high.tolist() == pytest.approx([1, 1])


def test_step_in_a_small_part_of_the_range_has_its_own():
    """Before an explosion, weights would otherwise be a single bar."""
    entry = encode("weights", [np.array([-1.0, 1]), np.array([-100.0, 100])])
    bars = unpack(entry)
    assert [np.flatnonzero(one).tolist() for one in bars] == [[0, BINS - 1]] * 2
    ends = unpack(entry["facts"])[:, 4:]
    np.testing.assert_allclose(ends, [[-1, 1], [-100, 100]], rtol=0.01)


def test_gradients_are_counted_in_decades():
    entry = encode("gradients", [np.array([0.0, 1e-30, 1e-3, -1e-3, 1e-3])])
    (bars,) = unpack(entry)
    # -12 to 2 in 32 bins: 1e-3 is at 9 / 14 of the way, and 0 is left out
    assert np.flatnonzero(bars).tolist() == [0, int(32 * 9 / 14)]
    middle, _, lost, zeros, low, high = unpack(entry["facts"])[0]
    assert middle == pytest.approx(-3)
    assert [lost, low, high] == [0, -12, 2]
    assert zeros == pytest.approx(1 / 5)


def test_gradients_of_zero():
    facts = unpack(encode("gradients", [np.zeros(3)])["facts"])[0]
    assert np.isnan(facts[[0, 1, 4, 5]]).all()
    assert facts[2:4].tolist() == [0, 1]


def test_values_that_are_not_finite_are_counted_apart():
    entry = encode("outputs", [np.array([np.nan, np.inf, 1.0]), np.array([np.nan])])
    middles, _, lost = unpack(entry["facts"])[:, :3].T
    assert middles[0] == 1
    assert np.isnan(middles[1])
    assert lost.tolist() == [2, 1]


def test_steps_at_which_a_part_did_not_run():
    assert unpack(encode("edge", [1.0, None])).tolist()[0] == 1
    assert np.isnan(unpack(encode("edge", [1.0, None]))[1])
    shapes = encode("time", [None, [1.0, 2.0], [1.0]])
    assert np.isnan(unpack(shapes)).tolist() == [[True] * 2, [False] * 2, [True] * 2]
    assert unpack(encode("weights", [None, np.ones(3)]))[0].sum() == 0


def test_pictures_are_scaled_to_the_largest_size():
    entry = picture([[[2.0, -4.0], [0.0, np.nan]]])
    assert entry["largest"] == 4
    assert unpack(entry).tolist() == [[[192, 1], [128, 128]]]


def test_word_without_vocabulary_is_the_id():
    assert word(None, [3]) == "3"
