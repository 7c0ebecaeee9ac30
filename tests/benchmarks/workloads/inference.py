"""(c) Classifying all reviews, with nothing recorded, in batches of the size that suits each contender best."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from problem import Built

LETTER, NAME, TITLE = "c", "inference", "Classifying all reviews"
TEXT = """The same classifier over {reviews:,} reviews, nothing recorded. Each contender takes batches of the size that
is fastest for it, found beforehand. Compared: the logits."""
CASES = ("rnn", "gru", "lstm")
TOLERANCE = 1e-4
BATCHES = (50, 100, 250, 1000, 5000)  # divisors of 25,000: a last batch of another size would be compiled once more


def build(contender: Any, setting: str, problem: Any, case: str) -> Built:
    predict = contender.inference(case, problem.weights(case), setting)

    def classify(batch: int) -> Any:
        return np.concatenate([
            np.ravel(predict(problem.ids[start : start + batch])) for start in range(0, len(problem.ids), batch)
        ])  # fmt: skip

    sizes = [batch for batch in BATCHES if batch <= len(problem.ids)] or [len(problem.ids)]
    fastest = min(sizes, key=lambda batch: seconds(predict, problem.ids[:batch]) / batch)
    logits = classify(fastest)
    return Built(lambda: classify(fastest), logits[:: max(1, len(logits) // 1000)].tolist(), 1, f"batch {fastest:,}")


def seconds(predict: Any, ids: Any) -> float:
    """CPU time of one batch, the least of five."""
    predict(ids)  # compiles, where anything is compiled
    times = []
    for _ in range(5):
        began = time.process_time()
        predict(ids)
        times.append(time.process_time() - began)
    return min(times)


def difference(one: Any, other: Any) -> float:
    """The largest difference of two logits."""
    return float(np.max(np.abs(np.subtract(one, other))))
