"""Train the three models of 1a with word polarity as additional inputs, and test the best epoch.

    python examples/reference/recipe.py

For each word, the network reads the word's vector and three more numbers. These are the log odds of
the word, of the pair that ends with it, and of the triple that ends with it. The log odds are
counted on training reviews other than the current review (polarity.py). Training takes 3 epochs of
Adam at 0.002, in batches of 128. The best epoch is chosen on 2,500 held-out training reviews.
docs/results.md lists the alternatives that were tried.
"""

from __future__ import annotations

from typing import Any

import common  # import this before NumPy, because it sets the number of BLAS threads
from polarity import LONGEST, Polarity

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Layer
from minigrad.data import Batches, Reviews
from optim import Adam, BestWeights, Trainer

TITLE = "The honest recipe: test accuracy"
GOALS = {"rnn": 0.80, "gru": 0.815, "lstm": 0.815}
KNOWN = {"goal": GOALS}
LAYERS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


class Sentiment(Layer):
    """ids (B, T), polarity (B, T, 3) -> logits (B,). This is the model of 1a with three more inputs
    per word.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.embedding = Embedding(10_000, 128)
        self.rnn = LAYERS[kind](128 + LONGEST, 32)
        self.head = Dense(32, 1)

    def forward(self, ids: Any, polarity: Any) -> mg.Tensor:
        state = self.rnn(mg.concatenate([self.embedding(ids), polarity], axis=2), mask=ids > 0)
        return self.head(state).reshape(-1)  # type: ignore[no-any-return]


def run(seed: int, limit: int | None = None) -> common.Figures:
    """Return the test accuracies of all models for one seed."""
    imdb = common.reviews(limit)
    training, held_out = imdb.train.hold_back(len(imdb.train) // 10, seed)
    polarity, training_polarity = Polarity.count(training.ids, training.labels, seed)

    def evaluation_batches(part: Reviews) -> Batches:
        return Batches(part.ids, polarity(part.ids), part.labels, batch_size=500, shuffle=False)

    train = Batches(training.ids, training_polarity, training.labels, batch_size=128)
    return train_each(
        seed, train, evaluation_batches(held_out), evaluation_batches(imdb.test), epochs=3
    )


def train_each(
    seed: int, train: Batches, held_out: Batches, test: Batches, epochs: int
) -> common.Figures:
    """Train each model with `seed`. Returns the accuracy on `test` at the epoch that is best on
    `held_out`.
    """
    figures = {}
    for kind in LAYERS:
        mg.seed(seed)
        model = Sentiment(kind)
        best = BestWeights(monitor="validation_accuracy")
        optimizer = Adam(model.named_parameters(), lr=2e-3)
        trainer = Trainer(model, mg.binary_cross_entropy, optimizer, callbacks=[best], seed=seed)
        trainer.fit(train, epochs, held_out)
        figures[kind] = trainer.evaluate(test)["accuracy"]
        print(
            f"  seed {seed}, {kind}: test accuracy {figures[kind]:.4f}, epoch {best.epoch}",
            flush=True,
        )
    return figures


if __name__ == "__main__":
    common.main(__doc__, TITLE, KNOWN, run)
