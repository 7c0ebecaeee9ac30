"""Lesson 9's training loop against backpropagation by hand, and the claims that its text makes
about loss curves.
"""

import numpy as np
import pytest

from minigrad.course.lessons.lesson_09_learning import check, solution
from minigrad.course.lessons.lesson_09_learning.figures import FIGURES


@pytest.mark.parametrize(("seed", "lr"), [(0, 0.2), (1, 0.1), (38, 0.1)])
def test_training_is_what_numpy_does(seed, lr):
    losses = solution.train(check.X, check.Y, solution.start(seed), lr, 60)
    np.testing.assert_allclose(
        losses, check.by_hand(check.start(seed), lr, 60), rtol=1e-9
    )


def test_the_curves_are_as_the_text_says():
    a, b = FIGURES["which.svg"].values()
    assert (np.diff(a) < 0).all() and (np.diff(b) < 0).all()
    np.testing.assert_allclose(
        [a[0], b[0], a[-1], b[-1]], [0.68, 0.68, 0.227, 0.192], atol=5e-3
    )
