"""LookupProduct: a look-up fused with the matrix product that follows it."""

import math

import numpy as np

from ...context import SEAMS
from ...errors import ShapeError
from ...gate import Shape
from ...graph import Array
from ..basic import floats
from ..rows import _ReadsRows
from ..samples import samples_on
from .sequence import sum_rows


class LookupProduct(_ReadsRows):
    """z = table[ids] @ W + b. The gate multiplies the row of each distinct id only once.

    The inputs are table (V, D), integer ids of any shape, W (D, H) and b (H). z has shape ids.shape
    + (H,). In a batch of reviews, a word occurs two or three times on average, so this gate does
    less than half the work of the unfused gates, both forward and backward. Let S_i be the sum of
    dz over all positions of id i. Then dW = Σ_i table_iᵀ S_i, db = Σ_i S_i, and d(table)_i = S_i
    Wᵀ.

    >>> table = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> LookupProduct()(table, np.array([1, 1, 0]), np.ones((2, 1)), np.array([0.5])).array
    array([[7.5],
           [7.5],
           [3.5]])

    Errors: as for Lookup; ShapeError if the sizes D or H do not match (MG101).
    """

    symbol = "look-up ×"
    differentiable_twice = False  # backward uses functions that work only on arrays, not on Tensors

    def forward(self, table, ids, W, b):
        self._check(ids, len(table))
        # The result is stored time-major, because a recurrent layer processes it step by step.
        distinct, place = SEAMS.distinct_ids(ids.T, len(table))
        rows = floats(table.take(distinct, axis=0)).dot(W)
        rows += b
        return rows.take(place, axis=0).transpose(*_reversed_but_last(ids.ndim)), place

    def backward(self, dz, z, table, ids, W, b, place):
        distinct = np.empty(place.max(initial=-1) + 1, np.intp)
        distinct[place] = ids.T
        by_place = dz.transpose(*_reversed_but_last(ids.ndim)).reshape(place.size, dz.shape[-1])
        sums = SEAMS.sum_by_place(place.reshape(-1), len(distinct), by_place)

        def d_table():
            return SEAMS.scatter(table.shape, distinct, sums.dot(W.T), distinct=True)

        return (
            d_table,
            None,
            lambda: table.take(distinct, axis=0).T.dot(sums),
            lambda: sum_rows(sums),
        )

    def skipped(self, dz, table, ids, *others):
        return dz @ others[0].T

    def shape(self, *shapes: Shape) -> Shape:
        table, ids, W, b = shapes
        if len(table) != 2 or len(W) != 2 or table[1] != W[0] or b != W[1:]:
            raise ShapeError(
                "MG101",
                f"LookupProduct cannot multiply rows of {table} by {W} and add {b}",
                cause="the matrix needs one row for each column of the table, and the bias one "
                "element for each column of the matrix",
                remedy="pass a table (V, D), a matrix (D, H) and a bias (H,)",
            )
        return (*ids, W[1])

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 2 * math.prod(output) * shapes[0][1]

    sample_inputs = samples_on(
        *(
            [(5, 3), ids, (3, 2), (2,)]
            for ids in ([1, 4, 1], [[0, 1, 2], [2, 2, 4]], 3, [[[0, 4], [4, 1], [2, 2]]] * 2)
        ),
        [(5, 0), [1, 4, 1], (0, 2), (2,)],
        [(5, 2), [1, 4, 1], (2, 0), (0,)],
    )


def _reversed_but_last(ndim: int) -> tuple[int, ...]:
    """Return the order of axes that turns (T, B, H) into (B, T, H), and vice versa.

    `ndim` is the number of axes before the last.
    """
    return (*range(ndim - 1, -1, -1), ndim)


@SEAMS.plain
def distinct_ids(ids: Array, below: int) -> tuple[Array, Array]:
    """Return the sorted distinct ids, and the position of each id among them.

    The ids are integers from 0 to below - 1.

    >>> distinct_ids(np.array([7, 2, 7, 9]), 10)
    (array([2, 7, 9]), array([1, 0, 1, 2]))
    """
    distinct, place = np.unique(ids, return_inverse=True)
    return distinct, place.reshape(ids.shape)


@SEAMS.plain
def sum_by_place(place: Array, count: int, values: Array) -> Array:
    """Sum the values that have the same place: sums[i] = Σ values[j] over all j with place[j] = i.

    The places are integers from 0 to count - 1.

    >>> sum_by_place(np.array([1, 0, 1]), 2, np.array([[1.0], [2.0], [3.0]])).tolist()
    [[2.0], [4.0]]
    """
    sums = np.zeros((count, *values.shape[1:]), values.dtype)
    np.add.at(sums, place, values)
    return sums
