"""Gradients that are not arrays yet: a product, a sum, and the rows of a table.

If a matrix is used at forty time steps, its gradient is the sum of forty products. If a batch reads
550 of the 10,000 rows of a table, the table's gradient is zero in all other rows. A backward pass
that computed an array each time would spend most of its time on this. The classes in this file
therefore keep the parts of a gradient. All of them have two methods: `dense()` computes the array,
and `add(gradient)` returns the sum with another gradient.

The backward pass collects gradients with `first` and `add`, which sum over broadcast axes
(`unbroadcast`), and brings them into their final form with `dense` and `for_leaf`. gates/rows.py
defines one more Gradient, GradientById, of which a look-up needs only a part.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from .graph import Array, Shape
from .support.arrays import distinct_ids, sum_by_place


class Gradient:
    """Base class of gradients that are not arrays yet. `shape` is the shape of the array."""

    __slots__ = ("shape",)
    # Makes `array + gradient` raise an error. Otherwise, NumPy would add it to each element.
    __array_ufunc__ = None

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def dense(self) -> Array:
        """Return the gradient as an array."""
        raise NotImplementedError

    def add(self, gradient: Any) -> Gradient:
        """Return self + gradient. The result may be self, changed in place."""
        return GradientSum(self.dense()).add(gradient)

    def add_to(self, total: GradientSum) -> None:
        """Add self to a sum, in place."""
        total.array += self.dense()


class Product(Gradient):
    """The gradient aᵀ @ dz of a matrix b in z = a @ b, for a of shape (n, k) and dz of (n, m).

    >>> Product(np.ones((2, 1)), np.array([[1.0], [3.0]])).dense()
    array([[4.]])
    """

    __slots__ = ("a", "dz")

    def __init__(self, a: Any, dz: Any) -> None:
        self.a = a
        self.dz = dz

    @property
    def shape(self) -> Shape:  # type: ignore[override]  # a slot in Gradient, a property here
        return self.a.shape[1], self.dz.shape[1]

    def dense(self) -> Any:
        return matrix_product(self.a.T, self.dz)

    def add_to(self, total: GradientSum) -> None:
        total.products.append(self)


class GradientSum(Gradient):
    """The sum of several gradients of the same input.

    Adding is cheap, because the expensive steps are done once, in `dense`:

    - `array` is a running sum, to which arrays of the right shape are added in place.
    - `broadcast` is a running sum of gradients that still have to be summed over broadcast axes. A
      bias that is used at 40 time steps is summed over the batch once, not 40 times.
    - `products` is a list of products aᵀ @ dz. Together, they are a single product of all a and all
      dz, each joined along the first axis.

    >>> total = GradientSum(np.zeros((1, 2))).add(np.ones((3, 2))).add(Product(np.ones((4, 1)), np.ones((4, 2))))
    >>> total.dense()
    array([[7., 7.]])
    """

    __slots__ = ("array", "broadcast", "products")

    def __init__(self, array: Array) -> None:
        super().__init__(array.shape)
        self.array = array  # changed in place
        self.broadcast: Array | None = None
        self.products: list[Product] = []

    def add(self, gradient: Any) -> Self:
        if isinstance(gradient, Gradient):
            gradient.add_to(self)
        elif gradient.shape == self.shape:
            self.array += gradient
        elif self.broadcast is not None and self.broadcast.shape == gradient.shape:
            self.broadcast += gradient
        else:
            # raises ValueError for a wrong shape now, when the error can still name the rule
            unbroadcast(np.broadcast_to(0, gradient.shape), self.shape)
            self._reduce()
            self.broadcast = np.array(gradient)
        return self

    def dense(self) -> Array:
        self._reduce()
        if self.products:
            pairs = [(product.a, product.dz) for product in self.products]
            a, dz = map(np.concatenate, zip(*pairs, strict=True))
            self.array += a.T.dot(dz)
            self.products = []
        return self.array

    def _reduce(self) -> None:
        if self.broadcast is not None:
            self.array += unbroadcast(self.broadcast, self.shape)
            self.broadcast = None


class SparseGradient(Gradient):
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

    __slots__ = ("coalesced", "dtype", "terms")

    def __init__(
        self,
        shape: Shape,
        dtype: np.dtype[Any],
        terms: list[tuple[Any, Array]],
        coalesced: bool = False,
    ) -> None:
        super().__init__(shape)
        self.dtype = dtype
        self.terms = terms
        self.coalesced = coalesced  # True if there is only one term, in which each row occurs once

    def add(self, gradient: Any) -> Gradient:
        if not isinstance(gradient, SparseGradient):
            return super().add(gradient)
        self.terms.extend(gradient.terms)
        self.coalesced = False
        return self

    def dense(self) -> Array:
        whole = np.zeros(self.shape, self.dtype)
        self._write_to(whole)
        return whole

    def add_to(self, total: GradientSum) -> None:
        self._write_to(total.array)

    def rows(self) -> tuple[Array, Array] | None:
        """Return the sorted distinct rows and the summed gradient of each.

        Returns None if the gradient is not row-sparse.
        """
        for index, _ in self.terms:
            if not (isinstance(index, np.ndarray) and index.dtype.kind in "iu"):
                return None
        if not self.coalesced:
            length, *width = self.shape
            indices = []
            values = []
            for index, parts in self.terms:
                indices.append(index.ravel().astype(np.intp, copy=False))
                values.append(parts.reshape(index.size, *width))
            ids = np.concatenate(indices) % length
            distinct, place = distinct_ids(ids, length)
            sums = sum_by_place(place, len(distinct), np.concatenate(values))
            self.terms = [(distinct, sums)]
            self.coalesced = True
        return self.terms[0]

    def _write_to(self, whole: Array) -> None:
        if (rows := self.rows()) is not None:
            whole[rows[0]] += rows[1]
            return
        for index, values in self.terms:
            part = whole[index]
            if isinstance(part, np.ndarray) and np.may_share_memory(part, whole):  # a view
                part += values
            else:  # if the index contains an element twice, += would add to it only once
                np.add.at(whole, index, values)


def dense(gradient: Any) -> Any:
    """Return a gradient as an array. Arrays and Tensors are returned unchanged."""
    if isinstance(gradient, Gradient):
        return gradient.dense()
    return gradient


def for_leaf(gradient: Any) -> Any:
    """Return a gradient as leaves store it: an array that nothing else refers to, or a
    SparseGradient, whose rows an optimizer can update without the others. Tensors are unchanged.

    A row-sparse gradient is coalesced now. If it were coalesced when somebody reads it, reading it
    between two backward passes would change the order of additions, and the last bits of the sum.
    """
    if isinstance(gradient, SparseGradient):
        gradient.rows()
        return gradient
    if isinstance(gradient, Gradient):
        return gradient.dense()  # these compute a new array
    return np.array(gradient) if isinstance(gradient, np.ndarray | np.generic) else gradient


def first(gradient: Any, shape: Shape) -> Any:
    """Return the first gradient of an input of `shape`, to which `add` may add others.

    A product is computed now, so that its dz can be freed. Most matrices are used only once.
    """
    if isinstance(gradient, Product):
        gradient = gradient.dense()
        if gradient.shape == shape and isinstance(gradient, np.ndarray):
            return GradientSum(gradient)  # needs no copy, because the array is new
    if gradient.shape == shape:
        return gradient
    return unbroadcast(gradient, shape)


def add(total: Any, gradient: Any, shape: Shape) -> Any:
    """Return total + gradient, for an input of `shape` that is used several times.

    `total` is the input's first gradient, or a previous result of `add`.

    >>> add(np.ones(2), np.ones((3, 2)), (2,)).dense()
    array([4., 4.])
    """
    if isinstance(total, Gradient):
        return total.add(gradient)
    if isinstance(total, (np.ndarray, np.generic)):
        return GradientSum(np.array(total)).add(gradient)
    return total + unbroadcast(dense(gradient), shape)  # Tensors: this addition is recorded


def unbroadcast(gradient: Any, shape: Shape) -> Any:
    """Sum a gradient over the broadcast axes, back to the input's shape.

    Broadcasting repeats an element, so the element's gradient is the sum over all repetitions.
    Raises ValueError if an input of `shape` cannot be broadcast to the gradient's shape.

    >>> unbroadcast(np.ones((5, 2, 3)), (2, 1)).tolist()
    [[15.0], [15.0]]
    """
    extra = len(gradient.shape) - len(shape)
    repeated = list(range(extra))
    for axis, size in enumerate(shape, extra):
        if extra < 0 or size not in (1, gradient.shape[axis]):
            raise ValueError(
                f"it returned a gradient of shape {gradient.shape} for an input of shape {shape}"
            )
        if size != gradient.shape[axis]:
            repeated.append(axis)
    if not repeated:
        return gradient
    return gradient.sum(axis=tuple(repeated)).reshape(shape)


def matrix_product(a: Any, b: Any) -> Any:
    """Return a @ b for two matrices. For plain arrays, `dot` takes less time than @."""
    if type(a) is type(b) is np.ndarray:
        return a.dot(b)
    return a @ b
