"""accuracy, counted by hand."""

import numpy as np
import pytest

from optim import accuracy


@pytest.mark.parametrize(
    ("output", "labels", "share"),
    [
        (
            [[1, 2], [2, 1], [0, 1]],
            [1, 1, 1],
            2 / 3,
        ),
        ([0.1, -0.1, 0.0, 3.0], [1, 0, 1, 0], 0.5),
        (
            [[0.1], [-0.1]],
            [[1], [1]],
            0.5,
        ),
        (
            [[[1, 2], [3, 1]], [[0, 1], [1, 0]]],
            [[1, 0], [0, 0]],
            0.75,
        ),
    ],
)
def test_accuracy(output, labels, share):
    found = accuracy(np.array(output), np.array(labels))
    assert found == pytest.approx(share)
