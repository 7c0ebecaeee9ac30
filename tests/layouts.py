"""The same numbers in every layout of memory that an array can have."""

from collections.abc import Callable
from typing import Any

import numpy as np


def _strided(a: Any) -> Any:
    room = np.full(
        [2 * size + 1 for size in a.shape],
        99,
        a.dtype,
    )
    view = room[tuple(slice(1, 2 * size + 1, 2) for size in a.shape)]
    view[...] = a
    return view


def _read_only(a: Any) -> Any:
    a = a.copy()
    a.setflags(write=False)
    return a


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "transposed": lambda a: np.ascontiguousarray(np.moveaxis(a, 0, -1)).transpose(
        -1, *range(a.ndim - 1)
    ),
    "strided": _strided,
    "negative strides": lambda a: np.ascontiguousarray(np.flip(a))[
        (slice(None, None, -1),) * a.ndim
    ],
    "read-only": _read_only,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
}
"""Each gives an array equal to `a`, of one axis or more, in that layout."""
