"""Thresholds are small in random cases, and every constant is listed."""

import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.support import arrays

from .thresholds import THRESHOLDS, using

OTHERS = {
    "LEVELS",  # of a colour, in layers.images
    "MOST",  # images of a picture
    "_MOST",  # rows that the profiler prints
    "EARLY",  # steps after which all rows catch up; the precision depends on it
    "NARROW",  # precision of Adam
    "WIDEST",
    "NEGLIGIBLE",  # precision of lazy updates
    "DENORMAL",
    "SLOPE",  # of gelu
    "CUBIC",
}
"""Constants that choose between no two methods of computing the same."""


def test_every_constant_is_a_threshold_or_listed_as_another():
    found = set()
    for path, module in sys.modules.items():
        folder, _, name = path.rpartition(".")
        if folder in ("minigrad", "minigrad.gates", "layers", "optim"):
            for constant, value in vars(module).items():
                if constant.isupper() and type(value) in (int, float):
                    found.add(constant)
    assert found <= {*OTHERS, *(name for _, name in THRESHOLDS)}


def test_thresholds_are_reset():
    before = arrays.BLOCK
    with using({(arrays, "BLOCK"): 5}):
        assert arrays.BLOCK == 5 and np.isnan(np.empty(3)).all()
    assert arrays.BLOCK == before


def test_a_rule_that_changes_its_arrays_is_found(monkeypatch):
    x = mg.Tensor([1.0, 2.0], requires_grad=True)

    def backward(self, dz, z, x):
        dz *= 2.0
        return (dz,)

    monkeypatch.setattr(mg.Tanh, "backward", backward)
    with using({}), pytest.raises(AssertionError, match="Tanh"):
        (3.0 * mg.tanh(2.0 * x)).sum().backward()
