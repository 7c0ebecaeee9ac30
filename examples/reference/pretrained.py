"""Pretrain a network as a language model, then fine-tune it on the sentiment of forty words.

    python examples/reference/pretrained.py --data-dir FOLDER

First, a recurrent network learns to predict the next and the previous word in the training reviews,
which are split into pieces of forty words. Then a classification head is added, and all weights are
trained to predict the sentiment of these pieces. Finally, the weights are trained only on the last
forty words of each review, because the test uses only these words. Unlike recipe.py, this script
uses no counted features. The test reviews are read only at the end. The recipe was chosen on 2,500
training reviews, which are also excluded from the language model's text.

The folders OUT/seed-N (runs/pretrained/seed-0, ...) store the weights of the language model and the
final model, and the learning curves. `--from OUT` fine-tunes the language models of an earlier run
again. The reviews are loaded with tensorflow-datasets (the extra minigrad-edu[data]).

Sources: Dai and Le, Semi-supervised sequence learning (2015); Howard and Ruder, Universal language
model fine-tuning for text classification (2018).
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import common  # import this before NumPy, because it sets the number of BLAS threads
import numpy as np
from whole_reviews import WORDS, load, pieces

import minigrad as mg
from layers import LSTM, Dense, Dropout, Embedding, Layer, init
from minigrad.data import IMDB, Batches, Reviews, pad
from minigrad.data.text import Ids
from optim import (
    Adam,
    ClipGradients,
    CosineSchedule,
    EpochReport,
    Evaluate,
    LearningRate,
    LogFile,
    ProgressBar,
    Trainer,
    WarmUp,
)

TITLE = "Pretrained as a language model: test accuracy on the last forty"
KNOWN = {"goal": {"fine-tuned": 0.86}}
VOCABULARY, WIDTH, HIDDEN = 10_000, 128, 128
ROWS = 64  # rows of forty words in a batch of the language model


class Reader(Layer):
    """ids (B, T) -> states (B, T, 2H). For each word, the first H numbers describe the word and all
    earlier words. The other H numbers describe the word and all later words.
    """

    def __init__(self) -> None:
        super().__init__()
        self.embedding = Embedding(VOCABULARY, WIDTH)
        self.lstm = LSTM(WIDTH, HIDDEN, bidirectional=True, return_sequences=True)

    def forward(self, ids: Any) -> mg.Tensor:
        return self.lstm(self.embedding(ids), mask=None if ids.all() else ids > 0)  # type: ignore[no-any-return]


class LanguageModel(Layer):
    """ids (B, T) -> logits (2B (T - 1), K): first the predictions for every word except the first,
    then the predictions for every word except the last.

    The word vectors are also the weights of the output layer (weight tying: Press and Wolf 2017).
    In evaluation, the model predicts among all words. In training, it predicts among the K distinct
    words of the batch, which takes a tenth of the time. Frequent words are in almost every batch,
    and rare words are in almost none. To correct for this, the model subtracts from each word's
    logit the log of the probability that the word is in the batch (sampled softmax: Jean et al., On
    using very large target vocabulary for neural machine translation, 2015).
    """

    def __init__(self, reader: Reader, rows: Ids) -> None:
        super().__init__()
        self.reader = reader
        self.next, self.previous = Dense(HIDDEN, WIDTH), Dense(HIDDEN, WIDTH)
        self.bias = Embedding(VOCABULARY, 1, init=init.zeros)
        frequency = (np.bincount(rows.ravel(), minlength=VOCABULARY) + 1) / rows.size
        self._log_chance = np.log(-np.expm1(-frequency * ROWS * WORDS)).astype(np.float32)

    def forward(self, ids: Any) -> mg.Tensor:
        states = self.reader(ids)
        forward = self.next(states[:, :-1, :HIDDEN].reshape(-1, HIDDEN))
        backward = self.previous(states[:, 1:, HIDDEN:].reshape(-1, HIDDEN))
        words = np.unique(ids) if self.training else np.arange(VOCABULARY)
        offset = self.bias(words).reshape(-1)
        if self.training:
            offset = offset - self._log_chance[words]
        guesses: mg.Tensor = (
            mg.concatenate([forward, backward]) @ self.reader.embedding(words).T + offset
        )
        return guesses


def guessing_loss(logits: mg.Tensor, ids: Any) -> mg.Tensor:
    """Return the cross entropy of a LanguageModel's predictions, in nats per word."""
    if logits.shape[1] < VOCABULARY:  # indices among the batch's distinct words
        ids = np.unique(ids, return_inverse=True)[1].reshape(ids.shape)
    return mg.softmax_cross_entropy(
        logits, np.concatenate([ids[:, 1:].ravel(), ids[:, :-1].ravel()])
    )


