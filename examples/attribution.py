"""What a trained model of imdb_sentiment.py thinks of reviews, and of single words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minigrad as mg
from minigrad.data import Reviews, Vocabulary


def logits(model: Any, ids: NDArray[Any], batch_size: int = 500) -> NDArray[Any]:
    """The model's logits for all rows of ids, (N,), without recording."""
    model.eval()
    with mg.no_grad():
        return np.concatenate(
            [model(ids[at : at + batch_size]).array for at in range(0, len(ids), batch_size)]
        )


def probability(logit: Any) -> Any:
    """σ(logit) = 1 / (1 + e^-logit), in the form that never overflows."""
    return 0.5 + 0.5 * np.tanh(0.5 * np.asarray(logit, np.float64))


def surest(reviews: Reviews, scores: NDArray[Any], vocabulary: Vocabulary, count: int = 2) -> str:
    """The reviews that the model was surest of, right and wrong, as text."""
    right = (scores > 0) == (reviews.labels == 1)
    lines = []
    for title, chosen in (
        ("Most confident and right", right),
        ("Most confident and wrong", ~right),
    ):
        rows = np.flatnonzero(chosen)
        for row in rows[np.argsort(-np.abs(scores[rows]), kind="stable")][:count]:
            truth = "positive" if reviews.labels[row] else "negative"
            lines.append(f"\n{title}: {probability(scores[row]):.1%} positive, and it is {truth}")
            lines.append(f"  ... {vocabulary.decode(reviews.ids[row])}")
    return "\n".join(lines)


def judge(model: Any, vocabulary: Vocabulary, text: str, words: int) -> str:
    """How likely a text is to be a good review, and the words that made the model think so."""
    logit, parts = attributions(model, vocabulary, text, words)
    known = [(word, part) for word, part in parts if word in vocabulary]
    if not known:
        raise OSError(f"none of the words of {text!r} is in the vocabulary of {len(vocabulary):,}")
    verdict = (
        f"{probability(logit):.1%} positive: {'a good review' if logit > 0 else 'a bad review'}"
    )
    title = (
        f"The words that mattered (good above 0, bad below; only the last {words} words are read):"
    )
    return f"{verdict}\n\n{title}\n\n{show_words(known)}"


def attributions(
    model: Any, vocabulary: Vocabulary, text: str, words: int
) -> tuple[float, list[tuple[str, float]]]:
    """(logit, [(word, its part of the logit)]) for the last `words` words of a text, by integrated
    gradients.

    A word's part is x · dlogit/dx, where x is its vector. dlogit/dx is averaged over fifty points
    between zero and the full vectors: at x alone a saturated tanh has almost no gradient, although
    x is what saturated it. The parts add up to the logit minus that of zero vectors.
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
    """The ten words with the largest parts."""
    by_size = sorted(words, key=lambda pair: -abs(pair[1]))[:10]
    return "\n".join(f"  {part:+.3f}  {word}" for word, part in by_size)
