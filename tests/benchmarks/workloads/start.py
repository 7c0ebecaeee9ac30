"""(e) How long until one can begin: `import`, and a new process's first training step."""

from __future__ import annotations

from typing import Any

from problem import Built

LETTER, NAME, TITLE = "e", "start", "Import, and the first training step"
TEXT = """`import` of the package in a new interpreter; and the time from the start of a process until its first
training step of (b)'s RNN is done: import, building the model, compiling where anything is compiled. Compared: the
first loss."""
CASES = ("import", "first step")
TOLERANCE = 1e-4


def takes_part(contender: str, case: str) -> bool:
    """Nobody wrote (b)'s training step for autograd."""
    return case == "import" or contender != "autograd"


def build(contender: Any, setting: str, problem: Any, case: str) -> Built:
    training = contender.training("rnn", problem.weights("rnn"), setting, problem.rule)
    losses = training.steps(problem.batches(1))
    return Built(lambda: None, losses)


def difference(one: Any, other: Any) -> float:
    """The difference of the first losses; none for an import, which computes nothing."""
    return abs(one[0] - other[0]) if one and other else 0.0
