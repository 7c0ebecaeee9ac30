"""LookupProduct: the matrix product that follows a look-up."""

import math

import numpy as np

from ...errors import ShapeError
from ...gate import Gate, Shape
from ...graph import Array
from ...support.arrays import distinct_ids, sum_by_place
from ..basic import floats
from ..rows import GradientById
from ..samples import samples_on
from .sequence import sum_rows


class LookupProduct(Gate):
    """z = x @ W + b for rows x = table[ids]. The row of each distinct id is multiplied only once.

    The inputs are x (..., D), its integer ids (...), W (D, H) and b (H). z has shape (..., H). x
    must be the result of a look-up of these ids, because the gate reads x at one position of each
    id. In a batch of reviews, a word occurs two or three times on average, so this gate does less
    than half the work of a matrix product, both forward and backward. Let S_i be the sum of dz over
    all positions of id i, and x_i the row of id i. Then dW = Σ_i x_iᵀ S_i, db = Σ_i S_i, and dx =
    dz Wᵀ, of which the look-up needs only the sums S_i Wᵀ.

    >>> x = np.array([[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]])
    >>> LookupProduct()(x, np.array([1, 1, 0]), np.ones((2, 1)), np.array([0.5])).array
    array([[7.5],
           [7.5],
           [3.5]])

    Errors: ShapeError if the shapes do not match (MG101).

    Since: 0.1.
    """

    symbol = "look-up ×"
    constant_inputs = (1,)
    differentiable_twice = False  # backward uses functions that work only on arrays, not on Tensors

    def forward(self, x, ids, W, b):
        # The result is stored time-major, because a recurrent layer processes it step by step.
        below = int(ids.max(initial=0)) + 1
        distinct, place = distinct_ids(ids.T, below)
        positions = np.arange(ids.size).reshape(ids.shape)
        position = np.empty(len(distinct), np.intp)  # one position of each id
        position[place] = positions.T
        all_rows = x.reshape(ids.size, x.shape[-1])
        rows = floats(all_rows.take(position, axis=0))
        z = rows.dot(W)
        z += b
        by_time = z.take(place, axis=0)
        return _reversed(by_time), (distinct, place, rows)

    def backward(self, dz, z, x, ids, W, b, saved):
        distinct, place, rows = saved
        values = _reversed(dz).reshape(place.size, dz.shape[-1])
        sums = sum_by_place(place.reshape(-1), len(distinct), values)
        return (
            GradientById(x.shape, distinct, sums, dz, W),
            None,
            lambda: rows.T.dot(sums),
            lambda: sum_rows(sums),
        )

    def shape(self, *shapes: Shape) -> Shape:
        x, ids, W, b = shapes
        if len(W) != 2 or x != (*ids, W[0]) or b != W[1:]:
            raise ShapeError(
                "MG101",
                f"LookupProduct cannot multiply rows {x} of ids {ids} by {W} and add {b}",
                cause="each id needs one row, the matrix one row for each column of x, and the "
                "bias one element for each column of the matrix",
                remedy="pass x (..., D), ids (...), a matrix (D, H) and a bias (H,)",
            )
        return (*ids, W[1])

    def flops(self, output: Shape, *shapes: Shape) -> int:
        return 2 * math.prod(output) * shapes[0][-1]

    # Each id occurs once, because the checker changes one element of x at a time.
    sample_inputs = samples_on(
        ["3x3", [1, 4, 2], "3x2", "2"],
        [
            "2x3x4",
            [[0, 1, 2], [5, 3, 4]],
            "4x2",
            "2",
        ],
        ["3", 3, "3x2", "2"],
        ["3x0", [1, 4, 2], "0x2", "2"],
        ["3x2", [1, 4, 2], "2x0", "0"],
    )


def _reversed(x: Array) -> Array:
    """View x (T, B, H) as (B, T, H), and vice versa, for any number of axes before the last."""
    return np.moveaxis(x.T, 0, -1)
