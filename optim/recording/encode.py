"""Encode what was kept of all steps for the page: histograms, pictures and numbers.

Histograms of weights and outputs have one range for all steps, so that growth and saturation are
seen. Those of gradients count decades, because gradients that vanish shrink by many decades, and
have one range for all layers.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

BINS = 32
DECADES = -12.0, 2.0
Json = dict[str, Any]


def packed(values: Any, dtype: Any = np.float32) -> Json:
    """Return an array as base64, which takes less than half of the digits' room."""
    array = np.asarray(values, dtype)
    text = base64.b64encode(array.tobytes()).decode()
    return {
        "type": array.dtype.name,
        "shape": array.shape,
        "data": text,
    }


def encode(kind: str, values: Sequence[Any]) -> Json:
    """Encode what was kept under one key. It is None at steps where its part did not run."""
    if kind in ("weights", "outputs", "gradients"):
        return histograms(
            kind, [[] if one is None else one for one in values]
        )
    first = next(np.shape(one) for one in values if one is not None)
    same = [
        one if np.shape(one) == first else np.full(first, np.nan)
        for one in values
    ]
    return (
        picture(same)
        if kind in ("attention", "images", "kernels")
        else packed(same)
    )


def histograms(kind: str, samples: Sequence[Any]) -> Json:
    """Count the sample of each step in the same bins. The highest bar of each step is 255."""
    with np.errstate(divide="ignore"):
        arrays = [np.asarray(one, float) for one in samples]
        if kind == "gradients":
            arrays = [
                np.maximum(np.log10(abs(one)), DECADES[0])
                for one in arrays
            ]
    finite = [one[np.isfinite(one)] for one in arrays]
    everything = np.concatenate([np.zeros(1), *finite])
    low, high = np.quantile(everything, [0.001, 0.999]).tolist()
    if kind == "gradients":
        low, high = DECADES
    high = max(high, low + 1e-9)
    bars, facts = [], []
    for one, all_ in zip(finite, arrays, strict=True):
        counts, _ = np.histogram(
            np.clip(one, low, high), BINS, (low, high)
        )
        bars.append(np.ceil(255 * counts / max(1, counts.max())))
        middle = np.median(one) if one.size else np.nan
        facts.append(
            [
                middle,
                one.std() if one.size else np.nan,
                all_.size - one.size,
            ]
        )
    ends = {"low": low, "high": high, "facts": packed(facts)}
    return {**ends, **packed(bars, np.uint8)}


def picture(values: Any) -> Json:
    """Return arrays as bytes: 128 is 0, and the largest size is 127 away from it."""
    array = np.nan_to_num(np.asarray(values, float))
    largest = float(abs(array).max(initial=0)) or 1.0
    return {
        "largest": largest,
        **packed(128 + np.round(127 * array / largest), np.uint8),
    }


def word(words: Any, ids: Any) -> str:
    """Return the words of some ids, or the ids if the vocabulary is not known."""
    try:
        return str(words.decode(ids)).replace("\ufffd", "·")
    except Exception:
        return " ".join(map(str, np.ravel(ids).tolist()))
