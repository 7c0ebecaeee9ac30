"""Rows of a table by their ids: Lookup alone, or fused with the matrix product that follows it (LookupProduct)."""

from typing import Any

import numpy as np

from ..context import RECORDING
from ..errors import DtypeError, IndexRangeError, ShapeError
from ..fast.accumulator import SparseGradient
from ..fast.kernels import distinct_ids, sum_by_place, sum_rows
from ..fast.table import READING, Table, stored
from ..gate import Gate, Shape
from ..graph import Leaf, Node
from ..pickling import register
from ..tensor import Tensor, TensorLike, as_tensors, from_node
from .indexing import scatter
from .samples import samples_on


class _ReadsRows(Gate):
    """A gate that reads only the rows of a table (V, D) that its second input names: integer ids of any shape."""

    constant_inputs = (1,)

    in_place_of: Any = None
    """A look-up of the same rows, whose result this gate does not read."""

    def __repr__(self) -> str:
        return f"{self.name}()"  # `in_place_of` is no setting

    def skipped(self, dz: Any, table: Any, ids: Any, *others: Any) -> Any:
        """The gradient of the result of `in_place_of`, which the backward pass does not reach."""
        return dz

    def __call__(self, *inputs: TensorLike) -> Tensor:
        tensors = as_tensors(inputs)
        table, ids = tensors[0].node, tensors[1].node.output
        if not isinstance(table, Table) or table.pending is None or self._strays(ids, table.shape[0]).size:
            return super().__call__(*tensors)
        table.catch_up(ids)
        reading = READING.set(table)
        try:
            return super().__call__(*tensors)
        finally:
            READING.reset(reading)

    @staticmethod
    def _strays(ids: Any, vocabulary: int) -> Any:
        """The ids that are outside the table: all of them if they are not integers."""
        if ids.dtype.kind not in "iu":
            return ids.reshape(-1)
        # Read as unsigned, a negative id is huge, so one comparison finds ids below 0 and ids that are too large.
        if not ids.size or ids.astype(np.int64, copy=False).view(np.uint64).max() < vocabulary:
            return ids.reshape(-1)[:0]
        return ids[(ids < 0) | (ids >= vocabulary)]

    def _check(self, ids: Any, vocabulary: int) -> None:
        if ids.dtype.kind not in "iu":
            raise DtypeError(
                "MG117",
                f"{self.name} takes integer ids, not {ids.dtype}",
                cause="ids number the rows of the table",
                remedy="ids.astype('int64'), or a list of Python integers",
            )
        if (strays := self._strays(ids, vocabulary)).size:
            raise IndexRangeError(
                "MG141",
                f"id {strays[0]} is outside the vocabulary of {vocabulary} ({strays.size} of {ids.size} ids are)",
                cause="the ids were made with a larger vocabulary than the table has rows, or are not ids",
                remedy=f"keep ids from 0 to {vocabulary - 1}: use a vocabulary of that size, or a larger table",
            )


class Lookup(_ReadsRows):
    """z = table[ids]: one row of `table` (V, D) for each id, shape ids.shape + (D,).

    ids are integers from 0 to V-1, of any shape. The gradient is row-sparse: it is stored as (ids, dz).

    >>> lookup(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0]).array
    array([[3., 4.],
           [3., 4.],
           [1., 2.]], dtype=float32)

    Errors: IndexRangeError for an id outside the table (MG141), DtypeError for ids that are not integers (MG117).
    """

    symbol = "look-up"

    def __call__(self, *inputs: TensorLike) -> Tensor:
        table, ids = as_tensors(inputs)
        rows = super().__call__(table, ids)
        return from_node(LookedUp(rows.node, table.node, ids.node)) if isinstance(rows.node, Leaf) else rows

    def forward(self, table: Any, ids: Any) -> Any:
        self._check(ids, len(table))
        return table.take(ids.astype(np.intp, copy=False), axis=0)

    def backward(self, dz: Any, z: Any, table: Any, ids: Any) -> Any:
        return (lambda: scatter(table.shape, ids, dz)), None

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[1] + shapes[0][1:]

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 0

    samples = samples_on([(5, 3), [1, 4, 1]], [(5, 3), [[0, 1], [2, 2]]], [(5, 3), 3])

    @classmethod
    def refused(cls) -> Any:
        yield cls(), (np.ones((5, 3)), np.array([5])), IndexRangeError
        yield cls(), (np.ones((5, 3)), np.array([-1])), IndexRangeError
        yield cls(), (np.ones((5, 3)), np.array([1.0])), DtypeError


class LookedUp(Leaf):
    """The result of a look-up that was not recorded. It remembers the table and the ids, for `looked_up`."""

    __slots__ = ("ids", "rows", "table")

    def __init__(self, rows: Leaf, table: Node, ids: Node) -> None:
        super().__init__(rows.output, origin=rows.origin)
        self.rows, self.table, self.ids = rows.output, (table, stored(table)), (ids, ids.output)


