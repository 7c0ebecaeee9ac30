"""The Table: a parameter, such as word vectors, whose rows are read and updated individually.

A batch of reviews uses about 550 of the 10,000 rows of a word table. An optimizer with momentum
also changes the other rows, whose gradient is 0. Updating them at every step takes more time than
the rest of the step, so the optimizer may leave these updates pending. Pending updates are applied
when the table is read. A look-up updates only the rows that it reads. Any other access updates all
rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from ..graph import Array, Leaf, Node, next_serial
from ..pickling import register
from ..tensor import Tensor, TensorLike, from_node


class PendingUpdates(Protocol):
    """Updates that an optimizer has left pending."""

    def catch_up(self, rows: Array | None) -> None:
        """Apply the updates to these rows of the table's `stored` array (None: all rows)."""


class Table(Leaf):
    """A leaf of shape (rows, ...) that may have pending updates. Reading `output` applies them all.

    `stored` is the array without the pending updates. Its shape and dtype are always valid. Before
    you read rows of `stored`, apply their pending updates with `catch_up`.
    """

    __slots__ = ("pending", "stored")

    def __init__(
        self,
        output: Array,
        requires_grad: bool = True,
        name: str | None = None,
        origin: str = "created",
    ) -> None:
        self.pending: PendingUpdates | None = None
        super().__init__(output, requires_grad, name, origin)

    @property
    def output(self) -> Array:  # a slot in Node, a property here
        self.catch_up()
        return self.stored

    @output.setter
    def output(self, value: Array) -> None:
        self.catch_up()  # the pending updates belong to the old array
        self.stored = value  # type: ignore[misc]  # a property in Node, a slot here

    def catch_up(self, rows: Array | None = None) -> None:
        """Apply the pending updates to these rows of `stored` (None: all rows)."""
        if self.pending is not None:
            self.pending.catch_up(rows)

    def write(self, change: Callable[[Array], None]) -> None:
        """Call `change(array)` to write to the array in place. Pending updates are not applied.

        `change` must write only to rows that have no pending updates.
        """
        self.updated = next_serial()
        with writable(self.stored):
            change(self.stored)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.stored.dtype


register(Table)


def make_table(
    data: TensorLike, *, requires_grad: bool = True, name: str | None = None, dtype: Any = None
) -> Tensor:
    """Return a Tensor of shape (rows, ...) whose rows can be read and updated one by one.

    >>> table = make_table([[1.0, 2.0], [3.0, 4.0]])
    >>> table[0].array
    array([1., 2.], dtype=float32)

    Arguments and errors: as for Tensor.
    """
    leaf = Tensor(data, requires_grad=requires_grad, name=name, dtype=dtype).node
    return from_node(Table(leaf.output, requires_grad, name))


def catch_up(table: Node, ids: Array) -> None:
    """Apply the pending updates of the rows `ids`, if the node is a Table.

    If an id is outside the table, no updates are applied. The look-up raises the error later.
    """
    if (
        isinstance(table, Table)
        and table.pending is not None
        and ids.dtype.kind in "iu"
        and ids.size
        and 0 <= ids.min()
        and ids.max() < len(table.stored)
    ):
        table.catch_up(ids)


@contextmanager
def writable(array: Array) -> Iterator[None]:
    """Make an array writable within this block, and read-only after it."""
    array.setflags(write=True)
    try:
        yield
    finally:
        array.setflags(write=False)
