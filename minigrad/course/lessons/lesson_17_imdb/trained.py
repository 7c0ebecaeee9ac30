"""Make the objects of lesson 17's questions: networks, an optimizer, batches and sets of reviews."""

import numpy as np

import minigrad as mg
from layers import Embedding, Layer
from minigrad.course.checking.answers import described_input
from minigrad.course.lessons.lesson_17_imdb import reader
from optim import SGD


def array(ids):
    """Return ids as an array of the same type on all platforms that index with it."""
    return np.array(ids, np.intp)


class Example(reader.Reader):
    """A network whose numbers can be worked out by hand. Instead of an RNN, it adds up the vectors."""

    def __init__(self, table, weights=(1.0,), curve=lambda z: z):
        Layer.__init__(self)
        self.embedding = Embedding(*np.shape(table))
        self.embedding.table.array = np.array(table, float)
        self.rnn = lambda vectors: vectors.sum(axis=1)
        self.head = lambda state: curve((state * np.array(weights)).sum(axis=1, keepdims=True))


def example():
    model = Example([[0.5, 0.5], [2.0, -1.0], [0.5, 1.0]], [0.5, 0.75], mg.tanh)
    model.__doc__ = (
        "the text's example: logit = tanh(sum of 0.5 and 0.75 times the vectors); the vectors of the words 0, 1, 2 "
        "are [0.5, 0.5], [2, -1], [0.5, 1]"
    )
    return model


def with_parts(*parts):
    """Return a network in which each word adds its part to the logit, wherever it is."""
    model = Example([[part] for part in parts])
    listed = ", ".join(f"{part:g}" for part in parts)
    model.__doc__ = (
        f"a network in which the words 0 to {len(parts) - 1} always have the parts {listed}"
    )
    return model


def by_time(head=2):
    """Return a network in which a word's part depends on its position."""
    model = reader.in_float64(reader.Reader(4, 1, 1, fused=None))
    arrays = {"embedding.table": [[0], [0.5], [-1], [1]], "rnn.cell.W_xh": [[1]], "rnn.cell.W_hh": [[0.5]],
              "rnn.cell.b_h": [0], "head.W": [[head]], "head.b": [0]}  # fmt: skip
    for name, tensor in model.named_parameters().items():
        tensor.array = np.array(arrays[name], float)
    model.__doc__ = (
        "h_t = tanh(x_t + 0.5·h_{t-1}), h before the first word is 0, "
        f"logit = {head:g}·h after the last word; x_t = 0, 0.5, -1, 1 for the words 0, 1, 2, 3"
    )
    return model


def small(seed=0):
    """Return a small network with random weights."""
    mg.seed(seed)
    model = reader.in_float64(reader.Reader(6, 3, 4, fused=None))
    model.embedding.table.array = model.embedding.table.array * 20
    model.__doc__ = "a Reader with 6 words, D = 3, H = 4 and random weights"
    return model


def trained(which):
    model = reader.load(which)
    model.__doc__ = f'the lesson\'s trained network "{which}"'
    return model


class Plain(SGD):
    def __str__(self):
        return f"SGD with the learning rate {self.lr:g}"


def watched(model):
    """Make a network keep the ids and the logits of each call, for `losses`."""
    model.calls, forward = [], model.forward

    def keep(ids):
        logits = forward(ids)
        model.calls.append((ids, np.array(logits.array)))
        return logits

    def losses(batches, _):
        found = {}
        for number, (ids, logits) in enumerate(model.calls):
            epoch, n = divmod(number, len(batches))
            if ids is not batches[n][0]:
                break
            signs = 2 * np.asarray(batches[n][1]) - 1
            found[f"loss {n + 1} of epoch {epoch + 1}"] = np.log1p(np.exp(-signs * logits)).mean()
        return found

    model.forward, model.losses = keep, losses
    return model


class Turning:
    """Batches that come in the opposite order at every second pass."""

    def __init__(self, batches):
        self._batches, self._passes = batches, 0

    def __iter__(self):
        self._passes += 1
        return iter(self._batches[:: 1 if self._passes % 2 else -1])

    def __len__(self):
        return len(self._batches)

    def __str__(self):
        return f"{described_input(self._batches)} in the first epoch, in the opposite order in the second"


def one_word_each(words, labels, epochs, rate=1.0, turning=False):
    """Batches of reviews with one word each. The word's only number is the logit. A number in place
    of a list is a batch of one review.
    """

    def given(file):
        model = watched(Example([[0.0]] * 3))
        model.__doc__ = (
            "logit = one number for each word, the sum over the words; all numbers start at 0"
        )
        batches = [
            (array(np.reshape(word, (-1, 1))), array(np.ravel(label)))
            for word, label in zip(words, labels, strict=True)
        ]
        return {
            "model": model,
            "sgd": Plain(model.named_parameters(), lr=rate),
            "batches": Turning(batches) if turning else batches,
            "epochs": epochs,
        }

    return given


def twelve(epochs):
    """Twelve reviews in batches of four. The reviews with a 3 are good."""

    def given(file):
        model = watched(small())
        ids = np.random.default_rng(0).integers(1, 6, (12, 5)).astype(np.intp)
        labels = (ids == 3).any(axis=1).astype(np.intp)
        batches = [(ids[at : at + 4], labels[at : at + 4]) for at in (0, 4, 8)]
        return {
            "model": model,
            "sgd": Plain(model.named_parameters(), lr=0.5),
            "batches": batches,
            "epochs": epochs,
        }

    return given


def many_forgotten(file):
    """Twelve reviews, and two networks with random parts."""
    rng = np.random.default_rng(3)
    full, truncated = (with_parts(*rng.normal(size=10).round(2)) for _ in range(2))
    rows = [rng.permutation(9)[:5] + 1 for _ in range(12)]
    return {
        "full": full,
        "truncated": truncated,
        "rows": array([[0] * (t % 4) + row.tolist()[: 5 - t % 4] for t, row in enumerate(rows)]),
    }


def many_leaks(file):
    """Thirty sets of seven reviews. One word is the best, even with other ways to count."""
    rng, found = np.random.default_rng(4), []
    while len(found) < 30:
        ids = np.sort(rng.integers(0, 7, (7, 4)), axis=1)
        ids[0] = rng.integers(1, 7)
        good = rng.permutation(7) < rng.integers(2, 6)
        has = (ids == np.arange(1, 7)[:, None, None]).any(axis=2)
        g, b = has[:, good].sum(axis=1), has[:, ~good].sum(axis=1)
        n, m = good.sum(), (~good).sum()
        scores = np.array(
            [np.maximum(g + m - b, b + n - g), abs(g / n - b / m), abs(g - b), np.maximum(g, b)]
        )
        first = np.sort(scores.round(6), axis=1)
        if (first[:, -1] > first[:, -2]).all():
            found.append((ids, good))
    sets, labels = zip(*found, strict=True)
    return {"sets": array(sets), "labels": array(labels)}
