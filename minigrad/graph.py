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

from .context import SCOPE, scope_label
from .support.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray  # numpy.typing is slow to import, and only type checkers need it

next_serial = count(1).__next__


class Node:
    """One gate call, `output = gate.forward(*arrays)`, recorded in `scope`.

    `serial` is unique in the program. A node's serial number is higher than its inputs' serial
    numbers, so sorting nodes by `serial` gives a topological order. `arrays` contains the input
    arrays at the time of the call, followed by the value that forward saved for backward. Drawings
    use two more attributes. `source`, such as "file.py:12", is set while lines are traced.
    `upstream` is the gradient with which the last backward pass from this node started.
    """

    __slots__ = (
        "arrays",
        "gate",
        "inputs",
        "name",
        "output",
        "requires_grad",
        "scope",
        "serial",
        "source",
        "upstream",
    )

    updated = 0  # the serial number of the last in-place update; only leaves are ever updated

    def __init__(
        self,
        gate: Any,
        inputs: tuple[Node, ...],
        arrays: tuple[Any, ...],
        output: Array,
        requires_grad: bool,
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

    __slots__ = ("cut_from", "grad", "origin", "updated")

    def __init__(
        self,
        output: Array,
        requires_grad: bool = False,
        name: str | None = None,
        origin: str = "created",
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


class LazyGradient:
    """A gradient that is not an array yet. `dense()` computes the array.

    The subclasses are in fast/accumulator.py.
    """

    __slots__ = ("dtype", "shape")
    # Makes `array + lazy` raise an error. Otherwise, NumPy would add `lazy` to each element.
    __array_ufunc__ = None

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype

    def dense(self) -> Array:
        raise NotImplementedError

    def finalize(self) -> Any:
        """Return the gradient that a leaf stores: an array, or self if optimizers can use it."""
        return self.dense()


def dense(gradient: Any) -> Any:
    """Return a gradient as an array. Arrays and Tensors are returned unchanged."""
    return gradient.dense() if isinstance(gradient, LazyGradient) else gradient


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
