"""Arrays: the name that annotations give one, gradients that are not arrays yet, and sums that NumPy does slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray  # numpy.typing is slow to import, and only type checkers read what it says


class LazyGradient:
    """A gradient that is not an array yet: `dense()` computes it. accumulator.py has the kinds that there are."""

    __slots__ = ("dtype", "shape")
    __array_ufunc__ = None  # array + lazy is an error, and not tried element by element

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype

    def dense(self) -> Array:
        raise NotImplementedError

    def finalize(self, dtype: np.dtype[Any]) -> Any:
        """What a leaf keeps: an array that belongs to nobody else, unless an optimizer has a use for the lazy form."""
        return np.asarray(self.dense(), dtype)


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
