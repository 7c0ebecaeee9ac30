"""Every: acts after so many steps or epochs; and options that would never act."""

import pytest

from minigrad.errors import OptionError
from optim import CosineSchedule, EarlyStopping, Snapshots, StepSchedule, WarmUp
from optim.training.callbacks.base import Every
from tests.optim.training.callbacks.point import run


class Noted(Every):
    def __init__(self, every_epochs=None, every_steps=None):
        super().__init__(every_epochs, every_steps)
        self.seen = []

    def act(self, trainer):
        self.seen.append((trainer.epoch, trainer.step))


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({}, [(1, 2), (2, 4), (3, 6)]),
        ({"every_steps": 3}, [(1, 3), (2, 6)]),
        (
            {"every_epochs": 2, "every_steps": 4},
            [(1, 4), (2, 4)],
        ),
    ],
)
def test_every(options, seen):
    callback = Noted(**options)
    run([callback], xs=[1, 1], epochs=3)
    assert callback.seen == seen


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (Noted, "every_epochs", 0),
        (Noted, "every_steps", -2),
        (lambda keep: Snapshots("run", keep=keep), "keep", 0),
        (EarlyStopping, "patience", -1),
        (lambda epochs: run([], epochs=epochs), "epochs", -1),
        (StepSchedule, "every", 0),
        (CosineSchedule, "steps", 0),
        (WarmUp, "steps", -1),
    ],
)
def test_options_that_would_never_act_are_refused(make, name, value):
    with pytest.raises(OptionError, match=f"MG305. {name} is {value}"):
        make(**{name: value})
