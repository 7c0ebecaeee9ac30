"""Watch a training run through the engine's hooks, and keep, for some steps, what its page shows.

The first DENSE steps are kept, and then one step each time the number of steps has grown by the
factor GROWTH, so the number of kept steps grows with the logarithm of the run's length. The step
with the largest jump of the loss and the state after the last step are kept, too. The loss of every
step is kept.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Self

import numpy as np

from minigrad import Tensor
from minigrad.context import ON_BACKWARD, ON_EVENT, watching
from minigrad.graph import Array, Node, ancestors
from minigrad.replay import without_outputs
from minigrad.support.arrays import norm

from ..diagnosis.reading import name
from .examples import Examples
from .look import Record
from .snapshot import Snapshot

DENSE = 20
GROWTH = 1.2
SMOOTH = 0.9
BYTES = 80_000_000
"""The maximum size of the snapshots that wait to be developed, in bytes."""
RUNS = 6
"""The maximum number of networks to record, if a script trains several."""
MOVED = 12
COLUMNS = 16


class Run:
    """The training of one set of parameters."""

    def __init__(self, root: Node) -> None:
        self.words = visible_words()
        self.losses: list[float] = []
        self.records: dict[int, Record] = {}
        """The numbers that are shown, by the number of the step."""
        self.failed = 0
        """How many steps could not be computed again."""
        self.worst = 1
        """The step with the largest jump of the loss."""
        self.optimizer = ""
        self.rates: list[float] = []
        self.clipped: float | None = None
        """The largest norm of the gradients after clipping."""
        self.history: list[Any] = []
        """The Trainer's rows, one for each epoch."""
        self.examples = Examples(root)
        self._due = 1
        self._extra = 0
        self._jump = -math.inf
        self._mean = 0.0
        self._waiting: dict[int, Snapshot] = {}
        self._latest: Snapshot | None = None
        self._bytes = 0
        self._tables = {
            node.inputs[0]: node.inputs[0].stored.copy()
            for node in ancestors([root])
            if name(node) == "Lookup"
            and node.inputs[0].requires_grad
            and len(node.inputs[0].shape) == 2
        }

    @property
    def settings(self) -> list[str]:
        """The optimizer, the first and last learning rate, and the norm of clipped gradients."""
        if not self.rates:
            return []
        ends = dict.fromkeys([self.rates[0], self.rates[-1]])
        rate = " to ".join(f"{one:.3g}" for one in ends)
        found = [self.optimizer, f"learning rate {rate}"]
        if self.clipped is not None:
            found.append(f"gradients clipped to {self.clipped:g}")
        return found

    @property
    def jump(self) -> int | None:
        """The step with the largest jump of the loss, or None if this jump is not larger than the
        first loss. Smaller jumps may only be differences between batches.
        """
        notable = self._jump > abs(self.losses[0])
        return self.worst if notable else None

    def passed(self, root: Node) -> None:
        """Note the loss of a backward pass, and keep the pass if it is due."""
        self._end_step()
        loss = float(root.output) if root.output.size == 1 else math.nan
        self.losses.append(loss)
        step = len(self.losses)
        if step == 1:
            self._mean = loss
        jump = loss - self._mean
        self._mean += (1 - SMOOTH) * jump
        due = step == self._due
        if due and step < DENSE:
            self._due += 1
        elif due:
            self._due = math.ceil(step * GROWTH)
        if jump > self._jump:
            self._jump, self.worst = jump, step
            if not due:
                self.records.pop(self._extra, None)
                self._waiting.pop(self._extra, None)
                self._extra = step
        if due or self._extra == step:
            graph = without_outputs(root)[root]
            graph.upstream = root.upstream
            self._keep(step, graph)

    def finish(self) -> None:
        """Keep the state after the last step with the first batch, and develop all snapshots."""
        self._end_step()
        self._keep(len(self.losses) + 1, self.examples.root)
        self._develop()
        self.records = dict(sorted(self.records.items()))

    def _keep(self, step: int, graph: Node) -> None:
        shown: Record = {}
        for leaf, start in self._tables.items():
            rows, lengths = moved(leaf.stored, start)
            shown["rows", leaf.name or ""] = rows
            shown["distances", leaf.name or ""] = lengths
        self._latest = Snapshot(graph, self.examples, shown)
        self._waiting[step] = self._latest
        self._bytes += self._latest.size

    def _end_step(self) -> None:
        if self._latest is not None:
            self._latest.end_step()
            self._latest = None
        if self._bytes > BYTES:
            self._develop()

    def _develop(self) -> None:
        for step, snapshot in self._waiting.items():
            try:
                self.records[step] = snapshot.develop()
            except Exception:
                # a gate of the program cannot be called again
                self.failed += 1
        self._waiting = {}
        self._bytes = 0


