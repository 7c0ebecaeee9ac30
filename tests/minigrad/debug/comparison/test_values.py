"""When two arrays are equal."""

import numpy as np
import pytest

from minigrad.debug.comparison.values import close

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (np.array([1, 2], "f4"), np.array([1, 2 + 1e-4], "f4"), True),
        (np.array([1, 2], "f4"), np.array([1, 2 + 1e-3], "f4"), False),
        (np.array([1, 2], "f8"), np.array([1, 2 + 1e-4], "f8"), False),
        (
            np.array([1e-6, 2], "f4"),
            np.array([3e-6, 2], "f4"),
            True,
        ),  # relative to the largest
        (np.array([1, 2]), np.array([1, 3]), False),
        (np.array([True]), np.array([False]), False),
        (np.array([NAN, INF]), np.array([NAN, INF]), True),
        (np.array([1.0, INF]), np.array([1.0, 0.0]), False),
        (np.ones(0), np.ones(0), True),
    ],
)
def test_close(one, other, expected):
    assert close(one, other) is expected
