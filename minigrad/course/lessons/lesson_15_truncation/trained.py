"""The trained network of lesson 15. It reads T = 40 words, has 16 numbers for each word, a
recurrent layer with H = 32, and two outputs.

    python -m minigrad.course.lessons.lesson_15_truncation.trained     trains it again, in a few seconds

Its vocabulary is the 1,000 most common words. It classifies about 75% of the test reviews
correctly.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential, gradients, outputs
from minigrad.data import Batches, load_imdb

WEIGHTS = Path(__file__).with_name("weights.safetensors")
VOCABULARY = 1000


def network():
    """Return the untrained network."""
    mg.seed(0)
    return Sequential(Embedding(VOCABULARY, 16), RNN(16, 32), Dense(32, 2))


def load():
    """Return the trained network, in float64."""
    model = network()
    model.load_state_dict(mg.load(WEIGHTS))
    for parameter in model.named_parameters().values():
        parameter.array = parameter.array.astype(float)
    return model


@lru_cache
def reviews(count=256):
    """Return the last 40 words of the first `count` test reviews as ids (count, 40), and their
    labels (count,).
    """
    test = load_imdb(vocabulary_size=VOCABULARY).test[:count]
    return test.ids, test.labels


def full_backward(model, ids, labels):
    """Run full backpropagation. Return (dhs, hs, h0): dL/dh_t (T, B, H), the states h_t (T, B, H),
    and the initial state, zeros (B, H).
    """
    name = "rnn.cell.h"
    dhs, hs = gradients(model, ids, labels, [name])[name], outputs(model, ids, [name])[name]
    return dhs.swapaxes(0, 1), hs.swapaxes(0, 1), np.zeros_like(hs[:, 0])


def truncated_gradient(truncated, k, model, ids, labels):
    """Return dL/dW_hh (H, H) when truncated(cell, xs, h0, k) reads the words."""
    parts = model.named_layers()
    cell, xs = parts["rnn.cell"], [parts["embedding"](ids[:, t]) for t in range(ids.shape[1])]
    states = truncated(lambda x, h: cell(x, h)[1], xs, cell.initial_state(len(ids)), k)
    loss = mg.softmax_cross_entropy(parts["dense"](states[-1]), labels)
    return mg.grad(loss, [cell.W_hh])[0].array


if __name__ == "__main__":
    from optim import Adam, Trainer

    data, model = load_imdb(vocabulary_size=VOCABULARY), network()
    trainer = Trainer(model, mg.softmax_cross_entropy, Adam(model.named_parameters(), lr=1e-3))
    trainer.fit(Batches(data.train.ids, data.train.labels, seed=0), epochs=3)
    mg.save(WEIGHTS, model.state_dict())
    guesses = outputs(model, data.test.ids, [""])[""].argmax(axis=1)
    print(f"test accuracy {(guesses == data.test.labels).mean():.3f}")
