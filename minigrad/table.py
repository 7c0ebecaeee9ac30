"""The Table: a parameter that is read by rows, and whose rows an optimizer need not update before they are read.

A batch of reviews touches some 550 rows of a word table of 10,000. With gradient 0 an optimizer with momentum still
moves the others, and doing that at every step costs more than all else in it. It may leave their updates pending here.
Reading the table catches up with them first: a look-up with the rows that it reads, everything else with all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np

from .arrays import Array
from .context import setting
from .graph import Leaf, Node, next_serial
from .tensor import Tensor, TensorLike, from_node

_READING: ContextVar[Table | None] = ContextVar("reading", default=None)


class PendingUpdates(Protocol):
    """What an optimizer has put off, and can catch up with."""

    def catch_up(self, table: Table, rows: Array | None) -> None:
        """Bring those rows of `table.stored` up to date, or all (None)."""


class Table(Leaf):
    """A leaf of shape (rows, ...) that may have pending updates. Reading `output` catches up with all of them.

    `stored` is the array as it lies there: for its shape and dtype, and for those who have caught up with the rows that
    matter to them.
    """

    __slots__ = ("pending", "stored")

    def __init__(
        self, output: Array, requires_grad: bool = True, name: str | None = None, origin: str = "created"
    ) -> None:
        self.pending: PendingUpdates | None = None
        super().__init__(output, requires_grad, name, origin)

    @property
    def output(self) -> Array:  # a slot in Node, a property here
        if _READING.get() is not self:
            self.catch_up()
        return self.stored

    @output.setter
    def output(self, value: Array) -> None:
        self.catch_up()  # what was pending was meant for the array before
        self.stored = value

    def catch_up(self, rows: Array | None = None) -> None:
        """Bring those rows of `stored` up to date, or all."""
        if self.pending is not None:
            self.pending.catch_up(self, rows)

    def reading(self, rows: Array) -> setting:
        """Catch up with those rows; within this block the others are not read, and may stay pending."""
        self.catch_up(rows)
        return setting(_READING, self)

    def write(self, change: Callable[[Array], None]) -> None:
        """As Tensor.update, on the array as it lies: `change` writes to rows that are up to date."""
        self.updated = next_serial()
        with writable(self.stored):
            change(self.stored)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.stored.dtype


def make_table(data: TensorLike, *, requires_grad: bool = True, name: str | None = None, dtype: Any = None) -> Tensor:
    """A Tensor of shape (rows, ...) that look-ups read by rows, and optimizers update by rows.

    >>> table = make_table([[1.0, 2.0], [3.0, 4.0]])
    >>> table[0].array
    array([1., 2.], dtype=float32)

    Arguments and errors: as Tensor.
    """
    leaf = Tensor(data, requires_grad=requires_grad, name=name, dtype=dtype).node
    return from_node(Table(leaf.output, requires_grad, name))


def stored(node: Node) -> Array:
    """The array of a node as it lies there, to tell whether it is still the one that a gate was given."""
    return node.stored if isinstance(node, Table) else node.output


@contextmanager
def writable(array: Array) -> Iterator[None]:
    """An array that can be written to within this block, and not after it."""
    array.setflags(write=True)
    try:
        yield
    finally:
        array.setflags(write=False)
