"""The graph: one node for each recorded gate call, with references to its input nodes.

This module defines Node, Leaf and `ancestors`, which lists the nodes of a graph in the order of a
backward pass. Nodes refer only to their inputs, so a graph has no reference cycles. Its memory is
freed when no tensor refers to the graph anymore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from .context import Scope, current_scope, scope_label
from .support.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray  # numpy.typing is slow to import, and only type checkers need it

Shape = tuple[int, ...]
next_serial = count(1).__next__


class Node:
    """One gate call, `output = gate.forward(*arrays)`, recorded in `scope` by Gate.__call__.

    `serial` is unique in the program. A node's serial number is higher than its inputs' serial
    numbers, so sorting nodes by `serial` gives a topological order. `arrays` contains the input
    arrays at the time of the call, followed by the value that forward saved for backward. Drawings
    use two more attributes. `source`, such as "file.py:12", is set while lines are traced.
    `upstream` is the gradient with which the last backward pass from this node started.
    """

    __slots__ = (
        "arrays", "gate", "inputs", "name", "output", "scope", "serial", "source", "upstream"
    )  # fmt: skip

    requires_grad = True  # only a leaf may require no gradient
    updated = 0  # the serial number of the last in-place update; only leaves are ever updated

    gate: Any  # None for a leaf
    inputs: tuple[Node, ...]
    arrays: tuple[Any, ...]
    output: Array
    scope: Scope
    serial: int
    name: str | None
    source: str | None
    upstream: Any

    @property
    def shape(self) -> Shape:
        return self.output.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.output.dtype

    @property
    def stored(self) -> Array:
        """The output array without its pending updates.

        If the node is a table that optimizers update row by row, some rows may be out of date.
        """
        return self.output

    @property
    def predecessors(self) -> tuple[Node, ...]:
        """The node's inputs or, for the result of a cut, the node that was cut."""
        return self.inputs

    def __repr__(self) -> str:
        name = f"{self.gate.name if self.gate else type(self).__name__} #{self.serial} {self.name or 'unnamed'}"
        return printable(f"<{name} {self.shape} {scope_label(self.scope)}>")


class Leaf(Node):
    """A node without a recorded gate call: a parameter, an input or a constant.

    Gradients accumulate in `grad`. `origin` describes how the leaf was made: "created", "constants"
    (the output of a gate whose inputs required no gradient), "no_grad", "detached" or "cut". After
    a cut, `cut_from` is the node that was cut. Code that writes to `output` in place must set
    `updated` to a new serial number. A backward pass through an older graph that uses the array
    then raises an error.
    """

    __slots__ = ("cut_from", "grad", "origin", "requires_grad", "updated")

    def __init__(
        self,
        output: Array,
        requires_grad: bool = False,
        name: str | None = None,
        origin: str = "created",
    ) -> None:
        self.gate = None
        self.inputs = self.arrays = ()
        self.output = output
        self.scope = current_scope()
        self.serial = next_serial()
        self.name = name
        self.source = self.upstream = None
        self.requires_grad = requires_grad
        self.grad: Any = None
        self.origin = origin
        self.cut_from: Node | None = None
        self.updated = 0

    @property
    def predecessors(self) -> tuple[Node, ...]:
        return () if self.cut_from is None else (self.cut_from,)


def ancestors(
    roots: Iterable[Node], follow: Callable[[Node], Iterable[Node]] | None = None
) -> list[Node]:
    """Return the roots and all their ancestors, newest first: a reverse topological order.

    `follow(node)` returns the nodes to visit next. The default is the node's inputs. With
    attrgetter("predecessors"), the result also includes the nodes before a cut.
    """
    found = list(dict.fromkeys(roots))
    seen = set(found)
    # The list grows during the loop. A recursive function would fail on very deep graphs.
    for node in found:
        for parent in node.inputs if follow is None else follow(node):
            if parent not in seen:
                seen.add(parent)
                found.append(parent)
    return sorted(found, key=attrgetter("serial"), reverse=True)
