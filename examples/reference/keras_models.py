"""1a: train a SimpleRNN, a GRU and an LSTM on the last forty words, as in Keras's tutorials.

    python examples/reference/keras_models.py     3 seeds for each, published figures next to measured ones

The model is Embedding(10000, 128) -> RNN | GRU | LSTM with 32 units -> Dense(1). It is trained with
binary cross entropy and Adam at 0.001, in shuffled batches of 32, for 3 epochs, without
regularisation. Each model is trained on all 25,000 reviews and tested after each epoch. It is then
trained again on 22,500 reviews and tested at the epoch that is best on the other 2,500 reviews.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import common  # import this before NumPy, because it sets the number of BLAS threads

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad.data import IMDB, Batches, Reviews
from optim import Adam, BestWeights, Evaluate, Trainer

TITLE = "1a. Three Keras models"
# The published figures were measured after epoch 3. Keras 3.15 was run with the same recipe and the
# same reviews as here.
PUBLISHED = {
    "SimpleRNN, accuracy, epoch 3": 0.7687, "SimpleRNN, loss, epoch 3": 0.6505,
    "GRU, accuracy, epoch 3": 0.8004, "GRU, loss, epoch 3": 0.4631,
    "LSTM, accuracy, epoch 3": 0.7939, "LSTM, loss, epoch 3": 0.4735,
}  # fmt: skip
KERAS = {
    "SimpleRNN, accuracy, epoch 1": 0.796, "SimpleRNN, accuracy, epoch 2": 0.773, "SimpleRNN, accuracy, epoch 3": 0.761,
    "SimpleRNN, loss, epoch 1": 0.442, "SimpleRNN, loss, epoch 2": 0.504, "SimpleRNN, loss, epoch 3": 0.644,
    "SimpleRNN, accuracy, best epoch": 0.793,
    "GRU, accuracy, epoch 1": 0.804, "GRU, accuracy, epoch 2": 0.803, "GRU, accuracy, epoch 3": 0.798,
    "GRU, loss, epoch 1": 0.421, "GRU, loss, epoch 2": 0.430, "GRU, loss, epoch 3": 0.471,
    "GRU, accuracy, best epoch": 0.806,
    "LSTM, accuracy, epoch 1": 0.806, "LSTM, accuracy, epoch 2": 0.800, "LSTM, accuracy, epoch 3": 0.797,
    "LSTM, loss, epoch 1": 0.416, "LSTM, loss, epoch 2": 0.445, "LSTM, loss, epoch 3": 0.491,
    "LSTM, accuracy, best epoch": 0.802,
}  # fmt: skip
KNOWN = {"published": PUBLISHED, "Keras 3.15": KERAS}
Model = Callable[[], Sequential]


def recurrent(layer: Any) -> Sequential:
    """Return one of the three models. The layers initialise their weights as Keras does."""
    return Sequential(Embedding(10_000, 128), layer(128, 32), Dense(32, 1))


MODELS: dict[str, Model] = {
    "SimpleRNN": partial(recurrent, RNN),
    "GRU": partial(recurrent, GRU),
    "LSTM": partial(recurrent, LSTM),
}


def trainer(build: Model, seed: int, *callbacks: Any) -> Trainer:
    """Return a Trainer for a new model."""
    mg.seed(seed)
    model = build()

    def loss(logits: mg.Tensor, labels: Any) -> mg.Tensor:
        return mg.binary_cross_entropy(logits, labels[:, None])

    return Trainer(
        model,
        loss,
        Adam(model.named_parameters(), lr=1e-3, eps=1e-7),
        callbacks=callbacks,
        seed=seed,
    )


def batches(reviews: Reviews, shuffle: bool = False) -> Batches:
    """Return shuffled batches of 32 for training, or larger unshuffled batches for testing."""
    return Batches(reviews.ids, reviews.labels, batch_size=32 if shuffle else 500, shuffle=shuffle)


def every_epoch(imdb: IMDB, kind: str, build: Model, seed: int) -> dict[str, float]:
    """Return the test loss and accuracy after each of 3 epochs of training on all reviews."""
    history = trainer(build, seed, Evaluate(batches(imdb.test), every_epochs=1)).fit(
        batches(imdb.train, True), 3
    )
    return {
        f"{kind}, {metric}, epoch {number}": value
        for metric in ("accuracy", "loss")
        for number, value in enumerate(history[f"test_{metric}"], start=1)
    }


def best_epoch(imdb: IMDB, kind: str, build: Model, seed: int) -> dict[str, float]:
    """Return the test accuracy at the epoch that is best on a held-out tenth of the training
    reviews.
    """
    training, held_out = imdb.train.hold_back(len(imdb.train) // 10, seed)
    best = trainer(build, seed, BestWeights(monitor="validation_accuracy"))
    best.fit(batches(training, True), 3, batches(held_out))
    return {f"{kind}, accuracy, best epoch": best.evaluate(batches(imdb.test))["accuracy"]}


def run(
    seed: int, limit: int | None = None, models: Mapping[str, Model] = MODELS
) -> common.Figures:
    """Return all figures of the models for one seed."""
    imdb = common.reviews(limit)
    figures: dict[str, float] = {}
    for kind, build in models.items():
        figures |= every_epoch(imdb, kind, build, seed) | best_epoch(imdb, kind, build, seed)
        accuracies = ", ".join(
            f"{value:.4f}" for name, value in figures.items() if name.startswith(f"{kind}, acc")
        )
        print(
            f"  seed {seed}, {kind}: test accuracy after 1, 2, 3 epochs and of the best epoch: {accuracies}",
            flush=True,
        )
    return figures


if __name__ == "__main__":
    common.main(__doc__, TITLE, KNOWN, run)
