"""Gradients that stay in pieces: (index, values) pairs of an array nobody has built yet. Knows NumPy alone.

A look-up of 1,280 word vectors touches some 550 rows of a 10,000-row table; its gradient is zero in all others. Writing
that gradient as a whole array costs more than everything else in a training step, so it is kept as pieces until
someone asks for the whole array (`dense`) or for the rows alone (`rows`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Pieces:
    """The gradient of an array of `shape`, zero except that `values` is added at `index`, for each (index, values).

    `index` is anything that indexes an array of that shape; `values` has the shape of what it picks.

    >>> g = Pieces((4, 2), np.dtype("float32"), [(np.array([1, 3, 1]), np.ones((3, 2), "float32"))])
    >>> g.dense()
    array([[0., 0.],
           [2., 2.],
           [0., 0.],
           [1., 1.]], dtype=float32)
    >>> g.rows()
    (array([1, 3]), array([[2., 2.],
           [1., 1.]], dtype=float32))
    """

    __slots__ = ("dtype", "items", "shape")
    __array_ufunc__ = None  # ndarray + Pieces must come to Pieces.__radd__, not be broadcast element by element

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], items: list[tuple[Any, Array]]) -> None:
        self.shape, self.dtype, self.items = shape, dtype, items

    def __add__(self, other: Pieces | Array) -> Pieces | Array:
        if isinstance(other, Pieces):
            return Pieces(self.shape, self.dtype, self.items + other.items)
        whole = other.copy()
        self._add_into(whole)
        return whole

    __radd__ = __add__

    def __iadd__(self, other: Pieces) -> Pieces:  # type: ignore[misc]  # never asked to add an array in place
        self.items.extend(other.items)  # a thousand time steps must not copy the list a thousand times
        return self

    def dense(self) -> Array:
        """The whole array, of `shape`: zeros with every piece added in its place."""
        whole = np.zeros(self.shape, self.dtype)
        self._add_into(whole)
        return whole

    def rows(self) -> tuple[Array, Array] | None:
        """(the distinct rows touched, ascending; their summed gradients), or None where a piece is not rows."""
        if not all(_picks_rows(index) for index, _ in self.items):
            return None
        width = self.shape[1:]
        ids = np.concatenate([np.asarray(index).reshape(-1) for index, _ in self.items]) % self.shape[0]
        values = np.concatenate([values.reshape(-1, *width) for _, values in self.items])
        # Sorting brings equal ids together, so that one reduceat sums each run: many times faster than np.add.at.
        by_id = np.argsort(ids, kind="stable")
        ids = ids[by_id]
        starts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]])) if ids.size else np.zeros(0, np.intp)
        sums = np.add.reduceat(values[by_id], starts, axis=0) if ids.size else values
        return ids[starts], sums

    def _add_into(self, whole: Array) -> None:
        if (rows := self.rows()) is not None:
            whole[rows[0]] += rows[1]
            return
        for index, values in self.items:
            if _is_basic(index):
                whole[index] += values
            else:
                np.add.at(whole, index, values)  # an array index may name one element twice: += would count it once


def _picks_rows(index: Any) -> bool:
    return isinstance(index, np.ndarray) and index.dtype.kind in "iu"


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts)
