"""Repeat the recorded steps of a run from the parameters' first values, with one thing changed.

The control is the repetition with nothing changed. If its losses are the run's own, bit for bit, a
repetition with one thing changed shows the effect of this thing on the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.context import enable_grad
from minigrad.graph import Array, Node, ancestors
from minigrad.replay import Change, again

from ..adam import Adam
from ..clipping import clip_gradients
from ..lazy import duplicate
from ..optimizer import Optimizer
from .watch import Clip, Pass, Update, Watch

SECONDS = 1.5
"""The time limit of one repetition."""
Repeated = dict[Node, Tensor]
"""The Tensors that a repeated pass has computed, by the nodes of the recorded graph."""
Objective = Callable[[Repeated, Node], Tensor]
"""A function that returns a loss. Its arguments are a repeated pass and the graph's last node."""
Measure = Callable[[Repeated, Node], float]


@dataclass
class Trial:
    """One change of a run. Fields that are None change nothing."""

    change: Change | None = None
    """Replaces the output of some gates."""
    leaf: Callable[[Node], Array | None] | None = None
    """Replaces the arrays of some constants, such as inputs and labels."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the optimizer, such as {"momentum": 0.0}."""
    rate: float = 1.0
    """A factor of the learning rate."""
    clear: bool = False
    """Whether gradients are set to zero before each backward pass."""
    clip: bool = True
    """Whether gradients are clipped as in the run."""
    one_optimizer: bool = False
    """Whether the optimizer keeps its state where the run made a new optimizer."""
    start: Callable[[str, Array], Array] | None = None
    """Draws the parameters' first values."""
    one_batch: bool = False
    """Whether every step uses the first batch."""
    objective: Objective | None = None
    """Computes another loss, which the steps minimize instead, from {node: Tensor} and the graph."""
    measure: Measure | None = None
    """Computes the number that is returned in place of the run's loss."""
    adam: bool = False
    """Whether Adam with its usual rate takes the place of the run's optimizer."""
    epochs: int = 1
    """How often the recorded steps are repeated."""


def losses(watch: Watch, trial: Trial) -> list[float]:
    """Return the losses of the recorded steps, with the trial's change.

    The list ends early if a loss is not finite, or after SECONDS.
    """
    return list(_steps(watch, trial))


def _steps(watch: Watch, trial: Trial) -> Iterator[float]:
    optimizer: Optimizer = duplicate(watch.start)
    values = match(watch, optimizer)
    if trial.start is not None:
        for path, tensor in optimizer.parameters().items():
            tensor.array = trial.start(path, tensor.array)
    if trial.adam:
        optimizer = Adam(optimizer.parameters(), lr=0.01)
    current = 0
    first: Pass | None = None
    until = time.process_time() + SECONDS
    with enable_grad(), np.errstate(all="ignore"):
        for event in recorded(watch) * trial.epochs:
            if isinstance(event, Pass):
                first = first or event
                one = first if trial.one_batch else event
                kept = {values[leaf].node for leaf in event.kept if leaf in values}
                for tensor in values.values():
                    if trial.clear or tensor.node not in kept:
                        tensor.grad = None
                made = run(one, values, trial)
                graph = one.graph
                assert graph is not None
                loss = made[graph]
                yield trial.measure(made, graph) if trial.measure else loss.item()
                if not np.isfinite(loss.array) or time.process_time() > until:
                    return
                if trial.objective is not None:
                    loss = trial.objective(made, graph)
                loss.backward()
            elif isinstance(event, Clip) and trial.clip:
                clipped = [values[leaf] for leaf in event.leaves if leaf in values]
                clip_gradients(clipped, event.max_norm)
            elif isinstance(event, Update):
                if event.optimizer != current and not trial.one_optimizer:
                    reset(optimizer)
                current = event.optimizer
                if not trial.adam:
                    optimizer.load_hyperparameters({**event.settings, **trial.settings})
                optimizer.scale *= trial.rate
                optimizer.step()


def run(one: Pass, values: Mapping[Node, Tensor], trial: Trial) -> Repeated:
    """Compute a recorded pass with other parameters and the trial's change."""
    assert one.graph is not None
    made = dict(values)
    if trial.leaf is not None:
        for node in ancestors([one.graph]):
            if node.gate is None and node not in made:
                array = trial.leaf(node)
                if array is not None:
                    made[node] = Tensor(array)
    return again(one.graph, made, trial.change)


def recorded(watch: Watch) -> list[Any]:
    """Return the events up to the last one whose graph was kept, and the pass that failed."""
    events = watch.events
    for number, event in enumerate(events):
        if isinstance(event, Pass) and event.graph is None:
            return events[:number]
    if watch.failed is None:
        return events
    graph, line = watch.failed
    return [*events, Pass(graph, line, [], [])]


def match(watch: Watch, optimizer: Optimizer) -> dict[Node, Tensor]:
    """Return {leaf of the run: the copied optimizer's parameter}. Other parameters become
    constants.
    """
    mine = optimizer.parameters()
    values = {leaf: Tensor(array) for leaf, array in watch.first.items()}
    for made in watch.optimizers:
        for path, leaf in made.leaves.items():
            if path in mine:
                values[leaf] = mine[path]
    for leaf, path in watch.by_hand.items():
        values[leaf] = mine[path]
    return values


def reset(optimizer: Optimizer) -> None:
    """Clear the optimizer's state, as if the optimizer were new."""
    for path, slots in optimizer.state.items():
        optimizer.steps[path] = 0
        for array in slots.values():
            array[...] = 0
