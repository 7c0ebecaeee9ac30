"""Shapes that products and sums refuse; docs/errors.md has the other cases."""

import numpy as np
import pytest

import minigrad as mg


@pytest.mark.parametrize(
    ("gate", "shapes", "message"),
    [
        (
            mg.MultiplyGate(),
            [(1,), (3, 4)],
            "right operand with 1 rows, or a left operand with 3",
        ),
        (
            mg.MultiplyGate(),
            [(2, 3), (2, 4)],
            "transpose the left",
        ),
        (
            mg.AddGate(),
            [(3, 4), (3, 5)],
            "Add.*at the top level",
        ),
    ],
)
def test_shapes_are_refused(gate, shapes, message):
    with pytest.raises(mg.MinigradError, match=f"(?s)MG101.*{message}"):
        gate(*map(np.ones, shapes))
