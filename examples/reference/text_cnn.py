"""Train Kim's convolutional network for texts on the last forty words, and test the best epoch.

    python examples/reference/text_cnn.py

Each word becomes a vector. Three convolutions move over the words, with 100 filters of 3, 4 and 5
words each. For each filter, only its largest value in the review is kept, so its position does not
matter. One dense layer computes the logit from these 300 numbers, with dropout of 0.5. Training
takes 3 epochs of Adam at 0.001, in batches of 50. The best epoch is chosen on 2,500 held-out
training reviews.

This is the variant CNN-rand of the paper, in which all word vectors start at random. The paper uses
vectors of 300 numbers, Adadelta, and a limit on the norm of the weights instead of few epochs.

Source: Yoon Kim, Convolutional neural networks for sentence classification (2014).
"""

from __future__ import annotations

from typing import Any

import common  # import this before NumPy, because it sets the number of BLAS threads

import minigrad as mg
from layers import Conv1d, Dense, Dropout, Embedding, Layer, Sequential
from layers.init import he_normal
from minigrad.data import Batches
from optim import Adam, BestWeights, Trainer

TITLE = "Kim's text CNN: test accuracy"
KNOWN = {"LSTM of 1a": {"text CNN": 0.8031}}
WIDTH, FILTERS, SIZES = 128, 100, (3, 4, 5)


class TextCNN(Layer):
    """Ids (B, T) of at least 5 words -> logits (B,)."""

    def __init__(self, words: int) -> None:
        self.embedding = Embedding(words, WIDTH)
        self.convolutions = Sequential(
            *(Conv1d(WIDTH, FILTERS, size, init=he_normal) for size in SIZES)
        )
        self.dropout = Dropout(0.5)
        self.head = Dense(len(SIZES) * FILTERS, 1)

    def forward(self, ids: Any) -> mg.Tensor:
        vectors = self.embedding(ids).swapaxes(1, 2)  # (B, WIDTH, T)
        found = [mg.relu(one(vectors)).max(axis=2) for one in self.convolutions]
        return self.head(self.dropout(mg.concatenate(found, axis=1))).reshape(-1)  # type: ignore[no-any-return]


def run(seed: int, limit: int | None = None) -> common.Figures:
    """Return the test accuracy of the best epoch for one seed."""
    imdb = common.reviews(limit)
    training, held_out = imdb.train.hold_back(len(imdb.train) // 10, seed)
    mg.seed(seed)
    model = TextCNN(len(imdb.vocabulary))
    best = BestWeights(monitor="validation_accuracy")
    optimizer = Adam(model.named_parameters(), lr=1e-3)
    trainer = Trainer(model, mg.binary_cross_entropy, optimizer, callbacks=[best], seed=seed)
    trainer.fit(
        Batches(training.ids, training.labels, batch_size=50),
        3,
        Batches(held_out.ids, held_out.labels, batch_size=500, shuffle=False),
    )
    test = Batches(imdb.test.ids, imdb.test.labels, batch_size=500, shuffle=False)
    accuracy = trainer.evaluate(test)["accuracy"]
    print(f"  seed {seed}: test accuracy {accuracy:.4f}, epoch {best.epoch}", flush=True)
    return {"text CNN": accuracy}


if __name__ == "__main__":
    common.main(__doc__, TITLE, KNOWN, run)
