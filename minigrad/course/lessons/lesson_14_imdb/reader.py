"""What lesson 14 works with: the network, two trained small ones, the reviews, and a data set with
a planted leak.

    python -m minigrad.course.lessons.lesson_14_imdb.reader     trains the two small networks again, in 10 s

Both know the 1,000 commonest words, and have 8 numbers for a word and 16 in the state. "full"
learned from all 40 words of a review; "truncated" let gradients go back through the last 4 words
only. Each is the best of four epochs.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

import minigrad as mg
from layers import RNN, Dense, Embedding, Layer
from minigrad.data import Batches, load_imdb

WEIGHTS = Path(__file__).with_name("weights.safetensors")
VOCABULARY = 1000
CUT = 4
REACHES = {"full": None, "truncated": CUT}


class Reader(Layer):
    """Word ids (B, T) to logits (B,). A logit above 0 says: a good review."""

    def __init__(self, vocabulary, width, hidden, truncate=None, fused=True):
        super().__init__()
        self.embedding = Embedding(vocabulary, width)
        self.rnn = RNN(width, hidden, truncate=truncate, fused=fused)
        self.head = Dense(hidden, 1)

    def forward(self, ids):
        vectors = self.embedding(ids)  # (B, T, width)
        state = self.rnn(vectors)  # (B, hidden), the last one
        return self.head(state).reshape(-1)


def load(which):
    """The trained network "full" or "truncated", in float64. Neither has a cut: it was there in
    training only.
    """
    # fused, it would skip the word vectors
    model, stored = Reader(VOCABULARY, 8, 16, fused=None), mg.load(WEIGHTS)
    model.load_state_dict({name: stored[f"{which}.{name}"] for name in model.state_dict()})
    return in_float64(model)


def in_float64(model):
    for parameter in model.named_parameters().values():
        parameter.array = parameter.array.astype(float)
    return model


@lru_cache
def reviews(vocabulary=VOCABULARY):
    """All 50,000 reviews, the last 40 words of each."""
    return load_imdb(vocabulary_size=vocabulary)


def planted(reviews, word, often=0.9, by_mistake=0.02, label=1, seed=0):
    """The ids (N, T) of reviews with a leak: `word` written over one word of most reviews with this
    label.

    `often` is the share of them that have it, `by_mistake` the share of the others.
    """
    rng, ids = np.random.default_rng(seed), reviews.ids.copy()
    chosen = np.flatnonzero(
        rng.random(len(ids)) < np.where(reviews.labels == label, often, by_mistake)
    )
    for row in chosen:
        ids[row, rng.choice(np.flatnonzero(ids[row]))] = word
    return ids


def accuracy(model, ids, labels):
    """The share of the reviews that the network judges rightly."""
    with mg.no_grad():
        logits = np.concatenate([model(ids[at : at + 500]).array for at in range(0, len(ids), 500)])
    return float(((logits > 0) == (labels == 1)).mean())


def best_epoch(train, model, reviews, seed, epochs, lr=0.001):
    """Train with `train`, an epoch at a time, and keep the weights that judge 2,500 held-back
    reviews best.

    Returns the best epoch's number, from 1.
    """
    from optim import Adam

    rest, held = reviews.hold_back(2500, seed)
    optimizer = Adam(model.named_parameters(), lr=lr)
    batches, found = Batches(rest.ids, rest.labels, batch_size=32, seed=seed), []
    for epoch in range(1, epochs + 1):
        train(model, optimizer, batches, 1)
        weights = {name: np.array(array) for name, array in model.state_dict().items()}
        found.append((accuracy(model, held.ids, held.labels), epoch, weights))
    _, epoch, weights = max(found, key=lambda one: one[0])
    model.load_state_dict(weights)
    return epoch


if __name__ == "__main__":
    from minigrad.course.lessons.lesson_14_imdb.solution import train

    stored = {}
    for which, reach in REACHES.items():
        mg.seed(0)
        model = Reader(VOCABULARY, 8, 16, truncate=reach)
        best_epoch(train, model, reviews().train, seed=0, epochs=4, lr=0.002)
        print(
            f"{which}: test accuracy "
            f"{accuracy(model, reviews().test.ids, reviews().test.labels):.3f}"
        )
        stored |= {f"{which}.{name}": array for name, array in model.state_dict().items()}
    mg.save(WEIGHTS, stored)
