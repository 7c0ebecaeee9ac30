"""A small run, with dropout and a table, that several files test."""

import numpy as np

import minigrad as mg
from layers import RNN, Dense, Dropout, Embedding, Sequential
from minigrad.data import Batches
from optim import (
    SGD,
    Callback,
    Trainer,
)

RNG = np.random.default_rng(1)
IDS = RNG.integers(1, 30, (60, 6))
LABELS = (IDS[:, -1] > 15).astype(int)


def build(callbacks=(), optimizer=None, *, dropout=0.2, **options):
    mg.seed(11)
    model = Sequential(Embedding(30, 8), RNN(8, 6), Dropout(dropout), Dense(6, 2))
    make = optimizer or (lambda parameters: SGD(parameters, lr=0.3, momentum=0.9))
    return Trainer(
        model,
        mg.softmax_cross_entropy,
        make(model.named_parameters()),
        callbacks=callbacks,
        **options,
    )


def data(batch_size=8, **options):
    return Batches(IDS[:48], LABELS[:48], batch_size=batch_size, **options)


def held():
    return Batches(IDS[48:], LABELS[48:], batch_size=5, shuffle=False)


def weights(trainer):
    return {
        path: tensor.array.tobytes()
        for path, tensor in trainer.model.named_parameters().items()
    }


def rows_of(trainer):
    return [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in trainer.history.rows
    ]


def state(trainer):
    """All that two runs are compared by."""
    arrays = {
        name: array.tobytes() for name, array in trainer.optimizer.state_dict().items()
    }
    return {**weights(trainer), **arrays, "rows": rows_of(trainer), "lr": trainer.optimizer.lr,
            "stop": trainer.stop_reason, "generator": mg.generator().bit_generator.state}  # fmt: skip


class At(Callback):
    """Does something at one moment of one step."""

    rank_0_only = True  # as far as a resumed run is concerned: it may be without it

    def __init__(self, moment, step, act):
        setattr(
            self, moment, lambda trainer: act(trainer) if trainer.step == step else None
        )
