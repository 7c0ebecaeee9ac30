"""Lesson 10's updates against the package's optimizers, and the claims of its text."""

import numpy as np
import pytest

import minigrad as mg
import optim
from minigrad.course.lessons.lesson_10_craft import check, figures, solution


def test_momentum_is_sgds():
    p, v = np.array([1.0, -2.0]), np.zeros(2)
    tensor = mg.Tensor(p, requires_grad=True)
    optimizer = optim.SGD({"p": tensor}, lr=0.1, momentum=0.8)
    for _ in range(5):
        p, v = solution.momentum_step(p, 2 * p, v, 0.1, 0.8)
        optimizer.zero_grad()
        (tensor * tensor).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(p, tensor.array, rtol=1e-12)


def test_fit_is_adam():
    start = check.eight_points(None)
    loss, weights = start.pop("loss"), list(start.values())
    losses = solution.fit(weights, loss, 20, 0.05)
    start = check.eight_points(None)
    loss = start.pop("loss")
    optimizer, expected = optim.Adam(start, lr=0.05, eps=1e-8), []
    for _ in range(20):
        optimizer.zero_grad()
        now = loss()
        expected.append(now.item())
        now.backward()
        optimizer.step()
    np.testing.assert_allclose(losses, expected, rtol=1e-9)


def test_the_examples_of_the_text():
    p, m, s = solution.adam_step(1.0, 2.0, 0.0, 0.0, 1, 0.1, 0.9, 0.99, 0.0)
    np.testing.assert_allclose((p, m, s), (0.9, 0.2, 0.04))
    p, m, s = solution.adam_step(p, 1.0, m, s, 2, 0.1, 0.9, 0.99, 0.0)
    np.testing.assert_allclose((p, m, s), (0.8067, 0.28, 0.0496), atol=5e-5)
    assert solution.best_epoch([0.9, 0.5, 0.6, 0.4, 0.5, 0.7], 2) == (3, 5)


@pytest.mark.parametrize(("n", "held_out"), [(10, 3), (50, 20), (2, 1)])
def test_a_split_has_every_row_once(n, held_out):
    training, validation = solution.split(n, held_out, 1)
    assert len(validation) == held_out
    assert sorted([*training, *validation]) == list(range(n))


def test_the_curves_are_as_the_text_says():
    runs = {name: figures.with_momentum(lr) for name, lr in figures.RATES.items()}
    falls = {name: (np.diff(run) < 0).mean() for name, run in runs.items()}
    assert falls["B"] == 1 and falls["A"] < 0.75 < falls["D"] and runs["C"][-1] > 2
    assert (
        solution.diagnose(runs["B"]) == "too small"
        and solution.diagnose(runs["D"]) == "fine"
    )
    training, validation = figures.halves()
    assert solution.best_epoch(validation, 400) == (44, 399)
    np.testing.assert_allclose(
        [training[-1], validation[44], validation[-1]], [0.02, 0.12, 0.26], atol=5e-3
    )


def test_a_smooth_curve_is_adams_corrected_mean():
    losses, m = [3.0, 1.0, -2.0], 0.0
    for t, found in enumerate(solution.smooth(losses, 0.9), 1):
        _, m, _ = solution.adam_step(0.0, losses[t - 1], m, 0.0, t, 0.1, 0.9)
        assert found == pytest.approx(m / (1 - 0.9**t))
