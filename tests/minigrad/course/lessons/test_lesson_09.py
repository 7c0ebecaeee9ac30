"""Lesson 9: its training loop against NumPy, and its figure against the text."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_09_learning import check, solution
from minigrad.course.lessons.lesson_09_learning.figures import FIGURES

from ..conftest import alike


@pytest.mark.parametrize(
    ("seed", "lr"),
    [(0, 0.2), (1, 0.1), (38, 0.1)],
)
def test_train_is_numpys(seed, lr):
    start = solution.start(seed)
    losses = solution.train(check.X, check.Y, start, lr, 60, 4)
    expected = check.by_hand(check.start(seed), lr, 60)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)


def test_train_takes_a_step_for_each_batch():
    # one step: b2 = 0 + 0.25 · 2 · 1 = 0.5, and then (0.5 - 3)² = 6.25
    zeros = {name: np.zeros(p.shape) for name, p in named(solution.start(0)).items()}
    start = [mg.Tensor(array, requires_grad=True) for array in zeros.values()]
    x, y = np.zeros((2, 2)), np.array([[1.0], [3.0]])
    assert solution.train(x, y, start, 0.25, 1, 1) == [1.0, 6.25]


def named(parameters):
    return {p.name: p for p in parameters}


@pytest.mark.parametrize("lr", [0.5, 0.25, 0.001])
def test_fall_of_a_square_is_a_parabola(lr):
    # (3² - (3 - 6 lr)²) / (36 lr) = 1 - lr
    p = mg.Tensor(3.0, requires_grad=True)
    ratio = solution.fall(lambda: p * p, [p], lr)
    assert ratio == pytest.approx(1 - lr)
    assert p.item() == 3.0


def test_fall_tells_the_wrong_slope_of_tanh():
    falls = []
    for slope in (None, lambda h: 1 - h):
        *parameters, loss = check.xor(38, slope)(solution).values()
        falls += [solution.fall(loss, [p], 1e-4) for p in parameters]
        assert solution.suspect(loss, parameters[:2], 1e-4) == 1
    # as in the lesson's text
    alike(falls, [1, 1, 1, 1, 1.79, 3.27, 1, 1], 5e-3)


def test_curves_are_as_the_text_says():
    a, b = FIGURES["which.svg"].values()
    assert (np.diff([a, b]) < 0).all()
    alike(
        [a[0], b[0]],
        [0.68, 0.68],
        5e-3,
    )
    alike(
        [a[-1], b[-1]],
        [0.227, 0.192],
        5e-3,
    )
