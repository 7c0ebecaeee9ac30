"""(h) One training step of a language model: characters one-hot, or 10,000 words in an embedding."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from problem import Built, Sizes, Weights

LETTER, NAME, TITLE = "h", "language", "One training step of a language model"
TEXT = """An LSTM of 256 units over a stream, its state carried on, Dense to the next id at each step, cross entropy,
gradients clipped to norm 1, Adam. char: 96 one-hot characters, 100 steps, batch 64. word: 10,000 words in an embedding
of 256, 35 steps, batch 32. Ids by Zipf's law. *char, two threads* is timed on the wall, on all cores. Compared: the
losses of the first 5 steps from equal weights."""
CASES = ("char", "word", "char, two threads")
TOLERANCE = 1e-3
THREADS = {"char, two threads": 2}
SHAPES = {"char": (96, 0, 256, 100, 64), "word": (10_000, 256, 256, 35, 32)}
"""Ids, width of the embedding (0: one-hot), units, steps, batch."""


def build(contender: Any, setting: str, problem: Any, case: str) -> Built:
    size, width, hidden, steps, batch = shape(problem.sizes, case)
    rng = np.random.default_rng([problem.seed, size])
    odds = 1 / np.arange(1, size + 1)
    ids = rng.choice(size, (16, batch, steps + 1), p=odds / odds.sum())
    step = contender.language(weights(rng, size, width, hidden), setting, problem.rule | {"eps": 1e-8})
    losses = [step(window) for window in ids[:5]]
    windows = cycle(ids)
    return Built(lambda: step(next(windows)), losses)


def shape(sizes: Any, case: str) -> tuple[int, int, int, int, int]:
    """The case's sizes; tiny ones for a smoke test."""
    size, width, hidden, steps, batch = full = SHAPES[case.split(",")[0]]
    return full if sizes.hidden == Sizes().hidden else (size // 4, width and 5, 4, 6, 3)


def weights(rng: np.random.Generator, size: int, width: int, hidden: int) -> Weights:
    """Start weights; `table` only for an embedding."""
    shapes = {"W_xh": (width or size, 4 * hidden), "W_hh": (hidden, 4 * hidden), "W": (hidden, size)}
    shapes |= {"table": (size, width)} if width else {}
    drawn = {name: rng.uniform(-0.06, 0.06, of).astype(np.float32) for name, of in shapes.items()}
    return drawn | {"b": np.zeros(4 * hidden, np.float32), "c": np.zeros(size, np.float32)}


def difference(one: Any, other: Any) -> float:
    """The largest difference of two losses."""
    return float(np.max(np.abs(np.subtract(one, other))))
