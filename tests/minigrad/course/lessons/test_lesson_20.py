"""Lesson 20: its functions against the engine's, and its networks and page against the text. Its check
compares the gradients with nudges.
"""

import re
import time
from functools import partial

import numpy as np
import pytest

import minigrad as mg
from layers import AveragePool2d, MaxPool2d
from minigrad.course.lessons.lesson_20_convolution import (
    check,
    exercise,
    solution,
    trained,
)

from ..conftest import alike, engine, normal


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_convolution_is_the_engines(stride, padding):
    x, kernel = normal((2, 7, 8), (3, 2))
    dz, z, (dx, dkernel) = engine(
        lambda x, kernel: mg.conv(
            x[:, None],
            kernel[None, None],
            stride,
            padding,
        )[:, 0],
        x,
        kernel,
    )
    padded = solution.pad(x, padding)
    alike(solution.convolve(padded, kernel, stride), z)
    found = solution.image_gradient(dz, kernel, padded.shape, stride)
    alike(
        found[:, padding:, padding:][:, :7, :8],
        dx,
    )
    alike(solution.kernel_gradient(dz, padded, (3, 2), stride), dkernel)
    rows = solution.output_size(7, 3, stride, padding)
    assert z.shape[1:] == (
        rows,
        solution.output_size(8, 2, stride, padding),
    )


@pytest.mark.parametrize("size", [1, 2, 3])
def test_max_pool_is_that_of_layers(size):
    x = check.steps(size, 2, 3, 7, 8)  # with ties
    dz, z, gradients = engine(MaxPool2d(size), x)
    alike(solution.max_pool(x, size), z)
    alike([solution.max_pool_backward(dz, x, size)], gradients)
    alike(solution.average_pool(x, size), AveragePool2d(size)(x))


def test_as_matrix_computes_the_convolution():
    kernel, x = normal((2, 3), (6, 7))
    product = solution.as_matrix(kernel, x.shape, 2) @ x.reshape(-1)
    alike(product, solution.convolve(x, kernel, 2).reshape(-1))


def test_wrong_function_is_the_first_one(monkeypatch, capsys):
    assert trained.wrong_function(solution) == ""
    monkeypatch.setattr(
        solution,
        "max_pool",
        lambda x, size: x[..., ::size, ::size],
    )
    with pytest.raises(ValueError, match="because max_pool is not right yet"):
        check.training(solution)["learns"]()
    trained.run(solution)
    message = "max_pool is not right yet. Run minigrad course check 20.\n"
    assert capsys.readouterr().out == message
    monkeypatch.setattr(solution, "pad", exercise.pad)
    assert trained.wrong_function(solution) == "pad is not written yet"


def test_train_keeps_random_filters():
    network, before, _, _ = trained.train(
        trained.ENGINE,
        learns=False,
        steps=2,
    )
    np.testing.assert_array_equal(network.kernels.array, before)


def test_fooled_changes_each_pixel_by_at_most_a_nudge():
    images, labels = trained.digits()[1]
    network, _, _, _ = trained.train(trained.ENGINE, steps=2)
    changed = trained.fooled(network, images, labels)
    assert np.abs(changed - images).max() < trained.NUDGE + 1e-9


@pytest.mark.parametrize(("least", "slow"), [(0.9, False), (1.1, True)])
def test_is_slow_compares_the_least_of_three_steps(monkeypatch, least, slow):
    # the clock after each step: the learner's, then the engine's
    learners = [0.0, 50.0, 55.0, 55.0 + least, 60.0]
    engines = [0.0, 7.0, 7.1, 7.3, 7.5]
    seconds = iter(learners + engines)
    monkeypatch.setattr(time, "perf_counter", lambda: next(seconds))
    assert trained.is_slow(trained.ENGINE) is slow


def test_run_prints_the_numbers_of_the_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trained, "SEEDS", 1)
    monkeypatch.setattr(trained, "SLOW", 0)
    trained.run(solution)
    printed = capsys.readouterr().out
    assert "The engine's functions train" in printed
    found = [float(share) for share in re.findall(r"([\d.]+)%", printed)]
    without, _, fixed, _, learned, _, _, fooled = found
    assert without > 93
    assert 85 < fixed < 94 < learned
    assert 40 <= fooled < 50
    drawn = (tmp_path / "lesson_20_filters.svg").read_text()
    assert "filter 3, trained" in drawn


def test_page_marks_what_differs(tmp_path, monkeypatch):
    path, right = tmp_path / "page.html", solution.image_gradient
    monkeypatch.setattr(trained, "train", partial(trained.train, steps=2))

    def drawn(failed):
        check.page(solution, path, failed)
        return path.read_text()

    passed = drawn(None)
    assert "A pixel whose gradient" in passed
    assert "The frames mark the numbers" not in passed

    def wrong(dz, *rest):
        return right(dz, *rest) * (np.arange(4) != 1)

    monkeypatch.setattr(solution, "image_gradient", wrong)
    assert drawn("image_gradient").count('class="mark"') == 2  # yours and the right one
    assert drawn("pad") == ""  # nothing differs
