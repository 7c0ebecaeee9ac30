"""Lesson 10: its updates against the package's optimizers, and its figures against the text."""

import numpy as np
import pytest

import minigrad as mg
import optim
from minigrad.course.lessons.lesson_10_craft import check, figures, solution

from ..conftest import alike


def trained(optimizer, loss, steps):
    """The losses of a training by the package."""
    losses = []
    for _ in range(steps):
        losses.append(loss())
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return losses


def test_momentum_step_is_sgds():
    p, v = np.array([1.0, -2.0]), np.zeros(2)
    tensor = mg.Tensor(p, requires_grad=True)
    sgd = optim.SGD(
        {"p": tensor},
        lr=0.1,
        momentum=0.8,
    )
    trained(sgd, lambda: (tensor * tensor).sum(), 5)
    for _ in range(5):
        p, v = solution.momentum_step(
            p,
            2 * p,
            v,
            0.1,
            0.8,
        )
    alike(p, tensor)


def test_fit_is_adam():
    weights = check.eight_points(None)
    adam_weights = check.eight_points(None)
    loss, adam_loss = weights.pop("loss"), adam_weights.pop("loss")
    losses = solution.fit(
        list(weights.values()),
        loss,
        20,
        0.05,
    )
    adam = optim.Adam(adam_weights, lr=0.05, eps=1e-8)
    alike(losses, trained(adam, adam_loss, 20), 1e-9)


def test_best_epoch_by_hand():
    losses = [0.9, 0.5, 0.6, 0.4, 0.5, 0.7]
    assert solution.best_epoch(losses, 2) == (3, 5)


@pytest.mark.parametrize(
    ("n", "held_out"),
    [
        (10, 3),
        (50, 20),
        (2, 1),
    ],
)
def test_split_has_every_row_once(n, held_out):
    training, validation = solution.split(n, held_out, 1)
    assert len(validation) == held_out
    assert sorted([*training, *validation]) == list(range(n))


def test_curves_of_learning_rates_are_as_the_text_says():
    runs = {name: figures.with_momentum(lr) for name, lr in figures.RATES.items()}
    falls = {name: (np.diff(run) < 0).mean() for name, run in runs.items()}
    assert falls["A"] < 0.75 < falls["D"]
    assert falls["B"] == 1
    assert runs["C"][-1] > 2
    assert solution.diagnose(runs["B"]) == "too small"
    assert solution.diagnose(runs["D"]) == "fine"


def test_curves_of_halves_are_as_the_text_says():
    training, validation = figures.halves()
    assert solution.best_epoch(validation, 400) == (44, 399)
    found = [
        training[-1],
        validation[44],
        validation[-1],
    ]
    alike(found, [0.02, 0.12, 0.26], 5e-3)


def test_smooth_is_adams_corrected_mean():
    losses, m = [3.0, 1.0, -2.0], 0.0
    smooth = solution.smooth(losses, 0.9)
    for t, (loss, found) in enumerate(zip(losses, smooth, strict=True), 1):
        _, m, _ = solution.adam_step(0.0, loss, m, 0.0, t, 0.1, 0.9)
        alike(found, m / (1 - 0.9**t))