def looked_up(x: Tensor) -> tuple[Tensor, Tensor] | None:
    """(table, ids) if x is the result of a look-up, so that LookupProduct can compute a product with it; else None.

    Also None if that would not be equivalent: if the table, the ids or x have changed since, or if gradients would flow
    differently, to the table but not to x or the other way round.

    >>> table, ids = looked_up(lookup(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0]))
    >>> table.shape, ids.shape
    ((2, 2), (3,))
    """
    node = x.node
    if isinstance(node, LookedUp):
        (table, array), (ids, numbers) = node.table, node.ids
        changed = node.output is not node.rows or node.updated
        if changed or node.requires_grad or (table.requires_grad and RECORDING.get()):
            return None
    elif isinstance(node.gate, Lookup):
        (table, ids), (array, numbers, *_) = node.inputs, node.arrays
    else:
        return None
    if stored(table) is not array or table.updated > node.serial or ids.output is not numbers:
        return None
    return from_node(table), from_node(ids)


register(LookedUp)


class LookupProduct(_ReadsRows):
    """z = table[ids] @ W + b in one gate, where the row of each distinct id is multiplied only once.

    table (V, D), ids integers, W (D, H), b (H); z has shape ids.shape + (H,). In a batch of reviews a word occurs two
    or three times on average, so this takes less than half the work of the unfused gates. The same holds backward: with
    S_i = Σ dz over the places of id i, dW = Σ_i table_iᵀ S_i, db = Σ_i S_i and d(table)_i = S_i Wᵀ.

    >>> table = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> LookupProduct()(table, np.array([1, 1, 0]), np.ones((2, 1)), np.array([0.5])).array
    array([[7.5],
           [7.5],
           [3.5]])

    Errors: as for Lookup; ShapeError where D or H differs (MG101).
    """

    symbol = "look-up ×"
    differentiable_twice = False  # its rule sums by id, with functions that work on arrays only

    def forward(self, table: Any, ids: Any, W: Any, b: Any) -> Any:
        self._check(ids, len(table))
        # In memory, time comes before the batch, because a recurrent layer goes through the result step by step.
        distinct, place = distinct_ids(ids.T, len(table))
        rows = table.take(distinct, axis=0).dot(W)
        rows += b
        return rows.take(place, axis=0).transpose(*_reversed_but_last(ids.ndim)), place

    def backward(self, dz: Any, z: Any, table: Any, ids: Any, W: Any, b: Any, place: Any) -> Any:
        distinct = np.empty(place.max(initial=-1) + 1, np.intp)
        distinct[place] = ids.T
        by_place = dz.transpose(*_reversed_but_last(ids.ndim)).reshape(place.size, dz.shape[-1])
        sums = sum_by_place(place.reshape(-1), len(distinct), by_place)

        def d_table() -> SparseGradient:
            return SparseGradient(table.shape, dz.dtype, [(distinct, sums.dot(W.T))], coalesced=True)

        return d_table, None, lambda: table.take(distinct, axis=0).T.dot(sums), lambda: sum_rows(sums)

    def skipped(self, dz: Any, table: Any, ids: Any, *others: Any) -> Any:
        return dz @ others[0].T

    def shape(self, *shapes: Shape) -> Shape:
        table, ids, W, b = shapes
        if len(table) != 2 or len(W) != 2 or table[1] != W[0] or b != W[1:]:
            raise ShapeError(
                "MG101",
                f"LookupProduct cannot multiply rows of {table} by {W} and add {b}",
                cause="a row is as long as the table is wide, and the product as long as the matrix is wide",
                remedy="a table (V, D) goes with a matrix (D, H) and a bias (H)",
            )
        return (*ids, W[1])

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 2 * super().flops(output) * shapes[0][1]

    samples = samples_on(
        *([(5, 3), ids, (3, 2), (2,)] for ids in ([1, 4, 1], [[0, 1, 2], [2, 2, 4]], 3, [[[0, 4], [4, 1], [2, 2]]] * 2))
    )

    @classmethod
    def refused(cls) -> Any:
        yield cls(), (np.ones((5, 3)), np.array([5]), np.ones((3, 2)), np.ones(2)), IndexRangeError
        yield cls(), (np.ones((5, 3)), np.array([1.0]), np.ones((3, 2)), np.ones(2)), DtypeError
        yield cls(), (np.ones((5, 3)), np.array([1]), np.ones((2, 2)), np.ones(2)), ShapeError
        yield cls(), (np.ones((5, 3)), np.array([1]), np.ones((3, 2)), np.ones(3)), ShapeError


def _reversed_but_last(ndim: int) -> tuple[int, ...]:
    """The order of axes that turns (T, B, H) into (B, T, H), and back; `ndim` is the number of axes before the last."""
    return (*range(ndim - 1, -1, -1), ndim)


def lookup(table: TensorLike, ids: TensorLike) -> Tensor:
    """`Lookup()(table, ids)`: the rows of `table` that `ids` name. Lists of ids are taken as integers."""
    return Lookup()(table, ids if isinstance(ids, (Tensor, np.ndarray)) else np.array(ids))
