"""Thresholds: settings in which small arrays reach every method, and misused memory shows."""

import contextlib
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st

from minigrad.context import ON_GRADIENT, setting
from minigrad.gates import activation, convolution
from minigrad.gates.fused import (
    recurrent,
    transformer,
)
from minigrad.gradients import dense
from minigrad.support import arrays
from optim import lazy

THRESHOLDS: dict[tuple[Any, str], tuple[int, ...]] = {
    (arrays, "BLOCK"): (1, 2, 5, 12, 30),
    (convolution, "BLOCK"): (1, 5, 30),
    (recurrent, "BLOCK"): (1, 5, 30),
    (arrays, "SPARSE_IDS"): (0, 1, 2),
    (arrays, "RADIX_PLACES"): (1, 2, 4),
    (arrays, "PLACES_PER_ADDITION"): (0, 1, 100),
    (activation, "NO_OVERFLOW_BELOW"): (0, 1),
    (transformer, "QUERIES"): (1, 2, 3),
    (lazy, "BLOCK"): (1, 2, 3),
    (lazy, "LATE"): (8, 64),
}
"""Constants at which code changes its method. Their defaults put small arrays on one side, and these
values put some on the other.
"""


small_thresholds = st.fixed_dictionaries(
    {},
    optional={key: st.sampled_from(values) for key, values in THRESHOLDS.items()},
)
"""Small values of some of the thresholds, or of none."""


@contextlib.contextmanager
def using(values):
    """Set thresholds to these values. New memory is full of NaN or large numbers, and a rule that
    writes into an array that it was given raises an AssertionError.
    """
    with contextlib.ExitStack() as stack:
        for (
            module,
            name,
        ), value in values.items():
            stack.enter_context(patch.object(module, name, value))
        for name in ("empty", "empty_like"):
            make = poisoned(getattr(np, name))
            stack.enter_context(patch.object(np, name, make))
        stack.enter_context(setting(ON_GRADIENT, Untouched()))
        yield


def poisoned(make):
    """A function that makes an array of values that no result may contain."""

    def make_poisoned(*args, **options):
        array = make(*args, **options)
        if array.dtype.kind in "fiub":
            array.fill(np.nan if array.dtype.kind == "f" else 97)
        return array

    return make_poisoned


class Untouched:
    """Checks at each node of a backward pass that the rule before it left its arrays unchanged."""

    def __init__(self):
        self.node: Any = None
        self.contents: list[Any] = []

    def __call__(self, node, dz):
        before = self.node
        # A pass visits nodes newest first. An optimizer may change arrays between two passes.
        if before and node.serial < before.serial and not self.updated(before):
            for array, content in self.contents:
                changed = array.tobytes() != content
                assert not changed, f"the rule of {before.gate!r} changes its arrays"
        self.node = node
        arrays = (dense(dz), node.output, *node.arrays) if node.gate else ()
        arrays_alone = [one for one in arrays if isinstance(one, np.ndarray)]
        self.contents = [(one, one.tobytes()) for one in arrays_alone]

    def updated(self, node):
        return any(one.updated >= node.serial for one in node.inputs)
