"""Sums of products over named axes, in Einstein notation."""

import math
from functools import partial
from typing import Any

import numpy as np

from ..gate import Shape
from ..help.engine_errors import no_gate
from ..numpy_api import implements
from ..tensor import Tensor, TensorLike
from .samples import random_samples
from .shape import _ShapeOfForward

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Einsum(_ShapeOfForward):
    """z = products of the operands' elements, summed over the letters that the output omits.

    `subscripts` has a letter for each axis of each operand and, after "->", a letter for each axis
    of z. Without "->", z has the letters that occur exactly once, in alphabetical order. "..."
    stands for any other axes, which broadcast. "ij,jk->ik" is a matrix product, "bij->bji" a
    transpose, and "ii->i" a diagonal. An operand's gradient is also an einsum of dz and the other
    operands. Its output has that operand's letters.

    >>> einsum("bi,bi->b", [[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [2.0, 0.0]]).array
    array([3., 6.], dtype=float32)

    Errors: ShapeError (MG109) if the subscripts do not match the shapes. Source: Laue, Mitterreiter
    and Giesen, A simple and efficient tensor calculus (2020).

    Since: 0.2.
    """

    symbol = "einsum"
    remedy = "use one letter for each axis; axes with the same letter must have the same size"

    def __init__(self, subscripts: str) -> None:
        self.subscripts = subscripts

    def forward(self, *arrays):
        z = np.einsum(self.subscripts, *_alike(arrays), optimize=True)
        return z.astype(np.result_type(*arrays), copy=False)

    def backward(self, dz, z, *arrays):
        terms, output = self._letters([len(array.shape) for array in arrays])
        arrays = _alike(arrays)

        def gradient(number: int):
            # dz replaces the operand
            subscripts, operands = [output, *terms], [dz, *arrays]
            term, shape = subscripts.pop(number + 1), operands.pop(number + 1).shape
            sizes = {
                pair
                for letters, operand in zip(subscripts, operands, strict=True)
                for pair in zip(letters, operand.shape, strict=True)
            }
            target = ""
            for letter, size in zip(term, shape, strict=True):
                # the letter occurs twice: only the operand's diagonal gets a gradient
                if letter in target:
                    used = target + output + "".join(terms)
                    fresh = next(one for one in _LETTERS if one not in used)
                    subscripts.append(letter + fresh)
                    operands.append(np.eye(size, dtype=dz.dtype))
                    letter = fresh
                elif (letter, size) not in sizes:
                    # no other operand has this letter with this size: the axis was summed alone, or
                    # the others broadcast
                    subscripts.append(letter)
                    operands.append(np.ones(size, dz.dtype))
                target += letter
            return np.einsum(f"{','.join(subscripts)}->{target}", *operands, optimize=True)

        return [partial(gradient, number) for number in range(len(arrays))]

    def _letters(self, ndims: list[int]) -> tuple[list[str], str]:
        """Return the letters of each operand and of the output, with unused letters for "..."."""
        inputs, arrow, output = self.subscripts.replace(" ", "").partition("->")
        terms = inputs.split(",")
        counts = [
            ndim - len(term.replace("...", "")) for ndim, term in zip(ndims, terms, strict=True)
        ]
        unused = [letter for letter in _LETTERS if letter not in inputs]
        others = "".join(unused[: max(counts)])
        if not arrow:
            once = [letter for letter in sorted(_LETTERS) if inputs.count(letter) == 1]
            output = "..." * ("..." in inputs) + "".join(once)
        filled = [
            term.replace("...", others[len(others) - count :])
            for term, count in zip(terms, counts, strict=True)
        ]
        return filled, output.replace("...", others)

    def flops(self, output: Shape, *shapes: Shape) -> int:
        terms, _ = self._letters(list(map(len, shapes)))
        pairs = [
            pair
            for term, shape in zip(terms, shapes, strict=True)
            for pair in zip(term, shape, strict=True)
        ]
        # sorting makes the larger size of a broadcast letter replace its size of 1
        sizes = dict(sorted(pairs))
        return len(shapes) * math.prod(sizes.values())

    @classmethod
    def sample_inputs(cls):
        # tests/minigrad/gates/make_reference.py covers the common cases: products, traces, sums.
        cases = {
            "ij , jk": "2x3 3x4",
            "i,j,k->kij": "2 3 2",
            "iji,j->i": "2x3x2 3",
            "iii->i": "2x2x2",
            "ij,j->i": "2x3 1",
            ",i->i": "() 3",
            "i...->...": "2x3",
            "...ij,...j->...i": "2x1x3x2 4x2",
            "...,...": "2x3 3",
        }
        for subscripts, shapes in cases.items():
            yield from random_samples([cls(subscripts)], shapes)


def _alike(arrays):
    """Convert the operands to their common dtype, and float16 to float32.

    The products are computed in any order. A product of two int8 operands would overflow, even if
    a third operand is a float.
    """
    dtype = np.result_type(*(array.dtype for array in arrays))
    if dtype == np.float16:
        dtype = np.dtype(np.float32)
    return [array if array.dtype == dtype else array.astype(dtype) for array in arrays]


@implements(np.einsum)
def einsum(
    subscripts: str,
    *operands: TensorLike,
    optimize: Any = True,
) -> Tensor:
    """`Einsum(subscripts)(*operands)`. The order of the products is always optimized.

    `optimize` is accepted for compatibility with NumPy, but ignored.

    Since: 0.2.
    """
    if not isinstance(subscripts, str):
        raise no_gate("np.einsum with lists of axes, only for letters such as 'ij,jk->ik'")
    return Einsum(subscripts)(*operands)
