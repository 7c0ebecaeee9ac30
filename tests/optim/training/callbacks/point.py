"""A run whose figures are known: one number, whose gradient is the mean of its inputs."""

from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from optim import SGD
from tests.optim.training.runs import trainer_of


class Point:
    """One number w, whose loss on a batch (x, y) is the mean of w x. It is no Layer."""

    training = False

    def __init__(self, dtype):
        self.w = mg.Tensor(np.zeros(1, dtype), requires_grad=True, name="w")

    def named_parameters(self):
        return {"point.w": self.w}

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def __call__(self, x):
        return self.w * x


def batch(x):
    return np.array([x]), np.zeros(1)


def run(callbacks, xs=(1.0,), epochs=1, scores=None, dtype="float64", **options):
    """A run over batches of one example (or over other iterables of batches) at learning rate 1;
    `scores` is the validation loss of each epoch.
    """
    point: Any = Point(dtype)
    trainer = trainer_of(
        point,
        lambda output, labels: output.sum(),
        partial(SGD, lr=1.0),
        callbacks=callbacks,
        config={"size": 1},
    )
    batches = [batch(x) for x in xs] if isinstance(xs, (list, tuple)) else xs
    if scores is not None:
        left = iter(scores)
        trainer.evaluate = lambda batches: {"loss": next(left)}
        options["validation"] = batches
    trainer.fit(batches, epochs, **options)
    return trainer


def w(trainer):
    return trainer.model.w.item()