class Recorder:
    """Records the backward passes in its block. The program inside runs as without it.

    >>> w = Tensor([1.0], requires_grad=True)
    >>> with Recorder() as recorder:
    ...     for _ in range(3):
    ...         (w * w).sum().backward()
    >>> (run,) = recorder.runs
    >>> run.losses, list(run.records)
    ([1.0, 1.0, 1.0], [1, 2, 3, 4])
    """

    def __init__(self, trainers: Sequence[Any] = ()) -> None:
        self._run_of: dict[Node, Run] = {}
        self._trainers = [*trainers]
        self._latest: Run | None = None
        """The run of the latest backward pass, to which the next step belongs."""
        self._stack = ExitStack()

    @property
    def runs(self) -> list[Run]:
        """The training of each network."""
        return list(self._run_of.values())

    def __enter__(self) -> Self:
        self._stack.enter_context(watching(ON_BACKWARD, self._on_backward))
        self._stack.enter_context(watching(ON_EVENT, self._on_event))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        for leaf, run in self._run_of.items():
            run.finish()
            for trainer in self._trainers:
                tensors = trainer.optimizer.parameters().values()
                if leaf in {tensor.node for tensor in tensors}:
                    run.history = trainer.history.rows

    def _on_backward(self, tensor: Tensor) -> None:
        # on several ranks, a pass that only one of them repeats would wait for the others
        if any(trainer.comm is not None for trainer in self._trainers):
            return
        leaf = last_parameter(tensor.node)
        if leaf is not None and leaf not in self._run_of and len(self._run_of) < RUNS:
            self._run_of[leaf] = Run(tensor.node)
        if leaf in self._run_of:
            self._latest = self._run_of[leaf]
            self._latest.passed(tensor.node)

    def _on_event(self, event: str, subject: Any, *more: Any) -> None:
        if event == "fit":
            self._trainers.append(subject)
        elif self._latest is None:
            return
        elif event == "clipped":
            (self._latest.clipped,) = more
        elif event == "step":
            self._latest.optimizer = type(subject).__name__
            self._latest.rates.append(subject.lr * subject.scale)


def moved(table: Array, start: Array) -> tuple[Array, Array]:
    """Return the rows of a table that moved most, and how far.

    Reading a large table takes longer than a small network's step. The first columns therefore
    decide which rows are measured.
    """
    few = table[:, :COLUMNS] - start[:, :COLUMNS]
    guess = largest(np.einsum("ij,ij->i", few, few), 4 * MOVED)
    change = table[guess] - start[guess]
    lengths = norm(change, axis=1)
    most = largest(lengths, MOVED)
    return guess[most], lengths[most]


def largest(numbers: Array, count: int) -> Array:
    """Return the places of the largest numbers, the largest first."""
    count = min(count, len(numbers))
    places = np.argpartition(numbers, -count)[-count:]
    return places[np.argsort(numbers[places])[::-1]]


def last_parameter(root: Node) -> Node | None:
    """Return the parameter that is found first from the loss, usually a bias of the last layer.

    It identifies the network, and takes less time to find than all parameters.
    """
    waiting, seen = [root], {root}
    while waiting:
        node = waiting.pop()
        if node.gate is None and node.requires_grad:
            return node
        waiting += [one for one in node.inputs if one not in seen]
        seen.update(node.inputs)
    return None


def visible_words() -> Any:
    """Return a vocabulary that the calling functions can see: a variable, or an attribute of one."""
    frame = sys._getframe().f_back
    while frame is not None:
        for value in list(frame.f_locals.values()):
            for one in (
                value,
                getattr(value, "vocabulary", None),
            ):
                if type(one).__name__ in (
                    "Vocabulary",
                    "Characters",
                ):
                    return one
        frame = frame.f_back
    return None
