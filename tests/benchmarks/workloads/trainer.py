"""(g) What optim.Trainer adds to a loop that one writes oneself."""

from __future__ import annotations

from typing import Any

from problem import Built

LETTER, NAME, TITLE = "g", "trainer", "The Trainer beside a bare loop"
TEXT = """A training step of (b)'s RNN, fused, in a loop of six lines, by a Trainer with neither metrics nor callbacks,
and by one with its usual ones: accuracy, a progress bar (to no terminal), a report, a stop at a loss that is not
finite. Compared: the mean loss of the first {compared} training steps."""
CASES = ("rnn",)
TOLERANCE = 1e-4
CHUNK = 200


def build(contender: Any, setting: str, problem: Any, case: str) -> Built:
    run = contender.trained(case, problem.weights(case), setting, problem.rule)
    loss = run(problem.batches(problem.sizes.compared))
    batches = problem.batches(CHUNK)
    return Built(lambda: run(batches), loss, CHUNK)


def difference(one: float, other: float) -> float:
    """The difference of the mean losses."""
    return abs(one - other)
