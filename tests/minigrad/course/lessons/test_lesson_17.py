"""Lesson 17: its training step by hand, its leaks planted, its stretch tasks by counts and logits. Its
check compares `word_parts` with finite differences.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_17_imdb import experiment, reader, solution
from minigrad.data import Batches
from optim import SGD

from ..conftest import alike


def test_train_is_sgd_by_hand():
    model = reader.in_float64(reader.Reader(6, 2, 3))
    parameters = model.named_parameters()
    before = [one.array.copy() for one in parameters.values()]
    ids, labels = np.array([[1, 2, 3], [0, 4, 5]]), np.array([1, 0])
    loss = mg.log(mg.exp(model(ids) * [-1.0, 1.0]) + 1.0).mean()
    gradients = mg.grad(loss, list(parameters.values()))
    batches = Batches(ids, labels, batch_size=2)
    losses = solution.train(
        model,
        SGD(parameters, lr=0.5),
        batches,
        1,
    )
    alike(losses, [loss])
    for one, start, gradient in zip(parameters.values(), before, gradients, strict=True):
        alike(one, start - 0.5 * gradient.array)


@pytest.mark.parametrize(
    ("word", "label"),
    [(300, 1), (45, 0)],
)
def test_leak_finds_the_planted_word(word, label):
    some = reader.reviews().train[:1000]
    ids = reader.planted(some, word, often=0.7, label=label)
    assert solution.leak(ids, some.labels) == word


def test_interval_contains_95_percent_of_the_counts():
    right = (
        np.random.default_rng(0).binomial(
            900,
            0.8,
            20_000,
        )
        / 900
    )
    expected = np.quantile(right, [0.025, 0.975])
    alike(solution.interval(0.8, 900), list(expected), 3e-3)


def test_erased_is_the_fall_of_the_logit():
    ids = reader.reviews().test.ids[experiment.REVIEW]
    model, other = reader.load("full"), ids.copy()
    other[18] = 2
    fall = model(ids[None]).item() - model(other[None]).item()
    alike(
        solution.erased(model, ids, 2)[18],
        fall,
        1e-6,
    )
