"""Columns are time steps, and equal gates of all steps share a row."""

import numpy as np
import pytest

from minigrad.drawing.colour import STATE

from .drawn_graphs import read, rnn


@pytest.fixture(scope="module")
def picture():
    return read(rnn(8), mode="unrolled")


@pytest.mark.parametrize("name", ["[ ]", "Tanh", "b_h"])
def test_steps_are_columns_with_same_rows(picture, name):
    places = [picture.place(node) for node in picture.all(name)]
    x, y = np.transpose(sorted(places))
    assert len(x) == 8
    assert np.ptp(y) == 0
    np.testing.assert_allclose(np.ptp(np.diff(x)), 0, atol=0.02)


def test_state_leads_from_step_to_step(picture):
    states = [style for _, _, style in picture.edges if style.get("color") == STATE]
    assert len(states) == 7
