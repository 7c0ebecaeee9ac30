"""A run whose figures are known: one number, whose gradient is the mean of its inputs."""

import numpy as np

import minigrad as mg
from optim import SGD, Trainer


class Point:
    """One number w, whose loss on a batch (x, y) is the mean of w x: its gradient is the mean of
    x.
    """

    training = False

    def __init__(self):
        self.w = mg.Tensor(np.zeros(1), requires_grad=True, name="w")

    def named_parameters(self):
        return {"point.w": self.w}

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def __call__(self, x):
        product: mg.Tensor = self.w * x
        return product


BATCH = np.array([1.0]), np.zeros(1)


def train(
    callbacks,
    batches,
    epochs=1,
    scores=None,
    point=None,
    **options,
):
    """A run at learning rate 1; `scores` is the validation loss of each epoch."""
    point = point or Point()
    optimizer = SGD(point.named_parameters(), lr=1.0)
    trainer = Trainer(point, lambda output, labels: output.sum(), optimizer, metrics={}, callbacks=callbacks,
                      config={"size": 1})  # fmt: skip
    if scores is not None:
        left = iter(scores)
        trainer.evaluate = lambda batches: {"loss": next(left)}  # type: ignore[method-assign]
    trainer.fit(batches, epochs, None if scores is None else batches, **options)
    return trainer


def run(callbacks, *, xs=(1.0,), **options):
    """A run over batches of one example."""
    return train(callbacks, [(np.array([x]), np.zeros(1)) for x in xs], **options)


def w(trainer):
    assert isinstance(trainer.model, Point)
    return trainer.model.w.item()
