"""Lesson 8's loss and gradients against the engine's own gates, and its text's claims about slopes."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_08_losses import figures, solution

from ..conftest import alike, engine

LABELS = np.array([2, 0, 2, 1, 1])
LOGITS = np.random.default_rng(0).normal(size=(5, 3)) * 3
HUGE = np.array([[1000.0, 0.0, -1000.0], [-1000.0, -1000.0, 3.0]])


def right_class(logits):
    """The probability of each row's right class, as a Tensor."""
    return (mg.softmax(logits) * np.eye(3)[LABELS]).sum(axis=1)


def test_probabilities_loss_and_gradient_are_the_engines():
    for logits, labels in ((LOGITS, LABELS), (HUGE, np.array([1, 0]))):
        alike([solution.softmax(logits)], [mg.softmax(mg.Tensor(logits)).array])
        alike([solution.log_softmax(logits)], [mg.log_softmax(mg.Tensor(logits)).array])
        loss, gradients = engine(
            lambda z, y=labels: mg.softmax_cross_entropy(z, y), 1.0, logits
        )
        assert solution.cross_entropy(logits, labels) == pytest.approx(loss)
        alike([solution.cross_entropy_backward(logits, labels)], gradients)


def test_loss_at_start_is_the_loss_of_equal_scores():
    loss = mg.softmax_cross_entropy(mg.Tensor(np.zeros((4, 27))), [0, 5, 5, 26])
    assert solution.loss_at_start(27) == pytest.approx(loss.item())


def test_stretch_tasks_are_the_engines():
    _, gradients = engine(lambda z: ((1 - right_class(z)) ** 2).mean(), 1.0, LOGITS)
    alike([solution.squared_error_backward(LOGITS, LABELS)], gradients)
    z, labels = np.array([1000.0, -1000.0, 0.5]), np.array([0, 0, 1])
    loss = mg.binary_cross_entropy(mg.Tensor(z), labels)
    assert solution.binary_cross_entropy(z, labels) == pytest.approx(loss.item())


@pytest.mark.parametrize(
    ("name", "backward"),
    [
        ("cross entropy", solution.cross_entropy_backward),
        ("squared error", solution.squared_error_backward),
    ],
)
def test_the_pictures_slopes_are_gradients(name, backward):
    for p, slope in zip(figures.P[:-1:50], figures.SLOPES[name][:-1:50], strict=True):
        logits = np.log([[p, 1 - p]])
        assert backward(logits, np.array([0]))[0, 0] == pytest.approx(slope)
