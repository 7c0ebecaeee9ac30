"""Look-ups of table rows by id."""

from typing import Any

import numpy as np

from ..context import RECORDING, SEAMS
from ..errors import DtypeError, IndexRangeError
from ..gate import Gate, Shape
from ..graph import Array, Leaf, Node
from ..pickling import register
from ..tensor import Tensor, TensorLike, as_tensors, from_node
from .indexing import gradient_of_picked, whole
from .samples import samples_on


class _ReadsRows(Gate):
    """Base class of gates that read only some rows of a table (V, D).

    The second input, integer ids of any shape, selects the rows.
    """

    constant_inputs = (1,)

    in_place_of: Any = None
    """The gate of an earlier look-up of the same rows. This gate reads the table itself instead of
    using that gate's result."""

    def __repr__(self) -> str:
        return f"{self.name}()"  # `in_place_of` is not a setting

    def skipped(self, dz, table, ids, *others):
        """Return the gradient of the earlier look-up's result, which the backward pass skips."""
        return dz

    def read(self, *nodes: Node) -> tuple[Any, ...]:
        table, *others = nodes
        arrays = super().read(*others)
        return (SEAMS.read_rows(table, arrays[0]), *arrays)

    def _check(self, ids, vocabulary: int) -> None:
        if ids.dtype.kind not in "iu":
            raise DtypeError(
                "MG117",
                f"{self.name} takes integer ids, not {ids.dtype}",
                cause="each id is the index of a row of the table",
                remedy="convert the ids with ids.astype('int64'), or pass a list of Python "
                "integers",
            )
        # As an unsigned integer, a negative id is huge. So one comparison finds all ids that are
        # negative or too large.
        if not ids.size or ids.astype(np.int64, copy=False).view(np.uint64).max() < vocabulary:
            return
        strays = ids[(ids < 0) | (ids >= vocabulary)]
        raise IndexRangeError(
            "MG141",
            f"id {strays[0]} is outside the vocabulary of size {vocabulary} (affects "
            f"{strays.size} of {ids.size} ids)",
            cause="the ids come from a vocabulary that is larger than the table, or the numbers "
            "are not ids",
            remedy=f"use a vocabulary whose ids run from 0 to {vocabulary - 1}, or a larger table",
        )


class Lookup(_ReadsRows):
    """z = table[ids], one row of `table` (V, D) per id. d(table) = dz, added at the rows `ids`.

    The ids are integers from 0 to V-1, in an array of any shape. z has shape ids.shape + (D,). With
    `minigrad.fast`, the table's gradient is a SparseGradient (fast/accumulator.py), stored as (ids,
    dz); otherwise it is a dense array.

    >>> lookup(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0]).array
    array([[3., 4.],
           [3., 4.],
           [1., 2.]], dtype=float32)

    Errors: IndexRangeError if an id is outside the table (MG141), DtypeError if the ids are not
    integers (MG117).
    """

    symbol = "look-up"
    operations = 0

    def __call__(self, *inputs: TensorLike) -> Tensor:
        table, ids = as_tensors(inputs)
        rows = super().__call__(table, ids)
        if isinstance(rows.node, Leaf):  # not recorded
            return from_node(LookedUp(rows.node, self, table.node, ids.node))
        return rows

    def forward(self, table, ids):
        self._check(ids, len(table))
        return table.take(ids.astype(np.intp, copy=False), axis=0)

    def backward(self, dz, z, table, ids):
        return (lambda: gradient_of_picked(table.shape, ids, dz)), None

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[1] + shapes[0][1:]

    sample_inputs = samples_on([(5, 3), [1, 4, 1]], [(5, 3), [[0, 1], [2, 2]]], [(5, 3), 3])


class LookedUp(Leaf):
    """The result of a look-up that was not recorded.

    `look_up` is the node that would exist if the look-up had been recorded.
    """

    __slots__ = ("look_up",)

    def __init__(self, rows: Leaf, gate: Lookup, table: Node, ids: Node) -> None:
        super().__init__(rows.output, origin=rows.origin)
        self.look_up = Node(gate, (table, ids), (table.stored, ids.output), rows.output, False)


def table_and_ids(x: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return (table, ids) if x is the result of a look-up, else None.

    Also return None if `lookup(table, ids)` could not replace x. This is the case if x, the table
    or the ids have changed since the look-up. It is also the case if only one of x and
    `lookup(table, ids)` would pass a gradient to the table.

    >>> table, ids = table_and_ids(lookup(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0]))
    >>> table.shape, ids.shape
    ((2, 2), (3,))
    """
    node = x.node
    look_up = node.look_up if isinstance(node, LookedUp) else node
    if not isinstance(look_up.gate, Lookup):
        return None
    table, ids = look_up.inputs
    if isinstance(node, LookedUp):
        if node.updated or node.output is not look_up.output:
            return None
        if node.requires_grad or (table.requires_grad and RECORDING.get()):
            return None
    same_arrays = table.stored is look_up.arrays[0] and ids.output is look_up.arrays[1]
    if not same_arrays or table.updated > look_up.serial:
        return None
    return from_node(table), from_node(ids)


register(LookedUp)


def lookup(table: TensorLike, ids: TensorLike) -> Tensor:
    """`Lookup()(table, ids)`. A list of ids is converted to an integer array."""
    return Lookup()(table, whole(ids))


@SEAMS.plain
def make_table(
    data: TensorLike, *, requires_grad: bool = True, name: str | None = None, dtype: Any = None
) -> Tensor:
    """Return a parameter of shape (rows, ...) for look-ups.

    Arguments and errors: as for Tensor.
    """
    return Tensor(data, requires_grad=requires_grad, name=name, dtype=dtype)


@SEAMS.plain
def read_rows(table: Node, ids: Array) -> Array:
    """Return a table's array. The caller reads only the rows `ids`."""
    return table.output
