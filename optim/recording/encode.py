"""Encode what was kept of all steps for the page: histograms, pictures and numbers.

Histograms of weights and outputs have one range for all steps, which makes growth and saturation
visible. A step gets its own range only if that one is less than a twentieth as wide. Histograms of
gradients count decades, because vanishing gradients shrink by many decades, and have one range for
all layers.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.graph import Array

BINS = 32
DECADES = -12.0, 2.0
NARROW = 20
RANGE = 0.001, 0.999
"""The quantiles at the ends of the range of a histogram."""
SAMPLES = ("weights", "gradients", "outputs")
PICTURES = ("attention", "kernels", "images")
Json = dict[str, Any]


def packed(values: Any, dtype: Any = np.float32) -> Json:
    """Return an array as base64, which takes less than half the space of digits."""
    array = np.asarray(values, dtype)
    data = base64.b64encode(array.tobytes())
    text = data.decode()
    kind = array.dtype.name
    return {
        "type": kind,
        "shape": array.shape,
        "data": text,
    }


def encode(kind: str, values: Sequence[Any]) -> Json:
    """Encode what was kept under one key. It is None at steps where its part did not run."""
    if kind in SAMPLES:
        nothing = np.zeros(0)
        samples = [nothing if one is None else one for one in values]
        return histograms(kind, samples)
    known = [one for one in values if one is not None]
    shape = np.shape(known[0])
    missing = np.full(shape, np.nan)
    same = [one if np.shape(one) == shape else missing for one in values]
    if kind in PICTURES:
        return picture(same)
    return packed(same)


def histograms(kind: str, samples: Sequence[Array]) -> Json:
    """Count the sample of each step in bins. The highest bar of each step is 255.

    For each step, `facts` contains the median, the standard deviation, the number of values that
    are not finite, the share of zeros among gradients, and the range of the bins.
    """
    finite = [one[np.isfinite(one)].astype(float) for one in samples]
    shown, ends = finite, DECADES
    if kind == "gradients":
        # zeros have no decade
        sizes = [abs(one[one != 0]) for one in finite]
        shown = [np.log10(one) for one in sizes]
    else:
        all_steps = np.concatenate([np.zeros(1), *finite])
        ends = most_of(all_steps)
    bars = np.zeros((len(samples), BINS))
    facts = np.full((len(samples), 6), np.nan)
    for step, one in enumerate(shown):
        known = finite[step].size
        facts[step, 2] = samples[step].size - known
        if known:
            facts[step, 3] = 1 - one.size / known
        if not one.size:
            continue
        near = ends
        if kind != "gradients":
            near = range_of(one, ends)
        facts[step, 0] = np.median(one)
        facts[step, 1] = one.std()
        facts[step, 4:] = near
        inside = np.clip(one, *near)
        counts, _ = np.histogram(inside, BINS, near)
        share = counts / counts.max()
        bars[step] = np.ceil(255 * share)
    heights = packed(bars, np.uint8)
    return {"facts": packed(facts), **heights}


def range_of(values: Array, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the range of all steps, or the step's own if that one is far narrower. Otherwise, each
    step before an explosion would be a single bar.
    """
    own = most_of(values)
    narrow = NARROW * np.ptp(own) < np.ptp(ends)
    return own if narrow and np.ptp(values) else ends


def most_of(values: Array) -> tuple[float, float]:
    """Return a range that contains all but a few of the values."""
    low, high = np.quantile(values, RANGE).tolist()
    return low, max(high, low + 1e-9)


def picture(values: Any) -> Json:
    """Return an array as bytes from 1 to 255, scaled by its largest absolute value. 0 becomes 128."""
    array = np.asarray(values, float)
    array = np.nan_to_num(array)
    largest = abs(array).max(initial=0) or 1.0
    share = array / largest
    levels = 128 + np.round(127 * share)
    return {"largest": largest, **packed(levels, np.uint8)}


def word(words: Any, ids: Any) -> str:
    """Return the words of some ids, or the ids if the vocabulary is not known."""
    try:
        text = str(words.decode(ids))
        return text.replace("\ufffd", "·")
    except Exception:
        numbers = np.ravel(ids).tolist()
        return " ".join(map(str, numbers)).replace("-", "−")
