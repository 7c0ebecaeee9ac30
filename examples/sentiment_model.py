"""The model of imdb_sentiment.py, and functions that show what it thinks of reviews and of single words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Layer
from minigrad.data import Reviews, Vocabulary, mask
from polarity import LONGEST, Polarity

WORDS = 40  # a review is read from its last forty ids
KINDS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


class Sentiment(Layer):
    """ids (B, T), polarity (B, T, 3) -> logits (B,): the review is positive with probability σ(logit).

    Embedding (vocabulary, 128), concatenated with the polarity -> RNN, GRU or LSTM of 32 units -> Dense(1). This is the
    network of reference experiment 1a with three more inputs at each word, its polarity: see polarity.py.
    """

    def __init__(self, kind: str = "rnn", vocabulary: int = 10_000, truncate: int | None = None) -> None:
        super().__init__()
        self.embedding = Embedding(vocabulary, 128)
        self.rnn = KINDS[kind](128 + LONGEST, 32, truncate=truncate)
        self.head = Dense(32, 1)

    def forward(self, ids: Any, polarity: Any) -> mg.Tensor:
        return self.read(self.embedding(ids), polarity, mask(np.asarray(ids)))

    def read(self, vectors: mg.Tensor, polarity: Any, words: Any) -> mg.Tensor:
        """Word vectors (B, T, 128) and their polarity -> logits (B,). `words` (B, T) is False at padding.

        Padding is masked. Hardly any review is shorter than forty words, so the network would never learn to ignore the
        long padding before a short text that a user types.
        """
        scores: mg.Tensor = self.head(self.rnn(mg.concatenate([vectors, polarity], axis=2), mask=words))
        return scores.reshape(-1)


def logits(model: Sentiment, polarity: Polarity, ids: NDArray[Any], batch_size: int = 500) -> NDArray[Any]:
    """The model's logits for all rows of ids, (N,), without recording."""
    model.eval()
    parts = [ids[at : at + batch_size] for at in range(0, len(ids), batch_size)]
    with mg.no_grad():
        return np.concatenate([model(part, polarity(part)).array for part in parts])


def probability(logit: Any) -> Any:
    """σ(logit) = 1 / (1 + e^-logit)."""
    return 1 / (1 + np.exp(-np.asarray(logit, np.float64)))


def surest(reviews: Reviews, scores: NDArray[Any], vocabulary: Vocabulary, count: int = 2) -> str:
    """The reviews that the model was surest of, right and wrong, as text."""
    right = (scores > 0) == (reviews.labels == 1)
    lines = []
    for title, chosen in (("Most confident and right", right), ("Most confident and wrong", ~right)):
        rows = np.flatnonzero(chosen)
        for row in rows[np.argsort(-np.abs(scores[rows]), kind="stable")][:count]:
            truth = "positive" if reviews.labels[row] else "negative"
            lines.append(f"\n{title}: {probability(scores[row]):.1%} positive, and it is {truth}")
            lines.append(f"  ... {vocabulary.decode(reviews.ids[row])}")
    return "\n".join(lines)


# ---- what each word of a text contributes ----


def weigh_words(
    model: Sentiment, polarity: Polarity, vocabulary: Vocabulary, text: str
) -> tuple[float, list[tuple[str, float]]]:
    """(logit, [(word, its part of the logit)]) for the last forty words of a text, by integrated gradients.

    A word's part is x · dlogit/dx, where x is all that the network reads at its place, its vector and its polarity.
    dlogit/dx is averaged over fifty points between zero and the full inputs: at x alone a saturated tanh has almost no
    gradient, although x is what saturated it. The parts add up to the logit minus that of zero inputs.
    Source: Sundararajan, Taly and Yan, Axiomatic attribution for deep networks (2017).
    """
    ids = vocabulary.encode(text)[-WORDS:][None]
    model.eval()
    full = model.embedding(ids).array, polarity(ids)
    growth = (np.arange(50, dtype=np.float32)[:, None, None] + 0.5) / 50
    vectors, company = (mg.Tensor(growth * x, requires_grad=True) for x in full)
    slopes = mg.grad(model.read(vectors, company, np.ones((50, ids.size), bool)).sum(), [vectors, company])
    parts = sum((x * slope.array.mean(axis=0)).sum(axis=2)[0] for x, slope in zip(full, slopes, strict=True))
    logit = model(ids, polarity(ids)).item()
    return logit, [(vocabulary[id], float(part)) for id, part in zip(ids[0], parts, strict=True)]


def show_words(words: Sequence[tuple[str, float]], colour: bool) -> str:
    """The text with its words coloured by their parts, green for good, red for bad; or the ten largest parts listed."""
    largest = max((abs(part) for _, part in words), default=0) or 1
    if colour:
        return " ".join(_coloured(word, part / largest) for word, part in words)
    by_size = sorted(words, key=lambda pair: -abs(pair[1]))[:10]
    return "\n".join(f"  {part:+.3f}  {word}" for word, part in by_size)


def _coloured(word: str, share: float) -> str:
    """The word in one of a terminal's 256 colours; the strongest are bold too, for readers who are colour-blind."""
    if abs(share) < 0.1:
        return word
    strength = 2 if abs(share) > 0.5 else 1
    code = {(True, 1): "38;5;71", (True, 2): "1;38;5;34", (False, 1): "38;5;174", (False, 2): "1;4;38;5;160"}
    return f"\033[{code[share > 0, strength]}m{word}\033[0m"
