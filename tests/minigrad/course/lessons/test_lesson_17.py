"""Lesson 17's solution against dials turned by finite differences, the engine, and counts."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_17_imdb import experiment, reader, solution
from minigrad.data import Batches
from optim import SGD

from ..conftest import alike

TEST = reader.reviews().test


@pytest.mark.parametrize(
    ("which", "review"),
    [("full", experiment.REVIEW), ("truncated", experiment.REVIEW), ("full", 7)],
)
def test_word_parts_are_the_slopes_of_dials(which, review):
    model, ids = reader.load(which), TEST.ids[review]
    vectors = model.embedding(ids[None]).array

    def logit(dials):
        return model.head(model.rnn(mg.Tensor(vectors * dials[:, None]))).array.item()

    step = 1e-5 * np.eye(len(ids))
    measured = [(logit(1 + one) - logit(1 - one)) / 2e-5 for one in step]
    np.testing.assert_allclose(solution.word_parts(model, ids), measured, atol=1e-8)


def test_a_step_of_train_is_sgd_by_hand():
    model, twin = (reader.in_float64(reader.Reader(6, 2, 3)) for _ in range(2))
    twin.load_state_dict(model.state_dict())
    ids, labels = np.array([[1, 2, 3], [0, 4, 5]]), np.array([1, 0])
    parameters = twin.named_parameters()
    loss = mg.log(mg.exp(twin(ids) * [-1.0, 1.0]) + 1.0).mean()
    gradients = mg.grad(loss, list(parameters.values()))
    sgd = SGD(model.named_parameters(), lr=0.5)
    losses = solution.train(model, sgd, Batches(ids, labels, batch_size=2), 1)
    assert losses == pytest.approx([loss.item()])
    expected = [
        one.array - 0.5 * gradient.array
        for one, gradient in zip(parameters.values(), gradients, strict=True)
    ]
    alike([one.array for one in model.named_parameters().values()], expected, 1e-9)


@pytest.mark.parametrize(("word", "label"), [(300, 1), (45, 0)])
def test_leak_finds_what_was_planted(word, label):
    some = reader.reviews().train[:1000]
    assert (
        solution.leak(reader.planted(some, word, often=0.7, label=label), some.labels)
        == word
    )


def test_the_stretch_tasks_agree_with_counts_and_logits():
    right = np.random.default_rng(0).binomial(900, 0.8, 20_000) / 900
    np.testing.assert_allclose(
        solution.interval(0.8, 900), np.quantile(right, [0.025, 0.975]), atol=3e-3
    )
    model, ids = reader.load("full"), TEST.ids[experiment.REVIEW]
    other = np.where(np.arange(40) == 18, 2, ids)
    fall = model(ids[None]).item() - model(other[None]).item()
    assert solution.erased(model, ids, 2)[18] == pytest.approx(fall)
