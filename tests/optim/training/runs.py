"""A small run, with dropout and a table, that several files test."""

from typing import Any

import numpy as np

import minigrad as mg
from layers import RNN, Dense, Dropout, Embedding, Sequential
from minigrad.data import Batches
from optim import SGD, Callback, Trainer

RNG = np.random.default_rng(1)
IDS = RNG.integers(1, 30, (60, 6))
LABELS = (IDS[:, -1] > 15).astype(int)


def momentum(parameters):
    return SGD(parameters, lr=0.3, momentum=0.9)


def trainer_of(model, loss=mg.mean_squared_error, rule=SGD, **options):
    """A trainer that measures and shows nothing else, unless the options say so."""
    optimizer = rule(model.named_parameters())
    options = {"metrics": {}, "callbacks": []} | options
    return Trainer(model, loss, optimizer, **options)


def build(callbacks: Any = (), optimizer=momentum, metrics=None, **options):
    mg.seed(11)
    model = Sequential(
        Embedding(30, 8),
        RNN(8, 6),
        Dropout(0.2),
        Dense(6, 2),
    )
    options |= {"callbacks": callbacks, "metrics": metrics}
    return trainer_of(model, mg.softmax_cross_entropy, optimizer, **options)


def data(batch_size=8, **options):
    return Batches(IDS[:48], LABELS[:48], batch_size=batch_size, **options)


def held():
    return Batches(
        IDS[48:],
        LABELS[48:],
        batch_size=5,
        shuffle=False,
    )


def in_bytes(arrays):
    return {name: (array.shape, array.tobytes()) for name, array in arrays.items()}


def weights(trainer):
    return in_bytes(trainer.model.state_dict())


def rows_of(trainer):
    return [{**row, "seconds": 0} for row in trainer.history.rows]


def state(trainer):
    """All that two runs are compared by."""
    callbacks = [sorted(one.state_dict().items()) for one in trainer.callbacks]
    return {
        **weights(trainer),
        **in_bytes(trainer.optimizer.state_dict()),
        "rows": rows_of(trainer),
        "lr": trainer.optimizer.lr,
        "stop": trainer.stop_reason,
        "callbacks": str(list(filter(None, callbacks))),
        "generator": mg.generator().bit_generator.state,
    }


class At(Callback):
    """Does something at one moment of one step."""

    rank_0_only = True  # as far as a resumed run is concerned: it may be without it

    def __init__(self, moment, step, act):
        def at(trainer):
            if trainer.step == step:
                act(trainer)

        setattr(self, moment, at)
