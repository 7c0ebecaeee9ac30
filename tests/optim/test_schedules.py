"""Schedules against their formulas at hand-picked steps."""

import pytest

from optim import CosineSchedule, StepSchedule, WarmUp


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (
            StepSchedule(3, factor=0.5),
            {2: 1, 3: 0.5, 8: 0.25, 9: 0.125},
        ),
        (
            CosineSchedule(100),
            {0: 1, 50: 0.5, 100: 0, 1000: 0},
        ),
        (
            CosineSchedule(6, floor=0.1),
            # (1 + cos 60°) / 2 = 3/4
            {0: 1, 2: 0.1 + 0.9 * 0.75, 3: 0.55, 6: 0.1},
        ),
        (
            WarmUp(5),
            {0: 0.2, 3: 0.8, 4: 1, 5: 1, 99: 1},
        ),
        (
            WarmUp(2, StepSchedule(3)),
            {0: 0.5, 1: 1, 2: 1, 4: 1, 5: 0.1},
        ),
    ],
)
def test_schedule(schedule, factors):
    for step, factor in factors.items():
        assert schedule(step) == pytest.approx(factor, abs=1e-12)