class Sentiment(Layer):
    """ids (B, T) -> logits (B,). The head takes the mean and maximum of the reader's states over
    time, and applies dropout and a Dense layer.
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader
        self.dropout = Dropout(0.3)
        self.head = Dense(4 * HIDDEN, 1)

    def forward(self, ids: Any) -> mg.Tensor:
        states = self.reader(ids)
        real = (ids > 0)[:, :, None].astype(np.float32)
        mean = (states * real).sum(axis=1) / real.sum(axis=1)
        pooled = mg.concatenate([mean, states.max(axis=1)], axis=1)
        return self.head(self.dropout(pooled)).reshape(-1)  # type: ignore[no-any-return]


def run(
    seed: int, imdb: IMDB[list[Ids]], limit: int | None = None, out: Path | None = None, source: Path | None = None,
    epochs: int = 2,
) -> common.Figures:  # fmt: skip
    """Return the test accuracy for one seed. `imdb` contains whole reviews. If `source` is set, the
    language model of that run is reused.
    """
    train, test = imdb.train[:limit], imdb.test[:limit]
    training, held_out = train.hold_back(len(train) // 10, seed)
    folder = None if out is None else out / f"seed-{seed}"
    mg.seed(seed)
    reader = Reader()
    if source is None:
        pretrain(reader, training, held_out, seed, epochs, folder)
    else:
        reader.load_state_dict(mg.load(source / f"seed-{seed}" / "reader.safetensors"))
    model = fine_tune(reader, training, held_out, seed, folder)
    accuracy = model.evaluate(last_words(test))["accuracy"]
    print(f"  seed {seed}: test accuracy {accuracy:.4f}", flush=True)
    return {"fine-tuned": accuracy}


def pretrain(
    reader: Reader,
    training: Reviews[list[Ids]],
    held_out: Reviews[list[Ids]],
    seed: int,
    epochs: int,
    folder: Path | None,
) -> None:
    """Train the reader as a language model on the text of `training`. Save the weights in `folder`."""
    rows, held_rows = rows_of_text(training, seed), rows_of_text(held_out, seed)[:500]
    train = Batches(rows, rows, batch_size=ROWS)
    model = LanguageModel(reader, rows)
    evaluate = Evaluate(Batches(held_rows, held_rows, shuffle=False), "validation", every_steps=500)
    callbacks = [evaluate, *training_callbacks(train, epochs, "rows", folder, "language-model.csv")]
    optimizer = Adam(model.named_parameters(), 5e-3)
    trainer = Trainer(model, guessing_loss, optimizer, metrics={}, callbacks=callbacks, seed=seed)
    trainer.fit(train, epochs)
    if folder is not None:
        mg.save(folder / "reader.safetensors", reader.state_dict())


def fine_tune(
    reader: Reader,
    training: Reviews[list[Ids]],
    held_out: Reviews[list[Ids]],
    seed: int,
    folder: Path | None,
) -> Trainer:
    """Train the reader and a head to predict sentiment, first from all pieces of forty words in
    `training`, then only from the last forty words of each review.
    """
    mg.seed(seed)
    model = Sentiment(reader)
    ids, labels, _ = pieces(training)
    every, last = (
        Batches(ids, labels, batch_size=128),
        Batches(pad(training.ids, WORDS), training.labels, batch_size=128),
    )
    for train, epochs, rate, curve in (
        (every, 2, 3e-3, "every-piece.csv"),
        (last, 1, 5e-4, "last-words.csv"),
    ):
        callbacks = training_callbacks(train, epochs, "pieces", folder, curve)
        optimizer = Adam(model.named_parameters(), rate)
        trainer = Trainer(model, mg.binary_cross_entropy, optimizer, callbacks=callbacks, seed=seed)
        trainer.fit(train, epochs, last_words(held_out))
    if folder is not None:
        mg.save(folder / "sentiment.safetensors", model.state_dict())
    return trainer


def training_callbacks(
    train: Batches, epochs: int, unit: str, folder: Path | None, curve: str
) -> list[Any]:
    """Return the callbacks for both training phases: clipping, a warm-up and cosine schedule,
    progress, and a log file.
    """
    schedule = WarmUp(100, CosineSchedule(max(1, epochs * len(train) - 100)))
    callbacks = [ClipGradients(1.0), LearningRate(schedule), ProgressBar(unit), EpochReport()]
    return callbacks if folder is None else [*callbacks, LogFile(folder / curve)]


def rows_of_text(reviews: Reviews[list[Ids]], seed: int) -> Ids:
    """Join the reviews in random order, and cut the text into rows of forty words, unpadded."""
    order = np.random.default_rng(seed).permutation(len(reviews))
    text = np.concatenate([reviews.ids[review] for review in order])
    return text[: len(text) // WORDS * WORDS].reshape(-1, WORDS)


def last_words(reviews: Reviews[list[Ids]]) -> Batches:
    """Return the last forty words of each review, for testing."""
    return Batches(pad(reviews.ids, WORDS), reviews.labels, batch_size=500, shuffle=False)


def command_line() -> argparse.ArgumentParser:
    """Return the command-line parser."""
    options = common.parser(__doc__, whole_reviews=True)
    options.add_argument(
        "--out",
        type=Path,
        default=Path("runs/pretrained"),
        help="folder for the results (runs/pretrained)",
    )
    options.add_argument(
        "--epochs", type=int, default=2, metavar="N", help="epochs of the language model (2)"
    )
    options.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="OUT",
        help="use the language models of this run",
    )
    return options


def main() -> None:
    """Parse the command line and print the table."""
    options = command_line().parse_args()
    run_seed = partial(
        run,
        imdb=load(options.data_dir),
        limit=options.limit,
        out=options.out,
        source=options.source,
        epochs=options.epochs,
    )
    print("\n" + common.compare(TITLE, KNOWN, run_seed, options.seeds))


if __name__ == "__main__":
    main()
