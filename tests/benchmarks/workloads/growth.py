"""(d) Time and memory as one size grows and the others stay: whether there is a cliff."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from problem import Built

LETTER, NAME, TITLE = "d", "growth", "Growth with each size"
TEXT = """One training step of (b)'s RNN while one size grows, timed after 70 of them; and a chain of n gates h =
tanh(h) on 8 numbers, forward and backward. Each point in a process of its own; memory is the most that was held beyond
what importing takes. Larger vocabularies have the same rows touched. Dotted in the plot: what grows in proportion to
the size. Compared: the first losses; the chain's value and gradient."""
SIZES = {
    "steps": (10, 40, 100, 400, 1000),
    "batch": (1, 8, 32, 128, 512),
    "hidden": (16, 32, 128, 512),
    "vocabulary": (1_000, 10_000, 50_000, 200_000),
    "gates": (1_000, 10_000, 100_000, 1_000_000),
}
CASES = tuple(f"{name}={size}" for name, sizes in SIZES.items() for size in sizes)
TOLERANCE = 1e-4
MEMORY = True
EARLY = 70  # training steps before timing: minigrad's Adam goes over all touched rows, at first often


def takes_part(contender: str, case: str) -> bool:
    """Chains of gates are for those that record them; the rest for one form of each framework."""
    if case.startswith("gates"):
        return contender in ("numpy", "minigrad", "torch")
    return contender != "torch"


def build(contender: Any, setting: str, problem: Any, case: str) -> Built:
    name, size = case.split("=")
    if name == "gates":
        x = np.linspace(-1, 1, 8, dtype=np.float32)
        call = contender.chain(x, int(size))
        value, gradient = call()
        return Built(call, [*np.ravel(value).tolist(), *np.ravel(gradient).tolist()])
    problem = problem.resized(**{name: int(size)})
    training = contender.training("rnn", problem.weights("rnn"), setting, problem.rule)
    losses = training.steps(problem.batches(3))
    batches = cycle(problem.batches(13, start=3))
    for _ in range(EARLY - 3):
        training.steps([next(batches)])
    return Built(lambda: training.steps([next(batches)]), losses)


def difference(one: Any, other: Any) -> float:
    """The largest difference of two losses, or of two elements of the chain's value or gradient."""
    return float(np.max(np.abs(np.subtract(one, other))))
