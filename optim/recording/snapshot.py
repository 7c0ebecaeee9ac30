"""A step as a snapshot: the graph without its arrays, and copies of the parameters.

Taking a snapshot takes little time, because its numbers are computed later, when `minigrad.replay`
computes the graph again.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from minigrad import Tensor
from minigrad.context import (
    ON_BACKWARD,
    ON_GRADIENT,
    ON_RECORD,
    SCOPE,
    enable_grad,
    setting,
)
from minigrad.gates.table import Table
from minigrad.graph import Array, Node, ancestors
from minigrad.random import generator
from minigrad.replay import again

from ..diagnosis.reading import name
from ..lazy import values
from .examples import Examples
from .look import Record, look, sample

Frozen = dict[Node, Tensor]


@dataclass
class Snapshot:
    """A step that will be shown. `shown` contains what is already known."""

    graph: Node
    examples: Examples
    shown: Record

    def __post_init__(self) -> None:
        self.present = freeze(self.graph)
        self.first = freeze(self.examples.root)
        self.after: dict[Node, Array] = {}
        """Samples of the parameters after the step, by the nodes in `present`."""

    @property
    def size(self) -> int:
        """The bytes of the copies, and of the batch, which the graph keeps."""
        leaves = [one for one in ancestors([self.graph]) if one.gate is None]
        batch = [leaf.output for leaf in leaves if not leaf.requires_grad]
        copies = [*self.present.values(), *self.first.values()]
        arrays = [*batch, *(tensor.array for tensor in copies)]
        return sum(array.nbytes for array in arrays)

    def end_step(self) -> None:
        """Copy samples of what the step has changed."""
        after = freeze(self.graph)
        for leaf, tensor in self.present.items():
            self.after[tensor.node] = sample(after[leaf].array)

    def develop(self) -> Record:
        """Compute the graph and the examples again, and collect their numbers."""
        with apart():
            made = again(self.graph, self.present, in_scope)
            root = made[self.graph].node
            record = look(root, self.after, self.graph.upstream)
            shown = self.examples.show(self.first)
        return {**record, **shown, **self.shown}


def freeze(graph: Node) -> Frozen:
    """Return copies of the parameters of a graph, with which `again` computes the graph.

    If a table is only looked up, its copy contains just the rows that the graph reads, and copies
    of the ids refer to the rows of this copy.
    """
    users: dict[Node, list[Node]] = defaultdict(list)
    for node in ancestors([graph]):
        for leaf in node.inputs:
            if leaf.gate is None and leaf.requires_grad:
                users[leaf].append(node)
    frozen: Frozen = {}
    for leaf, nodes in users.items():
        rows: Any = ...
        if isinstance(leaf, Table) and all(name(node) == "Lookup" for node in nodes):
            ids = {node.inputs[1] for node in nodes}
            rows = np.unique(np.concatenate([one.output.ravel() for one in ids]))
            for one in ids:
                frozen[one] = Tensor(np.searchsorted(rows, one.output))
        frozen[leaf] = Tensor(values(leaf, rows), requires_grad=True, name=leaf.name)
    return frozen


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
