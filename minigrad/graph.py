"""What a program leaves behind: a node for each gate call, joined to the nodes that it came from.

A reader finds here the Node, the Leaf, and `ancestors`, the order in which a graph is walked. Nodes point at the nodes
they came from and never the other way, so a graph has no reference cycles: it is freed as soon as the last tensor that
leads to it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from .arrays import Array
from .context import SCOPE, show

next_serial = count(1).__next__


class Node:
    """One call of a gate: `output = gate.forward(*arrays)`, in `scope`, as number `serial` since the program began.

    Serial numbers grow along every edge, so sorting by them is a topological order. `arrays` are the inputs as they
    were at the call, followed by what the gate saved for backward. `source` ("file.py:12") is set where lines are
    traced, and `upstream`, the gradient that a backward pass started with, by `backward`: drawings show both.
    """

    __slots__ = ("arrays", "gate", "inputs", "name", "output", "requires_grad", "scope", "serial", "source", "upstream")

    updated = 0  # the serial number of the last change in place; only leaves are ever changed

    def __init__(
        self, gate: Any, inputs: tuple[Node, ...], arrays: tuple[Any, ...], output: Array, requires_grad: bool
    ) -> None:
        self.gate = gate  # None for a leaf
        self.inputs = inputs
        self.arrays = arrays
        self.output = output
        self.requires_grad = requires_grad
        self.scope = SCOPE.get()
        self.serial = next_serial()
        self.name: str | None = None
        self.source: str | None = None
        self.upstream: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.output.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.output.dtype

    @property
    def predecessors(self) -> tuple[Node, ...]:
        """The nodes that the value came from: the inputs, or behind a cut the node that was cut."""
        return self.inputs

    def __repr__(self) -> str:
        kind = self.gate.name if self.gate else type(self).__name__
        return f"<{kind} #{self.serial} {self.name or 'unnamed'} {self.shape} in {show(self.scope)}>"


class Leaf(Node):
    """A node that no gate made: a parameter, an input, a constant. Its gradients add up in `grad`.

    `origin` says how it came to be: "created", "constants" (a gate none of whose inputs wanted a gradient), "no_grad",
    "detached" or "cut". Behind a cut, `cut_from` is the node whose value went on without its history. Whoever writes to
    `output` in place sets `updated` to a new serial number: graphs that were recorded before hold a changed array.
    """

    __slots__ = ("cut_from", "grad", "origin", "updated")

    def __init__(
        self, output: Array, requires_grad: bool = False, name: str | None = None, origin: str = "created"
    ) -> None:
        super().__init__(None, (), (), output, requires_grad)
        self.name = name
        self.grad: Any = None
        self.origin = origin
        self.cut_from: Node | None = None
        self.updated = 0

    @property
    def predecessors(self) -> tuple[Node, ...]:
        return () if self.cut_from is None else (self.cut_from,)


def ancestors(roots: Iterable[Node], follow: Callable[[Node], Iterable[Node]] | None = None) -> list[Node]:
    """All nodes that lead to `roots`, and the roots, newest first: a reverse topological order, of any depth.

    `follow(node)` gives the nodes to go on to: its inputs, or with attrgetter("predecessors") also through cuts.
    """
    found = list(dict.fromkeys(roots))
    seen = set(found)
    for node in found:  # which grows as the loop goes on
        for parent in node.inputs if follow is None else follow(node):
            if parent not in seen:
                seen.add(parent)
                found.append(parent)
    return sorted(found, key=attrgetter("serial"), reverse=True)
