"""Norms by layer, on a run whose figures are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OptionError
from optim import (
    SGD,
    Statistics,
    Trainer,
)
from tests.optim.training.callbacks.point import Point, run


def test_statistics_by_layer(tmp_path: Path) -> None:
    path = tmp_path / "s" / "statistics.csv"
    statistics = Statistics(path, every_steps=2)
    run([statistics], xs=[1, 2, 3, 4, 5])
    rows = statistics.history.rows
    assert [row["step"] for row in rows] == [1, 3, 5]
    assert [row["point gradient_norm"] for row in rows] == [1, 3, 5]
    assert [row["point parameter_norm"] for row in rows] == [0, 1 + 2, 1 + 2 + 3 + 4]
    assert [row["point update_ratio"] for row in rows] == pytest.approx([1, 3 / 3, 5 / 10])
    assert len(path.read_text().splitlines()) == 4
    with pytest.raises(OptionError, match="MG317"):
        Statistics("s")


def test_statistics_of_gradients_whose_squares_float32_cannot_hold() -> None:
    point, statistics = Point(), Statistics(every_steps=1)
    point.w = mg.Tensor(np.zeros(1, "float32"), requires_grad=True)
    optimizer = SGD(point.named_parameters(), lr=1.0)
    trainer = Trainer(
        point, lambda output, labels: output.sum(), optimizer, metrics={}, callbacks=[statistics]
    )
    trainer.fit([(np.array([x]), np.zeros(1)) for x in (1e-30, 1e25)], 1)
    norms = [row["point gradient_norm"] for row in statistics.history.rows]
    assert norms == pytest.approx([1e-30, 1e25], rel=1e-6, abs=0)
