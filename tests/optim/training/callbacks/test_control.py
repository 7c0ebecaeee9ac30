"""Callbacks that control a run, on one whose figures are known."""

import math

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Sequential
from minigrad.errors import NonFiniteError, OptionError
from optim import (
    SGD,
    Callback,
    ClipGradients,
    EarlyStopping,
    Evaluate,
    LearningRate,
    StepSchedule,
    StopOnNonFinite,
    Trainer,
)
from tests.optim.training.callbacks.point import run, w


def test_learning_rate_follows_the_schedule_and_joins_the_history():
    trainer = run(
        [LearningRate(StepSchedule(every=2, factor=0.5))], xs=[1, 1, 1], epochs=2
    )
    assert w(trainer) == -(1 + 1 + 0.5 + 0.5 + 0.25 + 0.25)
    assert trainer.history["lr"] == [0.5, 0.25]
    assert trainer.optimizer.scale == 1


def test_clipping_joins_the_history_and_forgets_a_run_that_failed():
    clip = ClipGradients(2.0)
    with pytest.raises(OptionError, match="MG314.*values are epoch, step, train_loss"):
        run([EarlyStopping("none"), clip], xs=[9])
    trainer = run([clip], xs=[1, 8, -3])
    assert w(trainer) == pytest.approx(-(1 + 2 - 2))
    assert trainer.history["largest_gradient_norm"] == [8]


TEST = [(np.array([2.0]), np.zeros(1))]


def test_evaluation_every_so_many_epochs_joins_their_rows():
    trainer = run([Evaluate(TEST, every_epochs=2)], epochs=4)
    assert [row.get("test_loss") for row in trainer.history.rows] == [
        None,
        -4,
        None,
        -8,
    ]


def test_evaluation_every_so_many_steps_makes_rows_of_its_own():
    history = run(
        [Evaluate(TEST, "held", every_steps=2)], xs=[1, 1, 1], epochs=2
    ).history
    assert history["held_loss"] == [-4, -8, -12]
    found = [(row["epoch"], row["step"]) for row in history.rows if "held_loss" in row]
    assert found == [(0.6667, 2), (1.3333, 4), (2.0, 6)]
    assert history["train_loss"] == [-1, -4]  # means of 0 -1 -2 and -3 -4 -5


@pytest.mark.parametrize(
    ("patience", "min_delta", "scores", "epochs"),
    [
        (0, 0.0, [5, 4, 4, 3], 3),
        (1, 0.0, [5, 4, 4, 3, 3.5, 3.2, 1], 6),
        (0, 0.5, [5, 4.6, 1], 2),
        (1, 0.0, [math.nan, 5, math.nan, 4, 3], 5),
        (1, 0.0, [5, math.nan, math.nan, 1], 3),
    ],
)
def test_early_stopping_counts_epochs_that_are_no_better(
    patience, min_delta, scores, epochs
):
    stopping = EarlyStopping(patience=patience, min_delta=min_delta)
    trainer = run([stopping], epochs=len(scores), scores=scores)
    assert trainer.epoch == epochs
    assert bool(trainer.stop_reason) == (epochs < len(scores))


def test_higher_is_better_unless_the_name_ends_in_loss():
    class Score(Callback):
        def on_epoch_end(self, trainer):
            trainer.history.rows[-1]["train_accuracy"] = [0.5, 0.7, 0.6, 0.9][
                trainer.epoch - 1
            ]

    trainer = run([Score(), EarlyStopping("train_accuracy", patience=0)], epochs=4)
    assert trainer.epoch == 3
    assert (
        trainer.stop_reason == "train_accuracy did not improve on 0.7000 for 1 epochs"
    )


@pytest.mark.parametrize(
    ("culprit", "where"),
    [
        ("dense.b", "'dense.b' (at the top level) contains 2 non-finite values"),
        ("log", "Log (at the top level)"),
    ],
)
def test_the_culprit_of_a_loss_that_is_not_finite_is_named(culprit, where):
    model, x = Sequential(Dense(3, 2)), np.ones((4, 3), "float32")
    if culprit == "dense.b":
        model.dense.b.array = np.full(2, np.inf, "float32")

    def loss(logits, labels):
        return mg.log(0 * logits).sum() if culprit == "log" else logits.sum()

    optimizer = SGD(model.named_parameters(), lr=0.3)
    trainer = Trainer(model, loss, optimizer, callbacks=[StopOnNonFinite()])
    told = pytest.raises(NonFiniteError, match="MG315.*epoch 1, batch 1")
    with told as error, np.errstate(all="ignore"):
        trainer.fit([(x, np.zeros(4, int))], 1)
    assert where in error.value.where


def test_nothing_is_monitored_without_validation():
    with pytest.raises(OptionError, match="MG314"):
        run([EarlyStopping()])
