"""Statistics: norms by layer, on a run whose figures are known."""

import pytest

from optim import Statistics
from tests.optim.training.callbacks.point import run


def test_statistics_by_layer():
    statistics = Statistics(every_steps=2)
    run(
        [statistics],
        xs=[1, 2, 3, 4, 5],
    )
    assert dict(statistics.history) == {
        "step": [1, 3, 5],
        "point gradient_norm": [1, 3, 5],
        "point parameter_norm": [0, 1 + 2, 1 + 2 + 3 + 4],
        "point update_ratio": [1, 3 / 3, 5 / 10],
    }


def test_statistics_of_gradients_whose_squares_float32_cannot_hold():
    statistics, xs = Statistics(every_steps=1), [1e-30, 1e25]
    run([statistics], xs, dtype="float32")
    norms = statistics.history["point gradient_norm"]
    assert norms == pytest.approx(xs, rel=1e-6, abs=0)
