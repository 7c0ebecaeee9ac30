"""Explain the predictions of a model trained by imdb_sentiment.py, for reviews and for single
words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minigrad as mg
from minigrad.data import Reviews, Vocabulary


def logits(model: Any, ids: NDArray[Any], batch_size: int = 500) -> NDArray[Any]:
    """Return the model's logits (N,) for all rows of ids, without recording a graph."""
    model.eval()
    with mg.no_grad():
        return np.concatenate(
            [model(ids[at : at + batch_size]).array for at in range(0, len(ids), batch_size)]
        )


def probability(logit: Any) -> Any:
    """σ(logit) = 1 / (1 + e^-logit), computed without overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * np.asarray(logit, np.float64))


def most_confident(
    reviews: Reviews, scores: NDArray[Any], vocabulary: Vocabulary, count: int = 2
) -> str:
    """Describe the model's most confident correct and incorrect predictions."""
    right = (scores > 0) == (reviews.labels == 1)
    lines = []
    for title, selected in (
        ("Most confident and right", right),
        ("Most confident and wrong", ~right),
    ):
        rows = np.flatnonzero(selected)
        for row in rows[np.argsort(-np.abs(scores[rows]), kind="stable")][:count]:
            truth = "positive" if reviews.labels[row] else "negative"
            lines.append(
                f"\n{title}: {probability(scores[row]):.1%} positive; the review is {truth}"
            )
            lines.append(f"  ... {vocabulary.decode(reviews.ids[row])}")
    return "\n".join(lines)


def explain(model: Any, vocabulary: Vocabulary, text: str, words: int) -> str:
    """Describe a text's predicted sentiment and the words that influenced the prediction most."""
    logit, parts = attributions(model, vocabulary, text, words)
    known = [(word, part) for word, part in parts if word in vocabulary]
    if not known:
        raise OSError(
            f"none of the words of {text!r} is in the vocabulary of {len(vocabulary):,} words"
        )
    verdict = (
        f"{probability(logit):.1%} positive: {'a good review' if logit > 0 else 'a bad review'}"
    )
    title = f"Most important of the last {words} words (above 0: good, below 0: bad):"
    return f"{verdict}\n\n{title}\n\n{show_words(known)}"


def attributions(
    model: Any, vocabulary: Vocabulary, text: str, words: int
) -> tuple[float, list[tuple[str, float]]]:
    """Return (logit, [(word, the word's contribution to the logit)]) for the last `words` words of
    a text, computed with integrated gradients.

    A word's contribution is x · dlogit/dx, where x is the word's vector and dlogit/dx is averaged
    over fifty points between zero vectors and the full vectors. The gradient at x alone would be
    misleading. If x saturates a tanh, the gradient is almost zero even if x matters. The
    contributions add up to the logit minus the logit of zero vectors.

    Source: Sundararajan, Taly and Yan, Axiomatic attribution for deep networks (2017).
    """
    ids = vocabulary.encode(text)[-words:][None]
    model.eval()
    full = model.embedding(ids).array
    growth = (np.arange(50, dtype=np.float32)[:, None, None] + 0.5) / 50
    vectors = mg.Tensor(growth * full, requires_grad=True)
    (slope,) = mg.grad(model.head(model.rnn(vectors)).sum(), [vectors])
    parts = (full * slope.array.mean(axis=0)).sum(axis=2)[0]
    return model(ids).item(), [
        (vocabulary[id], float(part)) for id, part in zip(ids[0], parts, strict=True)
    ]


def show_words(words: Sequence[tuple[str, float]]) -> str:
    """List the ten words with the largest contributions as text."""
    by_size = sorted(words, key=lambda pair: -abs(pair[1]))[:10]
    return "\n".join(f"  {part:+.3f}  {word}" for word, part in by_size)
