"""Decide whether two arrays are equal, and which nodes have equal values."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable

import numpy as np

from ...graph import Array, Node

ROUNDING = 1_000
"""Two arrays are equal if no element differs by more than this many units of rounding, relative to
the largest element. A unit is 1.2e-7 in float32 and 2.2e-16 in float64. Sums of some thousand terms
in another order differ by less than 100 units, and a few hundred gates multiply this by less than 10.
"""

MASK = 1e6
"""Elements of this size or more, such as -1e9 in a mask, are ignored when the largest element is
found.
"""

UNROUNDED = 4
"""The same limit as ROUNDING, for two leaves, which no gate has rounded."""


def close(
    one: Array,
    other: Array,
    units: float = ROUNDING,
    least: float = 0.0,
) -> bool:
    """Return whether two arrays of the same shape and dtype have the same values up to rounding.

    The largest element counts as at least `least`.
    """
    floats = one.dtype.kind == "f"
    unit = np.finfo(one.dtype).eps if floats else 0.0
    sizes = [_unmasked(array).max(initial=0) for array in (one, other)]
    largest = max(*sizes, least)
    equal = np.isclose(
        one.astype(float),
        other.astype(float),
        rtol=units * unit,
        atol=units * unit * largest,
        equal_nan=True,
    )
    return bool(equal.all())


def number_values(nodes: Iterable[Node]) -> dict[Node, int]:
    """Number the nodes. Two nodes have the same number if their values and dtypes are equal."""
    numbers: dict[Node, int] = {}
    seen: dict[Hashable, list[Node]] = defaultdict(list)
    for node in nodes:
        # Two levels that differ by rounding have the same floor, as they are or after adding 0.5.
        length = np.linalg.norm(_unmasked(node.output))
        level = 1_000 * math.log(length or 1.0)
        keys = [
            (
                node.shape,
                node.dtype,
                shift,
                math.floor(level + shift),
            )
            for shift in (0.0, 0.5)
        ]
        numbers[node] = len(numbers)
        for one in [one for key in keys for one in seen[key]]:
            leaves = not (one.predecessors or node.predecessors)
            units = UNROUNDED if leaves else ROUNDING
            if close(one.output, node.output, units):
                numbers[node] = numbers[one]
                break
        else:
            for key in keys:
                seen[key].append(node)
    return numbers


def _unmasked(array: Array) -> Array:
    sizes: Array = np.abs(array.astype(float))
    return sizes[sizes < MASK]
