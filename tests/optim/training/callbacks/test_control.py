"""Callbacks that control a run, on one whose figures are known."""

from __future__ import annotations

import math
from typing import Any

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
    Run,
    StepSchedule,
    StopOnNonFinite,
    Trainer,
)
from tests.optim.training.callbacks.point import run, w


def test_learning_rate_follows_the_schedule_and_joins_the_history() -> None:
    trainer = run([LearningRate(StepSchedule(every=2, factor=0.5))], xs=[1, 1, 1], epochs=2)
    assert w(trainer) == -(1 + 1 + 0.5 + 0.5 + 0.25 + 0.25)
    assert trainer.history["lr"] == [0.5, 0.25]
    assert trainer.optimizer.scale == 1


def test_clipping_joins_the_history_and_forgets_a_run_that_failed() -> None:
    clip = ClipGradients(2.0)
    with pytest.raises(OptionError, match="MG314.*there are epoch, step, train_loss"):
        run([EarlyStopping("none"), clip], xs=[9])
    trainer = run([clip], xs=[1, 8, -3])
    assert w(trainer) == pytest.approx(-(1 + 2 - 2))
    assert trainer.history["largest_gradient_norm"] == [8]


def test_evaluation_every_so_many_epochs_joins_their_rows() -> None:
    trainer = run([Evaluate([(np.array([2.0]), np.zeros(1))], every_epochs=2)], epochs=4)
    assert [row.get("test_loss") for row in trainer.history.rows] == [None, -4, None, -8]


def test_evaluation_every_so_many_steps_makes_rows_of_its_own() -> None:
    evaluate = Evaluate([(np.array([2.0]), np.zeros(1))], "held", every_steps=2)
    trainer = run([evaluate], xs=[1, 1, 1], epochs=2)
    found = [
        (row["epoch"], row["step"], row["held_loss"])
        for row in trainer.history.rows
        if "held_loss" in row
    ]
    assert found == [(0.6667, 2, -4), (1.3333, 4, -8), (2.0, 6, -12)]
    assert trainer.history["train_loss"] == [-1, -4]  # means of 0 -1 -2 and -3 -4 -5


@pytest.mark.parametrize(
    ("patience", "min_delta", "scores", "epochs"),
    [
        (0, 0.0, [5, 4, 4, 3], 3),
        (1, 0.0, [5, 4, 4, 3, 3.5, 3.2, 1], 6),
        (2, 0.0, [5, 6, 7, 8, 1], 4),
        (0, 0.5, [5, 4.6, 1], 2),
        (1, 0.0, [math.nan, 5, math.nan, 4, 3], 5),
        (1, 0.0, [5, math.nan, math.nan, 1], 3),
    ],
)
def test_early_stopping_counts_epochs_that_are_no_better(
    patience: int, min_delta: float, scores: list[float], epochs: int
) -> None:
    trainer = run(
        [EarlyStopping(patience=patience, min_delta=min_delta)], epochs=len(scores), scores=scores
    )
    assert trainer.epoch == epochs
    assert bool(trainer.stop_reason) == (epochs < len(scores))


def test_higher_is_better_unless_the_name_ends_in_loss() -> None:
    class Score(Callback):
        def on_epoch_end(self, trainer: Run) -> None:
            trainer.history.rows[-1]["train_accuracy"] = [0.5, 0.7, 0.6, 0.9][trainer.epoch - 1]

    trainer = run([Score(), EarlyStopping("train_accuracy", patience=0)], epochs=4)
    assert trainer.epoch == 3
    assert trainer.stop_reason == "train_accuracy was not better than 0.7000 for 1 epochs"


@pytest.mark.parametrize("parameter", ["dense.b", "input", "log"])
def test_the_culprit_of_a_loss_that_is_not_finite_is_named(parameter: str) -> None:
    model = Sequential(Dense(3, 2))
    x = np.ones((4, 3), "float32")
    loss: Any = mg.softmax_cross_entropy
    if parameter == "dense.b":
        model.dense.b.array = np.full(2, np.inf, "float32")
        where, cause = (
            "'dense.b' at the top level holds 2 values of 2",
            "made it so (learning rate 0.3)",
        )
    elif parameter == "input":
        x[1, 2] = np.nan
        where, cause = "holds 1 value of 12", "input data"
    else:
        loss = lambda logits, labels: mg.log(0 * logits).sum()  # noqa: E731
        where, cause = "Log at the top level", "Log is the first gate"
    trainer = Trainer(
        model, loss, SGD(model.named_parameters(), lr=0.3), callbacks=[StopOnNonFinite()]
    )
    with (
        pytest.raises(NonFiniteError, match="MG315.*epoch 1, batch 1") as error,
        np.errstate(all="ignore"),
    ):
        trainer.fit([(x, np.zeros(4, int))], 1)
    assert where in error.value.where and cause in error.value.cause


@pytest.mark.parametrize(
    ("act", "code", "what"),
    [
        (lambda: run([EarlyStopping()]), "MG314", "fit was given no validation batches"),
        (lambda: EarlyStopping(patience=-1), "MG305", "patience is -1"),
        (lambda: EarlyStopping(min_delta=-0.1), "MG305", "min_delta is -0.1"),
        (lambda: ClipGradients(-1), "MG305", "max_norm is -1"),
        (lambda: Evaluate([], every_epochs=0), "MG305", "every_epochs is 0"),
        (lambda: Evaluate([], every_epochs=1, every_steps=1), "MG320", "every_steps=1"),
        (
            lambda: run([Evaluate([], "validation", every_steps=1)], scores=[1]),
            "MG328",
            "'validation'",
        ),
        (lambda: run([Evaluate([], every_steps=n) for n in (1, 2)]), "MG328", "'test'"),
    ],
)  # the others are in docs/errors.md
def test_bad_input(act: Any, code: str, what: str) -> None:
    with pytest.raises(OptionError) as error:
        act()
    assert error.value.code == code and what in error.value.what
