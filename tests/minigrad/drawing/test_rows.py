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
    nodes = picture.all(name)
    places = sorted(map(picture.place, nodes))
    x, y = np.transpose(places)
    assert len(x) == 8
    assert np.ptp(y) == 0
    widths = np.diff(x)
    assert np.ptp(widths) < 0.02


def test_state_leads_from_step_to_step(picture):
    colors = [style.get("color") for *_, style in picture.edges]
    assert colors.count(STATE) == 7
