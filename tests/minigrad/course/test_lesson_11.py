"""Lesson 11's solution against the engine, gradient_flow, powers of matrices and optim's clipping."""

import math
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential, gradient_flow, gradients, outputs
from minigrad.course import feedback
from minigrad.course.grade import grade
from minigrad.course.lesson import lesson
from minigrad.course.lessons.lesson_11_vanishing import solution
from optim import clip_gradients

rng = np.random.default_rng(11)


@pytest.mark.parametrize(("B", "H"), [(1, 4), (3, 2)])
def test_a_step_back_is_the_engines(B, H):
    a, W, dh = (mg.Tensor(rng.normal(size=shape), requires_grad=True) for shape in ((B, H), (H, H), (B, H)))
    before = mg.Tensor(rng.normal(size=(B, H)), requires_grad=True)
    h = mg.tanh(a + before @ W)
    h.backward(dh.array)
    assert before.grad is not None
    np.testing.assert_allclose(solution.step_back(dh.array, h.array, W.array), before.grad, rtol=1e-12)


def test_the_flow_is_that_of_a_recorded_network():
    mg.seed(3)
    model = Sequential(Embedding(9, 4), RNN(4, 5), Dense(5, 2))
    ids, labels = rng.integers(0, 9, (6, 10)), rng.integers(0, 2, 6)
    hs = outputs(model, ids, ["rnn.cell.h"])["rnn.cell.h"].swapaxes(0, 1)
    dh = gradients(model, ids, labels, ["rnn.cell.h"])["rnn.cell.h"][:, -1]
    found = solution.flow(dh, hs, model.named_parameters()["rnn.cell.W_hh"].array)
    np.testing.assert_allclose(found, gradient_flow(model, (ids, labels))["rnn.cell.h"], rtol=1e-4)


def test_the_decay_is_the_growth_of_powers():
    for H in (2, 5):
        W = rng.normal(size=(H, H))
        left = np.linalg.matrix_power(W / solution.decay(W), 1000)  # Gelfand's formula: of size 1, to the 1000th root
        assert np.linalg.norm(left) ** (1 / 1000) == pytest.approx(1, abs=5e-3)
    assert solution.decay(np.array([[0.0, -2.0], [2.0, 0.0]])) == pytest.approx(2)  # turns by 90 degrees


def test_reach_is_the_first_step_below():
    for factor, share in ((0.63, 0.01), (0.9, 0.5), (0.2, 0.1)):
        n = solution.reach(factor, share)
        assert factor**n < share <= factor ** (n - 1)
    assert solution.reach(1.0, 0.01) == solution.reach(1.2, 0.01) == math.inf


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_is_that_of_optim(max_norm):
    tensors = {name: mg.Tensor(np.ones(shape), requires_grad=True) for name, shape in (("a", (3,)), ("b", (2, 2)))}
    arrays = [rng.normal(size=tensor.shape) for tensor in tensors.values()]
    for tensor, array in zip(tensors.values(), arrays, strict=True):
        (tensor * array).sum().backward()
    clip_gradients(tensors, max_norm)
    for tensor, found in zip(tensors.values(), solution.clip(arrays, max_norm), strict=True):
        assert tensor.grad is not None
        np.testing.assert_allclose(found, tensor.grad, rtol=1e-12)


def test_gradients_that_are_all_zero_are_clipped_to_zero():
    assert [g.tolist() for g in solution.clip([np.zeros(2), np.zeros(1)], 1.0)] == [[0.0, 0.0], [0.0]]


def test_a_clip_that_forgets_to_return_is_asked_whether_it_does():
    one = lesson(11)
    text = one.read("solution.py") + (
        "\nright = clip\n"
        "def clip(gradients, max_norm):\n"
        "    if max(abs(g).max() for g in gradients) > 0.01:\n"
        "        return right(gradients, max_norm)\n"
    )
    verdict = grade(one, Path(one.file), text)
    assert "Does it always return its result?" in " ".join(feedback.lines(verdict, 1))
