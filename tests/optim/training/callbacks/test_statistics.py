"""Norms by layer, on a run whose figures are known."""

import numpy as np
import pytest

import minigrad as mg
from optim import Statistics
from tests.optim.training.callbacks.point import Point, run, train


def test_statistics_by_layer():
    statistics = Statistics(every_steps=2)
    run([statistics], xs=[1, 2, 3, 4, 5])
    history = statistics.history
    assert history["step"] == [1, 3, 5]
    assert history["point gradient_norm"] == [1, 3, 5]
    assert history["point parameter_norm"] == [0, 1 + 2, 1 + 2 + 3 + 4]
    assert history["point update_ratio"] == pytest.approx([1, 3 / 3, 5 / 10])


def test_statistics_of_gradients_whose_squares_float32_cannot_hold():
    point, statistics = Point(), Statistics(every_steps=1)
    point.w = mg.Tensor(np.zeros(1, "float32"), requires_grad=True)
    train(
        [statistics], [(np.array([x]), np.zeros(1)) for x in (1e-30, 1e25)], point=point
    )
    norms = statistics.history["point gradient_norm"]
    assert norms == pytest.approx([1e-30, 1e25], rel=1e-6, abs=0)
