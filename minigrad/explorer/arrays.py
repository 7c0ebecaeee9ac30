"""Convert arrays for the page: small arrays in full, large arrays as a summary.

Equal arrays are stored only once. For example, an AddGate sends the same gradient to both inputs.
"""

import hashlib
from typing import Any

import numpy as np

from ..drawing.facts import Stats
from ..gradients import Gradient, dense
from ..graph import Array

Json = dict[str, Any]

WHOLE = 64
"""The maximum number of elements of an array that is shown in full."""

FEW = 8
"""The same maximum in a large graph."""

PIXELS = 4096
"""The number of elements that are stored of a larger array that is shown as images."""

WEIGHTS = 16_384
"""The same number for attention weights: four heads of 64 rows and columns."""


class ArrayTable:
    """The arrays of one page. `add` returns an array's index in `entries`. Equal arrays share an
    index.

    >>> table = ArrayTable()
    >>> a, b = np.array([1.5, -2.0], np.float32), np.ones(2)
    >>> table.add(a), table.add(b), table.add(a.copy())
    (0, 1, 0)
    >>> table.entries[0]
    {'shape': [2], 'dtype': 'float32', 'values': [1.5, -2.0]}
    """

    def __init__(self, large_graph: bool = False) -> None:
        self.entries: list[Json] = []
        self._most = FEW if large_graph else WHOLE
        self._numbers: dict[Any, int] = {}

    def add(self, given: Array | Gradient, pixels: int = 0) -> int:
        """Store an array unless an equal one is stored already. Return its index in `entries`.

        Also store the first `pixels` elements of a larger array, unless the graph is large.
        """
        array: Array = dense(given)
        digest = hashlib.blake2b(array.tobytes()).digest()
        key = array.shape, array.dtype.str, digest
        large = array.size > self._most
        new = len(self.entries)
        number = self._numbers.setdefault(key, new)
        if number == new:
            self.entries.append(summary(array) if large else whole(array))
        if pixels and large and self._most == WHOLE:
            self.entries[number]["pixels"] = numbers(array.reshape(-1)[:pixels])
        return number


def whole(array: Array) -> Json:
    """Return an array in full, with its elements in row-major order."""
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "values": numbers(array),
    }


def summary(array: Array) -> Json:
    """Summarize a large array by the range, mean and norm of its finite elements, and its first
    element.

    >>> s = summary(np.arange(128.0).reshape(16, 8))
    >>> s["low"], s["high"], s["mean"], s["first"]
    (0.0, 127.0, 63.5, 0.0)
    """
    entry: Json = {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
    }
    stats = Stats.of(array)
    if stats.broken < array.size:
        names = ("low", "high", "mean", "norm")
        figures = np.array([getattr(stats, name) for name in names])
        entry |= zip(names, numbers(figures), strict=True)
    if stats.broken:
        entry["unfinite"] = stats.broken
    flat = array.reshape(-1)
    entry["first"] = numbers(flat[:1])[0]
    return entry


def numbers(array: Array) -> list[Any]:
    """Convert the elements to numbers for JSON, with the fewest digits that preserve each float.

    JSON has no NaN or infinity. These values become strings that JavaScript's Number() accepts.
    """
    flat = array.reshape(-1)
    if flat.dtype.kind != "f":
        return list(map(int, flat.tolist()))
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    texts = map(str, flat.astype("U32"))
    return [words.get(text) or float(text) for text in texts]
