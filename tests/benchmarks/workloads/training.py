"""(b) One training step of experiment 1a: embedding, recurrence, dense layer, cross entropy, Adam."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

import numpy as np
from problem import Built

LETTER, NAME, TITLE = "b", "training", "One training step of the classifier"
TEXT = """Embedding({vocabulary}, {width}), a recurrent layer of {hidden} units over {steps} time steps, Dense(1),
binary cross entropy, Adam over all rows of the embedding; batches of {batch} real reviews. Timed after {aged} training
steps. Compared: the losses of the first {compared} training steps from equal weights."""
CASES = ("rnn", "gru", "lstm")
TOLERANCE = 1e-4
CHUNK = 100  # training steps to a call: enough for those that have a compiled loop of their own


def build(contender: Any, setting: str, problem: Any, case: str) -> Built:
    sizes = problem.sizes
    training = contender.training(case, problem.weights(case), setting, problem.rule)
    losses = training.steps(problem.batches(sizes.compared))
    run = getattr(training, "run", training.steps)
    run(problem.batches(sizes.aged - sizes.compared, start=sizes.compared))
    batches = cycle(problem.batches(len(problem.labels) // sizes.batch))
    return Built(lambda: run(list(islice(batches, CHUNK))), losses, CHUNK)


def difference(one: Any, other: Any) -> float:
    """The largest difference of two losses."""
    return float(np.max(np.abs(np.subtract(one, other))))
