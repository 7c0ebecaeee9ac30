"""Callbacks that control a run, on one whose figures are known."""

import math

import numpy as np
import pytest

import minigrad as mg
from layers import Dense
from minigrad.errors import NonFiniteError, OptionError
from optim import (
    Callback,
    ClipGradients,
    EarlyStopping,
    Evaluate,
    LearningRate,
    StepSchedule,
    StopOnNonFinite,
)
from tests.optim.training.callbacks.point import batch, run, w
from tests.optim.training.runs import trainer_of


def test_learning_rate_follows_a_schedule():
    follows = LearningRate(StepSchedule(every=2, factor=0.5))
    trainer = run([follows], xs=[1, 1, 1], epochs=2)
    assert w(trainer) == -(1 + 1 + 0.5 + 0.5 + 0.25 + 0.25)
    assert trainer.history["lr"] == [0.5, 0.25]
    assert trainer.optimizer.scale == 1


def test_clip_gradients_forgets_a_run_that_failed():
    clip = ClipGradients(2.0)
    with pytest.raises(OptionError, match="MG314.*values are epoch, step, train_loss"):
        run([EarlyStopping("none"), clip], xs=[9])
    trainer = run([clip], xs=[1, 8, -3])
    assert w(trainer) == pytest.approx(-(1 + 2 - 2))
    assert trainer.history["largest_gradient_norm"] == [8]


def test_evaluate_every_2_epochs_adds_to_their_rows():
    rows = run(
        [Evaluate([batch(2.0)], every_epochs=2)],
        epochs=4,
    ).history.rows
    assert [row.get("test_loss") for row in rows] == [None, -4, None, -8]


def test_evaluate_every_2_steps_makes_its_own_rows():
    evaluate = Evaluate([batch(2.0)], "held", every_steps=2)
    history = run(
        [evaluate],
        xs=[1, 1, 1],
        epochs=2,
    ).history
    assert history["held_loss"] == [-4, -8, -12]
    rows = [row for row in history.rows if "held_loss" in row]
    assert [row["epoch"] for row in rows] == [0.6667, 1.3333, 2.0]
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert history["train_loss"] == [-1, -4]  # means of 0 -1 -2 and -3 -4 -5


@pytest.mark.parametrize(
    ("patience", "min_delta", "scores", "epochs"),
    [
        (0, 0.0, [5, 4, 4, 3], 3),
        (
            1,
            0.0,
            [5, 4, 4, 3, 3.5, 3.2, 1],
            6,
        ),
        (0, 0.5, [5, 4.6, 1], 2),
        (
            1,
            0.0,
            [math.nan, 5, math.nan, 4, 3],
            5,
        ),
        (1, 0.0, [5, math.nan, math.nan, 1], 3),
    ],
)
def test_early_stopping_counts_epochs_without_progress(patience, min_delta, scores, epochs):
    stopping = EarlyStopping(patience=patience, min_delta=min_delta)
    trainer = run([stopping], epochs=len(scores), scores=scores)
    assert trainer.epoch == epochs
    assert bool(trainer.stop_reason) == (epochs < len(scores))


def test_early_stopping_wants_less_of_a_loss_and_more_of_others():
    class Score(Callback):
        def on_epoch_end(self, trainer):
            score = [0.5, 0.7, 0.6, 0.9][trainer.epoch - 1]
            trainer.history.rows[-1]["train_accuracy"] = score

    trainer = run([Score(), EarlyStopping("train_accuracy", patience=0)], epochs=4)
    reason = "train_accuracy did not improve on 0.7000 for 1 epochs"
    assert trainer.epoch == 3 and trainer.stop_reason == reason


def test_early_stopping_needs_validation():
    with pytest.raises(OptionError, match="MG314"):
        run([EarlyStopping()])


@pytest.mark.parametrize(
    ("b", "loss", "culprit"),
    [
        (np.inf, lambda y: y.sum(), "'b' (at the top level) contains 2 non-finite"),
        (0.0, lambda y: mg.log(0 * y).sum(), "Log (at the top level"),
    ],
)
def test_stop_on_non_finite_names_the_culprit(b, loss, culprit):
    model, x = Dense(3, 2), np.ones((4, 3), "float32")
    model.b.array = np.full(2, b, "float32")
    trainer = trainer_of(model, lambda output, labels: loss(output), callbacks=[StopOnNonFinite()])
    match = "MG315.*epoch 1, batch 1"
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match=match) as error:
        trainer.fit([(x, np.zeros(4, int))], 1)
    assert culprit in error.value.where
