"""Lesson 17, solved."""

import numpy as np

import minigrad as mg


def train(model, optimizer, batches, epochs):
    means = []
    for _ in range(epochs):
        losses = []
        for ids, labels in batches:
            loss = mg.binary_cross_entropy(model(ids), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(np.mean(losses))
    return means


def word_parts(model, ids):
    vectors = mg.Tensor(model.embedding(ids[None]).array, requires_grad=True)
    logit = model.head(model.rnn(vectors)).sum()
    (slope,) = mg.grad(logit, [vectors])
    return (vectors.array * slope.array)[0].sum(axis=1)


def forgotten(full, truncated, ids):
    lost = abs(word_parts(full, ids)) - abs(word_parts(truncated, ids))
    return np.where(ids == 0, -np.inf, lost).argmax()


def leak(ids, labels):
    words, scores = np.unique(ids[ids != 0]), []
    for word in words:
        right = np.mean((ids == word).any(axis=1) == (labels == 1))
        scores.append(max(right, 1 - right))
    return words[np.argmax(scores)]


def shuffled(ids, rng):
    mixed = ids.copy()
    for row in mixed:
        words = row[row != 0]
        row[len(row) - len(words) :] = rng.permutation(words)
    return mixed


def interval(accuracy, count):
    error = 1.96 * np.sqrt(accuracy * (1 - accuracy) / count)
    return accuracy - error, accuracy + error


def erased(model, ids, unknown):
    found = []
    for t in range(len(ids)):
        without = ids.copy()
        without[t] = unknown
        found.append(model(ids[None]).item() - model(without[None]).item())
    return found
