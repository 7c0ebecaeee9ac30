"""find_learning_rate on a parabola, whose largest rate is known; and that it undoes its steps."""

from functools import partial

import numpy as np
from numpy.testing import assert_allclose

import minigrad as mg
from layers import Layer
from optim import SGD, find_learning_rate
from tests.needs import package
from tests.optim.training.runs import build, data, trainer_of, weights


class Parabola(Layer):
    """c w² / 2, which diverges from lr = 2/c on; with momentum μ, from 2 (1 + μ) / c."""

    def __init__(self):
        super().__init__()
        self.w = mg.Tensor(np.array([1.0]), requires_grad=True)

    def forward(self, c):
        return c * self.w * self.w / 2


def test_find_learning_rate_of_a_parabola():
    model = Parabola()
    rule = partial(SGD, lr=0.5, momentum=0.5)
    trainer = trainer_of(model, lambda output, labels: output.sum(), rule)
    optimizer = trainer.optimizer
    batch = np.array([4.0]), np.zeros(1)
    found = find_learning_rate(
        trainer,
        [batch],
        low=1e-4,
        high=100.0,
        steps=120,
    )
    assert found.rates[0] == 1e-4
    assert_allclose(
        np.diff(np.log(found.rates)),
        np.log(1e6) / 119,
    )
    assert 0.02 < found.suggestion < 2 / 4 and 0.5 < found.rates[-1] < 100
    assert min(found.losses) < 0.5 * found.losses[0]
    assert model.w.item() == 1.0 and model.w.grad is None
    state = optimizer.state_dict()
    assert state == {"steps/w": 0, "velocity/w": 0} and optimizer.scale == 1.0


def test_find_learning_rate_puts_dropout_and_shuffling_back(tmp_path):
    package("matplotlib")
    ends = []
    for look in (False, True):
        trainer, batches = build(), data()
        if look:
            found = find_learning_rate(trainer, batches, steps=12)
            found.plot(tmp_path / "range.png")
        trainer.fit(batches, 2)
        ends.append(weights(trainer))
    assert ends[0] == ends[1]
    assert (tmp_path / "range.png").read_bytes().startswith(b"\x89PNG")
