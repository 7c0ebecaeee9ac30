"""Learning-rate schedules: functions from the step number to a factor for the learning rate.

Schedules have no state, so a resumed run has the same learning rates as an uninterrupted run. To
apply a schedule, pass it to the Trainer's `LearningRate` callback. In your own loop, set
`optimizer.scale = schedule(step)`.

Shapes: step and factor are single numbers. Errors: OptionError (MG305) for a number of steps below
1.
"""

import math
from collections.abc import Callable

from minigrad.help.other_frameworks import answering

from .optimizer import check_range

Schedule = Callable[[int], float]
"""A function from the number of completed steps (0 before the first) to a factor."""


class StepSchedule:
    """factor^⌊step / every⌋. After every `every` steps, the rate is multiplied by `factor`.

    >>> [StepSchedule(every=2, factor=0.5)(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]

    Source: He et al., Deep residual learning for image recognition (2016), section 4.2.

    Since: 0.1.
    """

    @answering
    def __init__(self, every: int, factor: float = 0.1) -> None:
        check_range("every", every, 1)
        self.every = every
        self.factor = factor

    def __call__(self, step: int) -> float:
        return float(self.factor ** (step // self.every))


class CosineSchedule:
    """floor + (1 - floor) (1 + cos(π step / steps)) / 2. The factor falls from 1 to `floor` in
    `steps` steps and remains at `floor` after that.

    >>> [round(CosineSchedule(steps=4)(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]

    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts (2017),
    without the restarts.

    Since: 0.1.
    """

    @answering
    def __init__(self, steps: int, floor: float = 0.0) -> None:
        check_range("steps", steps, 1)
        self.steps = steps
        self.floor = floor

    def __call__(self, step: int) -> float:
        angle = math.pi * min(step / self.steps, 1.0)
        return self.floor + (1 - self.floor) * (1 + math.cos(angle)) / 2


class WarmUp:
    """(step + 1) / steps for the first `steps` steps. Later steps use after(step - steps), or 1 if
    `after` is None.

    >>> [WarmUp(4)(step) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    >>> [round(WarmUp(2, CosineSchedule(steps=2))(step), 3) for step in range(5)]
    [0.5, 1.0, 1.0, 0.5, 0.0]

    Source: Goyal et al., Accurate, large minibatch SGD (2017), 2.2.

    Since: 0.1.
    """

    @answering
    def __init__(
        self,
        steps: int,
        after: Schedule | None = None,
    ) -> None:
        check_range("steps", steps)
        self.steps = steps
        self.after = after

    def __call__(self, step: int) -> float:
        if step < self.steps:
            return (step + 1) / self.steps
        return 1.0 if self.after is None else self.after(step - self.steps)
