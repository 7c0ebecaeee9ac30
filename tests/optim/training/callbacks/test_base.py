from types import SimpleNamespace
from typing import Any

import pytest

from minigrad.errors import OptionError
from optim.training.callbacks.base import Every


class Noted(Every):
    def __init__(self, every_epochs=None, every_steps=None):
        super().__init__(every_epochs, every_steps)
        self.seen = []

    def after_steps(self, trainer):
        self.seen.append(("step", trainer.step))

    def after_epochs(self, trainer):
        self.seen.append(("epoch", trainer.epoch))


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({}, []),
        ({"every_steps": 3}, [("step", 3), ("step", 6)]),
        ({"every_epochs": 2, "every_steps": 4}, [("step", 4), ("epoch", 2)]),
    ],
)
def test_every_acts_after_so_many_steps_and_epochs(options, seen):
    callback = Noted(**options)
    for epoch in (1, 2, 3):
        for step in (2 * epoch - 1, 2 * epoch):
            trainer: Any = SimpleNamespace(step=step, epoch=epoch)
            callback.on_step(trainer)
        callback.on_epoch_end(trainer)
    assert callback.seen == seen


@pytest.mark.parametrize("options", [{"every_epochs": 0}, {"every_steps": -1}])
def test_every_refuses_counts_below_1(options):
    with pytest.raises(OptionError, match="MG305"):
        Noted(**options)
