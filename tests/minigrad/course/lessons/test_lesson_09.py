"""Lesson 9: its training loop against NumPy, and its figure against the text."""

import numpy as np
import pytest

from minigrad.course.lessons.lesson_09_learning import check, solution
from minigrad.course.lessons.lesson_09_learning.figures import FIGURES

from ..conftest import alike


@pytest.mark.parametrize(
    ("seed", "lr"),
    [(0, 0.2), (1, 0.1), (38, 0.1)],
)
def test_train_is_numpys(seed, lr):
    start = solution.start(seed)
    losses = solution.train(check.X, check.Y, start, lr, 60)
    expected = check.by_hand(check.start(seed), lr, 60)
    np.testing.assert_allclose(losses, expected, rtol=1e-9)


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
