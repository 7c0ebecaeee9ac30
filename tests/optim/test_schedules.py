"""Schedules against their formulas at hand-picked steps."""

import pytest

from optim import CosineSchedule, StepSchedule, WarmUp


@pytest.mark.parametrize(
    ("schedule", "steps", "factors"),
    [
        (StepSchedule(3, factor=0.5), [2, 3, 8, 9], [1, 0.5, 0.25, 0.125]),
        (CosineSchedule(100), [0, 50, 100, 1000], [1, 0.5, 0, 0]),
        # (1 + cos 60°) / 2 = 3/4
        (CosineSchedule(6, floor=0.1), [0, 2, 3, 6], [1, 0.1 + 0.9 * 0.75, 0.55, 0.1]),
        (WarmUp(5), [0, 3, 4, 5, 99], [0.2, 0.8, 1, 1, 1]),
        (WarmUp(2, StepSchedule(3)), [0, 1, 2, 4, 5], [0.5, 1, 1, 1, 0.1]),
    ],
)
def test_factors(schedule, steps, factors):
    assert [schedule(step) for step in steps] == pytest.approx(factors, abs=1e-12)
