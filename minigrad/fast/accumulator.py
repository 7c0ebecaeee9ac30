"""Fast addition of a node's gradients: in place, lazily, and sparsely for as long as possible.

`backward.add` adds the gradients one by one. `add` in this file returns the same result in less
time.
"""

from functools import partial
from typing import Any, Self

import numpy as np

from ..backward import transposed_product, unbroadcast
from ..graph import Array, LazyGradient, dense
from .kernels import distinct_ids, sum_by_place


class GradientSum(LazyGradient):
    """The sum of several gradients of an array, stored as three parts that are added at the end.

    `array` is updated in place. `unreduced` is the sum of gradients that are not yet summed over
    broadcast axes. For example, if a bias is used at 40 time steps, 39 of its gradients are summed
    over the batch in a single step. `factors` contains a pair (a, dz) for each product aᵀ @ dz. To
    add these products, `dense` concatenates all a and all dz, and computes a single product.
    """

    __slots__ = ("array", "factors", "unreduced")

    def __init__(self, array: Array) -> None:
        super().__init__(array.shape, array.dtype)
        self.array = array
        self.unreduced: Array | None = None
        self.factors: list[tuple[Array, Array]] = []

    def reduce(self) -> None:
        """Sum `unreduced` over the broadcast axes, and add it to `array`."""
        if self.unreduced is not None:
            self.array += unbroadcast(self.unreduced, self.shape)
            self.unreduced = None

    def dense(self) -> Array:
        self.reduce()
        if self.factors:
            a = np.concatenate([a for a, _ in self.factors])
            dz = np.concatenate([dz for _, dz in self.factors])
            self.array += a.T.dot(dz)
            self.factors = []
        return self.array


class SparseGradient(LazyGradient):
    """A gradient of mostly zeros, stored as `terms`: pairs (index, values).

    It represents an array of `shape` that contains zeros, with each term's `values` added at
    `index`. `index` is any NumPy index into such an array, and `values` has the shape of the
    indexed part. If every index is an array of integers, the gradient is row-sparse, and an
    optimizer can update only the rows that `rows` returns.

    >>> g = SparseGradient((4, 2), np.dtype("float32"), [(np.array([1, 3, 1]), np.ones((3, 2), "float32"))])
    >>> g.dense()
    array([[0., 0.],
           [2., 2.],
           [0., 0.],
           [1., 1.]], dtype=float32)
    >>> g.rows()[0]
    array([1, 3])
    """

    __slots__ = ("coalesced", "terms")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        terms: list[tuple[Any, Array]],
        coalesced: bool = False,
    ) -> None:
        super().__init__(shape, dtype)
        self.terms = terms
        self.coalesced = coalesced  # True if there is only one term, in which each row occurs once

    def finalize(self) -> Self:
        return self

    def dense(self) -> Array:
        whole = np.zeros(self.shape, self.dtype)
        self.add_to(whole)
        return whole

    def rows(self) -> tuple[Array, Array] | None:
        """Return the sorted distinct rows and the summed gradient of each.

        Returns None if the gradient is not row-sparse.
        """
        if not all(_picks_rows(index) for index, _ in self.terms):
            return None
        if not self.coalesced:
            width = self.shape[1:]
            ids = (
                np.concatenate([np.asarray(index, np.intp).ravel() for index, _ in self.terms])
                % self.shape[0]
            )
            values = np.concatenate(
                [values.reshape(index.size, *width) for index, values in self.terms]
            )
            distinct, place = distinct_ids(ids, self.shape[0])
            self.terms = [(distinct, sum_by_place(place, len(distinct), values))]
            self.coalesced = True
        return self.terms[0]

    def extend(self, other: Self) -> None:
        """Add `other` to self in place, to avoid copying all terms at every time step."""
        self.terms.extend(other.terms)
        self.coalesced = False

    def add_to(self, whole: Array) -> None:
        """Add self to the array `whole`, in place."""
        if (rows := self.rows()) is not None:
            whole[rows[0]] += rows[1]
            return
        for index, values in self.terms:
            part = whole[index]
            if isinstance(part, np.ndarray) and np.may_share_memory(part, whole):  # a view
                part += values
            else:  # if the index contains an element twice, += would add to it only once
                np.add.at(whole, index, values)


def scatter(
    shape: tuple[int, ...], key: Any, values: Array, distinct: bool = False
) -> SparseGradient:
    """Return an array of zeros with `values` added at `key`, as a sparse gradient.

    If `distinct` is True, the key is an array of sorted, distinct ids.
    """
    return SparseGradient(shape, values.dtype, [(key, values)], distinct)


def add(total: Any, gradient: Any, shape: tuple[int, ...]) -> Any:
    """Return total + gradient, for an input of `shape`.

    `total` is the input's first gradient, or a previous result of `add`.

    >>> add(np.ones(2), np.ones((3, 2)), (2,)).dense()
    array([4., 4.])
    """
    product = type(gradient) is partial and gradient.func is transposed_product
    if not product and callable(gradient):
        gradient = gradient()
    if type(total) is GradientSum:
        pass
    elif isinstance(total, SparseGradient) and isinstance(gradient, SparseGradient):
        total.extend(gradient)
        return total
    elif isinstance(total, (np.ndarray, np.generic, LazyGradient)):
        total = GradientSum(np.array(dense(total)))
    else:  # a Tensor: this addition is recorded
        return total + unbroadcast(gradient, shape)
    if product:
        total.factors.append(gradient.args)
    elif isinstance(gradient, SparseGradient):
        gradient.add_to(total.array)
    elif gradient.shape == shape:
        total.array += gradient
    elif total.unreduced is not None and total.unreduced.shape == gradient.shape:
        total.unreduced += gradient
    else:
        # raises ValueError for a wrong shape now, when the error can still name the rule
        unbroadcast(np.broadcast_to(0, gradient.shape), shape)
        total.reduce()
        total.unreduced = np.array(gradient)
    return total


def _picks_rows(index: Any) -> bool:
    return isinstance(index, np.ndarray) and index.dtype.kind in "iu"
