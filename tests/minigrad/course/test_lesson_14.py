"""Lesson 14's solution against dials turned by finite differences, the engine, and counts."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_14_imdb import experiment, reader, solution
from minigrad.data import Batches
from optim import SGD

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
    losses = solution.train(
        model, SGD(model.named_parameters(), lr=0.5), Batches(ids, labels, batch_size=2), 1
    )
    loss = mg.log(mg.exp(twin(ids) * [-1.0, 1.0]) + 1.0).mean()
    assert losses == pytest.approx([loss.item()])
    before = twin.named_parameters()
    for name, gradient in zip(before, mg.grad(loss, list(before.values())), strict=True):
        expected = before[name].array - 0.5 * gradient.array
        np.testing.assert_allclose(model.named_parameters()[name].array, expected, atol=1e-9)


@pytest.mark.parametrize(("word", "label"), [(300, 1), (45, 0)])
def test_leak_finds_what_was_planted(word, label):
    some = reader.reviews().train[:1000]
    assert solution.leak(reader.planted(some, word, often=0.7, label=label), some.labels) == word


def test_the_text_says_what_the_trained_networks_do():
    models = {which: reader.load(which) for which in reader.REACHES}
    ids = TEST.ids[experiment.REVIEW]
    at = solution.forgotten(models["full"], models["truncated"], ids)
    assert (at, reader.reviews().vocabulary[ids[at]]) == (18, "bad")
    said = [
        (model(ids[None]).item(), solution.word_parts(model, ids)[at]) for model in models.values()
    ]
    np.testing.assert_allclose(said, [(-0.65, -1.49), (0.10, -0.21)], atol=0.005)


def test_no_word_tells_the_label_by_itself_and_stars_do():
    train, vocabulary = reader.reviews().train, reader.reviews().vocabulary
    word = solution.leak(train.ids, train.labels)
    right = np.mean((train.ids == word).any(axis=1) == train.labels)
    assert max(right, 1 - right) < 0.55
    good = {
        star: train.labels[(train.ids == vocabulary.encode(star)[-1]).any(axis=1)].mean()
        for star in ("1", "7", "8")
    }
    assert good == pytest.approx({"1": 0.21, "7": 0.88, "8": 0.88}, abs=0.005)
