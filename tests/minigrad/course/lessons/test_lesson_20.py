"""Lesson 20's solution against the engine's layers, finite differences, and numbers by hand."""

import time

import numpy as np
import pytest

import minigrad as mg
from layers import AveragePool2d, Conv2d, MaxPool2d
from minigrad.course.lessons.lesson_20_convolution import (
    check,
    exercise,
    solution,
    trained,
)

from ..conftest import alike, engine

rng = np.random.default_rng(20)
numbers = rng.normal


def test_the_numbers_of_the_text():
    x, kernel, dz = (
        np.array([[1.0, 2, 5, 3]]),
        np.array([[-1.0, 1]]),
        np.array([[1.0, 0, 2]]),
    )
    alike([solution.convolve(x, kernel, 1)], [[[1, 3, -2]]])
    alike([solution.kernel_gradient(dz, x, (1, 2), 1)], [[[11, 8]]])
    dx = solution.image_gradient(np.array([[1.0, 3, 2]]), kernel, (1, 4), 1)
    alike([dx], [[[-1, -2, 1, 2]]])
    assert solution.output_size(10, 3, 2, 1) == 5
    pooled = solution.max_pool(np.array([[1.0, 3, 2, 0], [4, 2, 1, 5]]), 2)
    alike([pooled], [[[4, 5]]])
    counts = solution.image_gradient(np.ones((3, 3)), np.ones((2, 2)), (4, 4), 1)
    alike([counts], [[[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]])


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_convolution_is_that_of_layers(stride, padding):
    x, kernel = numbers(size=(2, 7, 8)), numbers(size=(3, 2))
    layer = Conv2d(1, 1, (3, 2), stride, padding, bias=False)
    layer.W.array = kernel[None, None]
    image = mg.Tensor(x[:, None], requires_grad=True)
    z = layer(image)
    dz = numbers(size=z.shape)
    dx, dkernel = mg.grad(z, [image, layer.W], upstream=dz)
    padded = solution.pad(x, padding)
    rows, columns = slice(padding, padding + 7), slice(padding, padding + 8)
    found = solution.image_gradient(dz[:, 0], kernel, padded.shape, stride)
    alike(
        [solution.convolve(padded, kernel, stride), found[:, rows, columns],
         solution.kernel_gradient(dz[:, 0], padded, (3, 2), stride)],
        [z.array[:, 0], dx.array[:, 0], dkernel.array[0, 0]],
    )  # fmt: skip
    assert z.shape[2:] == tuple(
        solution.output_size(n, size, stride, padding) for n, size in ((7, 3), (8, 2))
    )


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pooling_is_that_of_layers(size):
    x = check.steps(size, 2, 3, 7, 8)  # with ties
    dz = numbers(size=(2, 3, 7 // size, 8 // size))
    z, (dx,) = engine(MaxPool2d(size), dz, x)
    alike(
        [solution.max_pool(x, size), solution.max_pool_backward(dz, x, size)], [z, dx]
    )
    alike([solution.average_pool(x, size)], [AveragePool2d(size)(x).array])


def test_a_gradient_is_the_slope_after_a_nudge():
    kernel, x, dz = numbers(size=(2, 3)), numbers(size=(5, 6)), numbers(size=(2, 2))
    slopes = check.nudged(
        lambda x: (dz * solution.convolve(x, kernel, 2)).sum(), x.shape
    )
    alike([slopes], [solution.image_gradient(dz, kernel, x.shape, 2)])
    slopes = check.nudged(
        lambda k: (dz * solution.convolve(x, k, 2)).sum(), kernel.shape
    )
    alike([slopes], [solution.kernel_gradient(dz, x, kernel.shape, 2)])


def test_the_matrix_computes_the_convolution():
    kernel, x = numbers(size=(2, 3)), numbers(size=(6, 7))
    product = solution.as_matrix(kernel, x.shape, 2) @ x.reshape(-1)
    alike([product], [solution.convolve(x, kernel, 2).reshape(-1)])


def test_the_first_wrong_function_is_found(monkeypatch, capsys):
    assert (
        trained.wrong_function(solution) == trained.wrong_function(trained.ENGINE) == ""
    )
    monkeypatch.setattr(solution, "max_pool", lambda x, size: x[..., ::size, ::size])
    with pytest.raises(ValueError, match="because max_pool is not right yet"):
        check.training(solution)["learns"]()
    trained.run(solution)
    assert (
        capsys.readouterr().out
        == "max_pool is not right yet. Run minigrad course check 20.\n"
    )
    monkeypatch.setattr(solution, "pad", exercise.pad)
    assert trained.wrong_function(solution) == "pad is not written yet"


def test_trained_filters_move_and_are_better_than_random_ones():
    network, before, loss, accuracy = trained.train(solution)
    fixed, same, higher, random_accuracy = trained.train(solution, learns=False)
    assert (np.abs(network.kernels.array - before).max(axis=(1, 2)) > 0.3).all()
    np.testing.assert_array_equal(fixed.kernels.array, same)
    assert loss < higher / 2 and accuracy > 0.94 > random_accuracy > 0.85
    images, labels = trained.digits()[1]
    assert trained.without_filters(0).accuracy(images, labels) > 0.93
    changed = trained.fooled(network, images, labels)
    assert np.abs(changed - images).max() < trained.NUDGE + 1e-9
    assert network.accuracy(changed, labels) < 0.6


def test_slow_functions_are_noticed(monkeypatch):
    seconds = iter([0.0, 5.0, 5.01, 6.0, 6.0, 7.0])  # the first step does not count
    monkeypatch.setattr(time, "perf_counter", lambda: next(seconds))
    assert [trained.is_slow(trained.ENGINE) for _ in range(2)] == [False, True]


def test_the_script_prints_the_numbers_of_the_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trained, "SEEDS", 1)
    monkeypatch.setattr(trained, "SLOW", 0)
    trained.run(solution)
    told = capsys.readouterr().out
    assert "The engine's functions train" in told and "random filters: 9" in told
    assert "after a change of at most 0.1 in each pixel: 4" in told
    assert "filter 3, trained" in (tmp_path / "lesson_20_filters.svg").read_text()


def test_a_page_marks_what_differs(tmp_path, monkeypatch):
    right = solution.image_gradient
    page = tmp_path / "page.html"
    check.page(solution, page, None)
    assert (
        "The frames mark the numbers" not in page.read_text()
        and "A pixel whose gradient" in page.read_text()
    )
    wrong = lambda dz, *rest: right(dz, *rest) * (np.arange(4) != 1)  # noqa: E731
    monkeypatch.setattr(solution, "image_gradient", wrong)
    check.page(solution, page, "image_gradient")
    assert page.read_text().count('class="mark"') == 2  # in yours and in the right one
    check.page(solution, page, "pad")
    assert not page.read_text()  # nothing differs
