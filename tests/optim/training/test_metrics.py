"""Accuracy by hand, and what a metric may return."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import (
    DtypeError,
)
from optim import (
    accuracy,
)
from optim.training.metrics import as_number


@pytest.mark.parametrize(
    ("output", "labels", "share"),
    [
        ([[1, 2], [2, 1], [0, 1]], [1, 1, 1], 2 / 3),
        ([0.1, -0.1, 0.0, 3.0], [1, 0, 1, 0], 0.5),
        ([[0.1], [-0.1]], [1, 0], 1),
        ([[0.1], [-0.1]], [[1], [1]], 0.5),
        ([[[1, 2], [3, 1]], [[0, 1], [1, 0]]], [[1, 0], [0, 0]], 0.75),
    ],
)
def test_accuracy(output: list[Any], labels: list[Any], share: float) -> None:
    assert accuracy(np.array(output), np.array(labels)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (None, "'f' returned None"),
        (np.ones(8), "shape (8,)"),
        (np.ma.masked, "'f'"),
        (mg.Tensor([0.5]), ""),
    ],
)
def test_a_metric_is_one_number(value: Any, what: str) -> None:
    if what:
        with pytest.raises(DtypeError, match="MG326") as error:
            as_number("f", value)
        assert what in error.value.what
    else:
        assert as_number("f", value) == 0.5
