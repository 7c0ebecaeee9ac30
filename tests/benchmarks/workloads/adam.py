"""(f) Adam over an embedding table of which a batch touches a few rows."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from problem import Built

LETTER, NAME, TITLE = "f", "adam", "Adam over an embedding table"
TEXT = """A step of Adam over a table of so many rows, {width} wide, given the gradient of one batch of {batch}
reviews, whose ids touch some 555 rows. minigrad is given the ids and the gradient of each look-up, as its engine has
them, and sums those of one row itself; the others are given the whole array, filled in where a batch touches it. 200
batches go around, so that no moment decays into denormals, which would slow NumPy down. Compared: the table after the
first {compared} steps, relative to the largest movement in it."""
CASES = ("10,000 rows", "50,000 rows", "200,000 rows")
TOLERANCE = 1e-4
BATCHES = 200


def build(contender: Any, setting: str, problem: Any, case: str) -> Built:
    rows = int(case.split()[0].replace(",", ""))
    if rows > problem.sizes.vocabulary:
        problem = problem.resized(vocabulary=rows)
    rng = np.random.default_rng(1)
    shape = (problem.sizes.batch * problem.sizes.steps, problem.sizes.width)
    pools = cycle([1e-3 * rng.standard_normal(shape, np.float32) for _ in range(7)])
    pieces = [(ids.ravel(), next(pools)) for ids, _ in problem.batches(BATCHES)]
    table = np.zeros((rows, problem.sizes.width), np.float32)
    step, read = contender.adam(table, setting, problem.rule)
    given = [contender.gradient(*piece) if hasattr(contender, "gradient") else summed(*piece) for piece in pieces]
    gradients = cycle(given)
    for _ in range(problem.sizes.compared):
        step(next(gradients))
    after = read()[problem.ids[:: max(1, len(problem.ids) // 100), -1], :10]
    for _ in range(BATCHES - problem.sizes.compared):
        step(next(gradients))
    return Built(lambda: step(next(gradients)), after.tolist())


def summed(ids: Any, values: Any) -> tuple[Any, Any]:
    """The distinct ids, and the sum of the values of each."""
    distinct, place = np.unique(ids, return_inverse=True)
    sums = np.zeros((len(distinct), values.shape[1]), np.float32)
    np.add.at(sums, place, values)
    return distinct, sums


def difference(one: Any, other: Any) -> float:
    """The largest difference of two elements, relative to the largest movement (the table began as zeros)."""
    return float(np.max(np.abs(np.subtract(one, other))) / np.max(np.abs(one)))
