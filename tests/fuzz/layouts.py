"""Layouts of arrays in memory: the same numbers in another order, with gaps, backwards, shared, or
read-only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Gate, Tensor

Array = np.ndarray[Any, Any]
LAYOUTS = ("F", "moved", "strided", "reversed", "offset", "broadcast", "read-only")


def draw(rng: np.random.Generator, plain: float = 0.4) -> str:
    """One of the layouts; "C", the usual one, with probability `plain`."""
    return "C" if rng.random() < plain else str(rng.choice(LAYOUTS))


def laid_out(array: Any, layout: str) -> Array:
    """A copy of the array in that layout. Gaps are filled with what no result may contain.

    Broadcasting takes the axes along which all numbers are equal, and leaves one of each.
    """
    array = np.asarray(array)
    layout = layout if array.ndim else "C"
    strange = np.nan if array.dtype.kind == "f" else 99
    if layout == "strided" or layout == "offset":
        size = [2 * n if layout == "strided" else n + 2 for n in array.shape]
        part = slice(None, None, 2) if layout == "strided" else slice(1, -1)
        view: Array = np.full(size, strange, array.dtype)[(part,) * array.ndim]
        view[...] = array
        return view
    if layout == "moved":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 0, -1)), -1, 0)
    if layout == "reversed":
        return np.flip(np.flip(array).copy())
    if layout == "broadcast":
        one = array
        for axis in range(array.ndim if array.size else 0):
            first = one.take([0], axis)
            one = first if (one == first).all() else one
        return np.broadcast_to(one.copy(), array.shape)
    copy = np.array(array, order="F" if layout == "F" else "C")
    copy.setflags(write=layout != "read-only")
    return copy


class _Relaid(Gate):
    """z = x, in a layout; dx = dz, in another."""

    def __init__(self, forwards: str, backwards: str) -> None:
        self.forwards, self.backwards = forwards, backwards

    def forward(self, x: Any) -> Any:
        return laid_out(x, self.forwards)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        if isinstance(dz, Tensor):
            return (_Relaid(self.backwards, self.forwards)(dz),)
        return (laid_out(dz, self.backwards),)


def relaid(x: Tensor, forwards: str, backwards: str) -> Tensor:
    """x with its array in one layout, and with its gradient in another."""
    # a view of a leaf would be copied
    return _Relaid(forwards, backwards)(x if x.node.gate else 1.0 * x)
