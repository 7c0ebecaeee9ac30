"""Watch a training run through the engine's hooks, and keep what its page shows of some steps.

The first DENSE steps are kept, and then a step each time their number has grown by the factor
GROWTH, so the number of kept steps grows with the logarithm of the run's length. The step with the
largest jump of the loss and the state after the last step are kept, too. Of every step, the loss is
kept.

A step is kept as a snapshot: the graph without its arrays, and copies of the parameters, which take
little time. Its numbers are taken later, when the graph is computed again (`minigrad.replay`).
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from minigrad import Tensor
from minigrad.context import (
    ON_BACKWARD,
    ON_EVENT,
    ON_GRADIENT,
    ON_RECORD,
    SCOPE,
    enable_grad,
    setting,
    watching,
)
from minigrad.gates.table import Table
from minigrad.graph import Array, Node, ancestors
from minigrad.random import generator
from minigrad.replay import again, without_outputs

from ..diagnosis.reading import PLAIN, name
from ..lazy import values
from .examples import Examples
from .look import Record, look, sample

DENSE = 20
GROWTH = 1.2
SMOOTH = 0.9
BYTES = 80_000_000
"""The size of the snapshots that wait."""
RUNS = 6
"""A script may train several networks. More than these are not recorded."""
MOVED = 12
COLUMNS = 16


@dataclass
class Snapshot:
    """A step that will be shown."""

    graph: Node
    present: dict[Node, Tensor]
    """The parameters of `graph`."""
    first: dict[Node, Tensor]
    """The parameters of the first batch's graph."""
    shown: Record
    after: dict[Node, Array] = field(default_factory=dict)
    """Samples of the parameters after the step, by the nodes in `present`."""


class Run:
    """The training of one set of parameters."""

    def __init__(self, root: Node) -> None:
        self.words = visible_words()
        self.losses: list[float] = []
        self.records: dict[int, Record] = {}
        """What is shown, by the number of the step."""
        self.worst = 1
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
    def parts(self) -> dict[str, Any]:
        """{name of a part: [symbols of its gates, number of its parameters]} in the first batch."""
        return {
            part.name: [
                list(
                    dict.fromkeys(
                        n.gate.symbol for n in part.nodes if name(n) not in PLAIN
                    )
                ),
                sum(math.prod(leaf.shape) for leaf in part.leaves),
            ]
            for part in self.examples.parts.values()
        }

    def passed(self, root: Node) -> None:
        """Note the loss of a backward pass, and keep the pass if it is due."""
        self._end_step()
        loss = float(root.output) if root.output.size == 1 else math.nan
        self.losses.append(loss)
        step = len(self.losses)
        jump = loss - self._mean if step > 1 else 0.0
        self._mean = SMOOTH * self._mean + (1 - SMOOTH) * loss if step > 1 else loss
        due = step == self._due
        if due:
            self._due = math.ceil(step * GROWTH) if step >= DENSE else step + 1
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
        present, first = freeze(graph), freeze(self.examples.root)
        self._latest = Snapshot(graph, present, first, shown)
        self._waiting[step] = self._latest
        self._bytes += size(graph, present, first)

    def _end_step(self) -> None:
        """Copy samples of what the step has changed, and develop snapshots if they are large."""
        if self._latest is None:
            return
        present = self._latest.present
        after = freeze(self._latest.graph)
        self._latest.after = {
            tensor.node: sample(after[leaf].array) for leaf, tensor in present.items()
        }
        self._latest = None
        if self._bytes > BYTES:
            self._develop()

    def _develop(self) -> None:
        for step, one in self._waiting.items():
            # a gate of the program may fail when it is called again, but the program goes on
            with suppress(Exception), apart():
                made = again(one.graph, one.present, in_scope)
                root = made[one.graph].node
                record = look(root, one.after, one.graph.upstream)
                shown = self.examples.show(one.first)
                self.records[step] = {**record, **shown, **one.shown}
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
            self._run_of[leaf].passed(tensor.node)

    def _on_event(self, event: str, subject: Any, *more: Any) -> None:
        if event == "fit":
            self._trainers.append(subject)


def freeze(graph: Node) -> dict[Node, Tensor]:
    """Return copies of the parameters of a graph, with which `again` computes it.

    Of a table that is only looked up, the copy contains the rows that the graph reads, and its ids
    are replaced, too.
    """
    users: dict[Node, list[Node]] = defaultdict(list)
    for node in ancestors([graph]):
        for leaf in node.inputs:
            if leaf.gate is None and leaf.requires_grad:
                users[leaf].append(node)
    frozen: dict[Node, Tensor] = {}
    for leaf, nodes in users.items():
        rows: Any = ...
        if isinstance(leaf, Table) and all(name(node) == "Lookup" for node in nodes):
            ids = {node.inputs[1] for node in nodes}
            rows = np.unique(np.concatenate([one.output.ravel() for one in ids]))
            for one in ids:
                frozen[one] = Tensor(np.searchsorted(rows, one.output))
        frozen[leaf] = Tensor(values(leaf, rows), requires_grad=True, name=leaf.name)
    return frozen


def size(graph: Node, *copies: dict[Node, Tensor]) -> int:
    """Return the bytes of a snapshot: its copies, and the batch, which its graph keeps."""
    leaves = [node for node in ancestors([graph]) if node.gate is None]
    batch = [leaf.output for leaf in leaves if not leaf.requires_grad]
    tensors = [one.array for copy in copies for one in copy.values()]
    return sum(array.nbytes for array in (*batch, *tensors))


def in_scope(node: Node, inputs: Any) -> Tensor:
    """Call a gate in its scope, which decides to which part it belongs."""
    with setting(SCOPE, node.scope):
        return node.gate(*inputs)  # type: ignore[no-any-return]


class apart(ExitStack):
    """A block in which the run's hooks are not called, and after which its random numbers continue."""

    def __enter__(self) -> Self:
        bits = generator().bit_generator
        self.callback(setattr, bits, "state", bits.state)
        for hook in (ON_BACKWARD, ON_GRADIENT, ON_RECORD):
            self.enter_context(setting(hook, None))
        self.enter_context(enable_grad())
        self.enter_context(np.errstate(all="ignore"))
        return super().__enter__()


def moved(table: Array, start: Array) -> tuple[Array, Array]:
    """Return the rows of a table that moved most, and how far.

    Reading a large table takes longer than a small network's step. The first columns therefore
    decide which rows are measured.
    """
    few = table[:, :COLUMNS] - start[:, :COLUMNS]
    guess = np.argsort(np.square(few).sum(axis=1))[-4 * MOVED :]
    lengths = np.sqrt(np.square(table[guess] - start[guess]).sum(axis=1))
    most = np.argsort(lengths)[::-1][:MOVED]
    return guess[most], lengths[most]


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
            for one in (value, getattr(value, "vocabulary", None)):
                if type(one).__name__ in ("Vocabulary", "Characters"):
                    return one
        frame = frame.f_back
    return None
