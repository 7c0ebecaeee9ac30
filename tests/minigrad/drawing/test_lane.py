"""Boxes in a row are spread as near to where they wish to be as their widths allow."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.drawing.lane import SPACE, _spread


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_spread_is_the_nearest_of_all_that_keep_order_and_distance(wishes, seed):
    widths = [20.0] * len(wishes)
    centres = np.array(_spread(wishes, widths))
    assert np.all(np.diff(centres) >= 20 + SPACE - 1e-6)
    cost = np.sum((centres - wishes) ** 2)
    for _ in range(50):  # no other admissible choice is cheaper: steps from the best one, and choices from nowhere
        other = np.cumsum(20 + SPACE + np.random.default_rng(seed).exponential(20, len(wishes))) + wishes[0]
        assert np.sum((other - wishes) ** 2) >= cost - 1e-6
        moved = centres + np.linspace(0, np.random.default_rng(seed).uniform(0, 5), len(wishes))
        assert np.sum((moved - wishes) ** 2) >= cost - 1e-6
        seed += 1
