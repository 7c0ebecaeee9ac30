"""Lesson 8: its loss and gradients against the engine's, and the slopes in its picture."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_08_losses import figures, solution

from ..conftest import alike

LABELS = np.array([2, 0, 2, 1, 1])
LOGITS = np.random.default_rng(0).normal(size=(5, 3)) * 3
HUGE = np.array([[1000.0, 0.0, -1000.0], [-1000.0, -1000.0, 3.0]])


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (LOGITS, LABELS),
        (HUGE, np.array([1, 0])),
    ],
    ids=["usual", "huge"],
)
def test_cross_entropy_is_the_engines(logits, labels):
    alike(solution.softmax(logits), mg.softmax(logits))
    alike(solution.log_softmax(logits), mg.log_softmax(logits))
    z = mg.Tensor(logits, requires_grad=True)
    loss = mg.softmax_cross_entropy(z, labels)
    alike(solution.cross_entropy(logits, labels), loss)
    alike(
        [solution.cross_entropy_backward(logits, labels)],
        mg.grad(loss, [z]),
    )


def test_loss_at_start_is_the_loss_of_equal_scores():
    loss = mg.softmax_cross_entropy(
        np.zeros((4, 27)),
        [0, 5, 5, 26],
    )
    alike(solution.loss_at_start(27), loss, 1e-6)


def test_squared_error_backward_is_the_engines():
    z = mg.Tensor(LOGITS, requires_grad=True)
    right = (mg.softmax(z) * np.eye(3)[LABELS]).sum(axis=1)
    gradients = mg.grad(
        ((1 - right) ** 2).mean(),
        [z],
    )
    alike([solution.squared_error_backward(LOGITS, LABELS)], gradients)


def test_binary_cross_entropy_is_the_engines():
    z, labels = np.array([1000.0, -1000.0, 0.5]), np.array([0, 0, 1])
    loss = mg.binary_cross_entropy(z, labels)
    alike(solution.binary_cross_entropy(z, labels), loss, 1e-4)


@pytest.mark.parametrize(
    ("name", "backward"),
    [
        ("cross entropy", solution.cross_entropy_backward),
        ("squared error", solution.squared_error_backward),
    ],
)
def test_slopes_of_the_picture_are_gradients(name, backward):
    pairs = zip(
        figures.P,
        figures.SLOPES[name],
        strict=True,
    )
    for p, slope in list(pairs)[:-1:50]:
        logits = np.log([[p, 1 - p]])
        alike(
            backward(logits, np.array([0]))[0, 0],
            slope,
            1e-6,
        )
