"""Look-ups of table rows by id."""

from typing import Any

import numpy as np

from ..errors import DtypeError, IndexRangeError
from ..gate import Gate, Shape
from ..gradients import Gradient, SparseGradient, dense
from ..graph import Array, Leaf, Node
from ..numpy_api import keep_dtype
from ..pickling import register
from ..tensor import Tensor, TensorLike, as_tensors, from_node
from .indexing import gradient_of_picked
from .samples import samples_on
from .table import catch_up


class Lookup(Gate):
    """z = table[ids], one row of `table` (V, D) per id. d(table) = dz, added at the rows `ids`.

    The ids are integers from 0 to V-1, in an array of any shape. z has shape ids.shape + (D,). The
    table's gradient is a SparseGradient, which stores (ids, dz). In the graph, the ids are the
    second input of the look-up's node; `ids_of(z)` returns them.

    >>> lookup(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0]).array
    array([[3., 4.],
           [3., 4.],
           [1., 2.]], dtype=float32)

    Errors: IndexRangeError if an id is outside the table (MG141), DtypeError if the ids are not
    integers (MG117).

    Since: 0.1.
    """

    symbol = "look-up"
    operations = 0
    constant_inputs = (1,)
    reads_stored = True
    takes_gradient = True

    def __call__(self, *inputs: TensorLike) -> Tensor:
        table, ids = as_tensors(inputs)
        catch_up(table.node, ids.array)
        rows = super().__call__(table, ids)
        if isinstance(rows.node, Leaf):  # not recorded
            return from_node(LookedUp(rows.node, ids.node))
        return rows

    def forward(self, table, ids):
        self._check(ids, len(table))
        return table.take(ids.astype(np.intp, copy=False), axis=0)

    def backward(self, dz, z, table, ids):
        if isinstance(dz, GradientById):
            return dz.of_table(table.shape), None
        dz = dense(dz)
        return (lambda: gradient_of_picked(table.shape, ids, dz)), None

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[1] + shapes[0][1:]

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
        unsigned = ids.astype(np.int64, copy=False).view(np.uint64)
        if not ids.size or unsigned.max() < vocabulary:
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

    sample_inputs = samples_on(
        ["5x3", [1, 4, 1]],
        ["5x3", [[0, 1], [2, 2]]],
        ["5x3", 3],
    )


class GradientById(Gradient):
    """The gradient dz @ Wᵀ of the rows x = table[ids], together with the sum of dz for each id.

    The table needs only the sums S: its gradient in row `distinct[i]` is S_i Wᵀ. A batch of reviews
    contains each word two or three times, so this takes less than half as long as computing dz @ Wᵀ.
    """

    __slots__ = ("distinct", "parts")

    def __init__(
        self,
        shape: Shape,
        distinct: Array,
        sums: Array,
        dz: Array,
        W: Array,
    ) -> None:
        super().__init__(shape)
        self.distinct = distinct
        self.parts = [(sums, dz, W)]

    def add(self, gradient: Any) -> Gradient:
        if not isinstance(gradient, GradientById):
            return super().add(gradient)
        self.parts.extend(gradient.parts)  # of the same rows, and therefore of the same ids
        return self

    def dense(self) -> Array:
        parts = [dz @ W.T for _, dz, W in self.parts]
        whole: Array = np.sum(parts, axis=0)
        return whole

    def of_table(self, shape: Shape) -> SparseGradient:
        """Return the gradient of the table, which has this shape."""
        parts = [sums.dot(W.T) for sums, _, W in self.parts]
        values = np.sum(parts, axis=0)
        terms = [(self.distinct, values)]
        return SparseGradient(shape, values.dtype, terms, coalesced=True)


class LookedUp(Leaf):
    """The rows that a look-up returned without being recorded, and their ids."""

    __slots__ = ("ids", "rows")

    def __init__(self, rows: Leaf, ids: Node) -> None:
        super().__init__(rows.output, origin=rows.origin)
        self.rows, self.ids = rows.output, ids.output


register(LookedUp)


def ids_of(x: Tensor) -> TensorLike | None:
    """Return the ids whose rows x contains, if x is the result of a look-up in a matrix, else None.

    >>> ids_of(lookup(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0])).tolist()
    [1, 1, 0]
    """
    node = x.node
    ids: Any = None
    if isinstance(node.gate, Lookup):
        leaf, ids = node.inputs[1], node.arrays[1]
        if leaf.output is ids:
            ids = from_node(leaf)
    elif isinstance(node, LookedUp) and node.output is node.rows:
        ids = node.ids  # unless a new array was assigned to x since the look-up
    if ids is not None and ids.shape == x.shape[:-1]:
        return ids
    return None


def lookup(table: TensorLike, ids: TensorLike) -> Tensor:
    """`Lookup()(table, ids)`. A list of ids is converted to an integer array.

    Since: 0.1.
    """
    return Lookup()(table, keep_dtype(ids))
