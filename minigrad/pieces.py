"""Gradients that are held back: kept as the terms of a sum until someone asks for the array. Knows NumPy alone.

Two kinds are worth it. A look-up of 1,280 word vectors touches some 550 rows of a 10,000-row table, and its gradient is
zero in all others: `Pieces` keeps (index, values). A weight that is used at forty time steps gets forty products
aᵀ @ dz to be added up: `Products` keeps the factors, and one large product costs less than forty small ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray  # numpy.typing takes a while to import, and only type checkers read what it says


class Deferred:
    """The gradient of an array of `shape`, as terms yet to be added up. `dense()` gives the array."""

    __slots__ = ("dtype", "items", "shape")
    __array_ufunc__ = None  # ndarray + Deferred must come to Deferred.__radd__, not be broadcast element by element

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], items: list[tuple[Any, Array]]) -> None:
        self.shape, self.dtype, self.items = shape, dtype, items

    def __add__(self, other: Deferred | Array) -> Deferred | Array:
        if type(other) is type(self):
            return type(self)(self.shape, self.dtype, self.items + other.items)
        whole = np.array(other.dense() if isinstance(other, Deferred) else other)
        self._add_into(whole)
        return whole

    __radd__ = __add__

    def __iadd__(self, other: Deferred) -> Deferred:  # type: ignore[misc]  # asked only with one of the same kind
        self.items.extend(other.items)  # a thousand time steps must not copy the list a thousand times
        return self

    def dense(self) -> Array:
        """The whole array, of `shape`."""
        whole = np.zeros(self.shape, self.dtype)
        self._add_into(whole)
        return whole

    def _add_into(self, whole: Array) -> None:
        raise NotImplementedError


class Products(Deferred):
    """Σ aᵀ @ dz over `items` of (a, dz), matrices with as many rows as each other.

    >>> ones = np.ones((3, 2), "float32")
    >>> (Products((2, 2), ones.dtype, [(ones, ones)]) + Products((2, 2), ones.dtype, [(2 * ones, ones)])).dense()
    array([[9., 9.],
           [9., 9.]], dtype=float32)
    """

    __slots__ = ()

    def dense(self) -> Array:
        if len(self.items) == 1:
            a, dz = self.items[0]
        else:
            a, dz = (np.concatenate(factors) for factors in zip(*self.items, strict=True))
        product: Array = a.T.dot(dz)
        return product

    def _add_into(self, whole: Array) -> None:
        whole += self.dense()


class Pieces(Deferred):
    """The gradient of an array of `shape`, zero except that `values` is added at `index`, for each (index, values).

    `index` is anything that indexes an array of that shape; `values` has the shape of what it picks.

    >>> g = Pieces((4, 2), np.dtype("float32"), [(np.array([1, 3, 1]), np.ones((3, 2), "float32"))])
    >>> g.dense()
    array([[0., 0.],
           [2., 2.],
           [0., 0.],
           [1., 1.]], dtype=float32)
    >>> g.rows()[0]
    array([1, 3])
    """

    __slots__ = ("summed",)

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], items: list[tuple[Any, Array]], summed: bool = False
    ) -> None:
        super().__init__(shape, dtype, items)
        self.summed = summed  # whether there is one item, whose index is an array of distinct rows

    def __iadd__(self, other: Deferred) -> Pieces:  # type: ignore[misc, override]
        self.summed = False
        super().__iadd__(other)
        return self

    def rows(self) -> tuple[Array, Array] | None:
        """(the distinct rows touched, in order; their summed gradients), or None where a piece is not rows."""
        if not all(_picks_rows(index) for index, _ in self.items):
            return None
        if self.summed:
            return self.items[0]
        width = self.shape[1:]
        ids = np.concatenate([np.asarray(index).reshape(-1) for index, _ in self.items]) % self.shape[0]
        values = np.concatenate([values.reshape(-1, *width) for _, values in self.items])
        distinct, place = distinct_ids(ids, self.shape[0])
        self.items = [(distinct, sum_by_place(place, len(distinct), values))]
        self.summed = True
        return self.items[0]

    def _add_into(self, whole: Array) -> None:
        if _picks_rows(self.items[0][0]) and (rows := self.rows()) is not None:
            whole[rows[0]] += rows[1]
            return
        for index, values in self.items:
            if not _is_basic(index):
                np.add.at(whole, index, values)  # an array index may name one element twice: += would count it once
            elif isinstance(there := whole[index], np.ndarray):  # a view: adding to it is all
                there += values
            else:
                whole[index] = there + values


def distinct_ids(ids: Array, below: int) -> tuple[Array, Array]:
    """(the distinct ids, in order; for each of `ids` its place among them), where ids are 0 to below - 1.

    >>> distinct_ids(np.array([7, 2, 7, 9]), 10)
    (array([2, 7, 9]), array([1, 0, 1, 2]))
    """
    if below > 64 * ids.size:  # a mark for each id there could be costs more than sorting those that are there
        distinct, place = np.unique(ids, return_inverse=True)
        return distinct, place.reshape(ids.shape)
    there = np.zeros(below, bool)
    there[ids] = True
    distinct = np.flatnonzero(there)
    place_of = np.empty(below, np.intp)
    place_of[distinct] = np.arange(len(distinct))
    return distinct, place_of[ids]


def sum_by_place(place: Array, count: int, values: Array) -> Array:
    """The sum of the values of each place: sums[i] = Σ values[j] over all j with place[j] = i, for i below count.

    Every place from 0 to count - 1 must occur. Sorted, equal places stand together. With those that come most often
    first, the second value of all places that have one is added to the first in one stroke, then the third, and so on;
    when the rest belongs to a few frequent words, a product with ones sums it word by word. For a batch of reviews,
    96 columns wide, that takes less than half the time of np.add.reduceat, which goes row by row.

    >>> sum_by_place(np.array([1, 0, 1]), 2, np.array([[1.0], [2.0], [3.0]])).tolist()
    [[2.0], [4.0]]
    """
    by_place = np.argsort(place.astype(np.uint16) if count < 1 << 16 else place, kind="stable")  # short: a radix sort
    counts = np.bincount(place, minlength=count)
    starts = np.cumsum(counts) - counts
    by_count = np.argsort(-counts, kind="stable")
    starts, counts = starts[by_count], counts[by_count]
    sums = values.take(by_place[starts], axis=0)
    nth = 1
    # `having` places come more than nth times. Half of them will be done after so many strokes more.
    while (having := int(np.searchsorted(-counts, -nth))) and having > 2 * (counts[having // 2] - nth):
        sums[:having] += values.take(by_place[starts[:having] + nth], axis=0)
        nth += 1
    if having:
        ones, rows = np.ones(counts[0], values.dtype), sums.reshape(count, -1)
        first, still = (starts[:having] + nth).tolist(), (counts[:having] - nth).tolist()
        for row, start, left in zip(rows, first, still, strict=False):
            row += ones[:left].dot(values.take(by_place[start : start + left], axis=0).reshape(left, -1))
    result: Array = np.empty_like(sums)
    result[by_count] = sums
    return result


def sum_rows(matrix: Array) -> Array:
    """The sum over all rows of an (n, m) matrix, as a product with ones: that takes a quarter of sum's time."""
    total: Array = np.ones(len(matrix), matrix.dtype).dot(matrix)
    return total


def _picks_rows(index: Any) -> bool:
    return isinstance(index, np.ndarray) and index.dtype.kind in "iu"


def _is_basic(index: Any) -> bool:
    """Whether NumPy gives a view for this index: of slices, whole numbers, None and ... alone."""
    for part in index if type(index) is tuple else (index,):
        if type(part) is slice or part is None or part is Ellipsis:
            continue
        if isinstance(part, (bool, np.bool_)) or not isinstance(part, (int, np.integer)):
            return False
    return True
