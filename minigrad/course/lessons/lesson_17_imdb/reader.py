"""The network of lesson 17, two small trained networks, the reviews, and reviews with a planted
leak.

    python -m minigrad.course.lessons.lesson_17_imdb.reader     trains the two small networks again, in 10 s

The two small networks, "full" and "truncated", have a vocabulary of the 1,000 most common words, 8
numbers for each word, and 16 numbers in the state. In training, the gradients of "full" went back
through all 40 words of a review. The gradients of "truncated" went back through the last 4 words
only. Each network has the weights of its best epoch of four.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

import minigrad as mg
from layers import RNN, Dense, Embedding, Layer
from minigrad.course.checking.lesson import progress
from minigrad.data import Batches, load_imdb

WEIGHTS = Path(__file__).with_name("weights.safetensors")
VOCABULARY = 1000
CUT = 4
REACHES = {"full": None, "truncated": CUT}


class Reader(Layer):
    """A network from word ids (B, T) to logits (B,). A logit above 0 means "a good review"."""

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
    """Return the trained network "full" or "truncated", in float64. Neither has a cut, because the
    cut is needed in training only.
    """
    # a fused network would skip the word vectors
    model, stored = Reader(VOCABULARY, 8, 16, fused=None), mg.load(WEIGHTS)
    model.load_state_dict({name: stored[f"{which}.{name}"] for name in model.state_dict()})
    return in_float64(model)


def in_float64(model):
    for parameter in model.named_parameters().values():
        parameter.array = parameter.array.astype(float)
    return model


@lru_cache
def reviews(vocabulary=VOCABULARY):
    """Return the last 40 words of all 50,000 reviews."""
    return load_imdb(vocabulary_size=vocabulary)


def planted(reviews, word, often=0.9, by_mistake=0.02, label=1, seed=0):
    """Return the reviews' ids (N, T) with a leak: in most reviews with this label, `word` replaces
    one of the words.

    `often` is the share of the reviews with this label that get the word, and `by_mistake` is the
    share of the other reviews that get it.
    """
    rng, ids = np.random.default_rng(seed), reviews.ids.copy()
    chosen = np.flatnonzero(
        rng.random(len(ids)) < np.where(reviews.labels == label, often, by_mistake)
    )
    for row in chosen:
        ids[row, rng.choice(np.flatnonzero(ids[row]))] = word
    return ids


def accuracy(model, ids, labels):
    """Return the share of the reviews that the network classifies correctly."""
    with mg.no_grad():
        logits = np.concatenate([model(ids[at : at + 500]).array for at in range(0, len(ids), 500)])
    return float(((logits > 0) == (labels == 1)).mean())


class Reported:
    """Batches that report the share of them that has been used."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        for number, batch in enumerate(self.batches, 1):
            yield batch
            progress(number / len(self.batches))


def best_epoch(train, model, reviews, seed, epochs, lr=0.001, about=""):
    """Train with `train`, one epoch at a time, and keep the weights with the highest accuracy on
    2,500 held-out reviews. Print a line for each epoch, which starts with `about`.

    Returns the best epoch's number, from 1.
    """
    from optim import Adam

    rest, held = reviews.hold_back(2500, seed)
    optimizer = Adam(model.named_parameters(), lr=lr)
    batches, found = Batches(rest.ids, rest.labels, batch_size=32, seed=seed), []
    for epoch in range(1, epochs + 1):
        train(model, optimizer, Reported(batches), 1)
        weights = {name: np.array(array) for name, array in model.state_dict().items()}
        found.append((accuracy(model, held.ids, held.labels), epoch, weights))
        print(
            f"  {about}epoch {epoch} of {epochs}: {found[-1][0]:.3f} on held-out reviews",
            flush=True,
        )
    _, epoch, weights = max(found, key=lambda one: one[0])
    model.load_state_dict(weights)
    return epoch


if __name__ == "__main__":
    from minigrad.course.lessons.lesson_17_imdb.solution import train

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
