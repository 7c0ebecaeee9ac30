"""The column and row of each box in an unrolled picture, as whole numbers that grid.py turns into coordinates.

Columns are time steps. Boxes that only feed the steps stand to the left of them, all others to the right. Each unroll
has a band of rows, stacked in the order of recording; within a band, the row is the number of gates below.
"""

from collections.abc import Hashable

from ..context import Scope
from .boxes import Box, View

LEFT, RIGHT = -1, 10**9  # the columns before and after the time steps


def find_columns(view: View) -> dict[Box, int]:
    """The column of each box: that of its step; without one, LEFT if it only feeds steps, otherwise RIGHT."""
    side = {box: box.column for box in view.boxes if box.column is not None}
    into: dict[Box, list[Box]] = {box: [] for box in view.boxes}
    out: dict[Box, list[Box]] = {box: [] for box in view.boxes}
    for link in view.links:
        into[link.head].append(link.tail)
        out[link.tail].append(link.head)
    after, before = set(side), set(side)
    for reached, onward in ((after, out), (before, into)):
        stack = list(reached)
        while stack:
            for other in onward[stack.pop()]:
                if other not in reached:
                    reached.add(other)
                    stack.append(other)
    return {box: side.get(box, LEFT if box in before and box not in after else RIGHT) for box in view.boxes}


def find_rows(view: View, column: dict[Box, int]) -> tuple[dict[Box, int], dict[Scope, tuple[int, int]]]:
    """(the row of each box, counted from below; the first and the last row of each band)."""
    feeding: dict[Box, list[Box]] = {box: [] for box in view.boxes}  # what feeds a box from its own band and column
    fed: dict[Box, list[Box]] = {box: [] for box in view.boxes}
    for link in view.links:
        tail, head = link.tail, link.head
        if column[tail] == column[head] and tail.band == head.band and link.kind == "data":
            feeding[head].append(tail)
            fed[tail].append(head)
    carried = {link.head for link in view.links if link.kind != "data"}  # fed from another step, which counts as data
    # Parameters get rows of their own, between a gate and its data, so that a column is no wider than its gates.
    raised = {box for box in view.boxes if any(other.kind == "parameter" for other in feeding[box])}
    level: dict[Box, int] = {}
    for box in view.boxes:  # in the order of recording, so what feeds a box comes before it
        if not box.is_leaf:
            data = (level.get(other, 0) + 1 for other in feeding[box] if other.kind != "parameter")
            level[box] = max(data, default=int(box in carried)) + (box in raised)
    # Boxes with the same key get the same row in every column: the highest that any of them needs.
    highest: dict[Hashable, int] = {}
    for box, height in level.items():
        highest[box.key] = max(highest.get(box.key, 0), height)
    for box in view.boxes:
        if box.is_leaf:  # just below the lowest gate that it feeds
            below = [highest[head.key] - 1 - (head in raised and box.kind != "parameter") for head in fed[box]]
            level[box] = max(min(below, default=0), 0)
            highest[box.key] = max(highest.get(box.key, 0), level[box])
    bands: dict[Scope, tuple[int, int]] = {}
    for box in view.boxes:
        if box.band is not None:
            bands[box.band] = (0, max(bands.get(box.band, (0, 0))[1], highest[box.key]))
    base = max((highest[box.key] + 1 for box in view.boxes if column[box] == LEFT), default=0)  # above what feeds them
    for band, (_, last) in bands.items():
        bands[band] = (base, base + last)
        base += last + 1
    rows = {box: highest[box.key] + (bands[box.band][0] if box.band is not None else 0) for box in view.boxes}
    _raise_right(view, column, rows)
    return rows, bands


def _raise_right(view: View, column: dict[Box, int], rows: dict[Box, int]) -> None:
    """Put each box to the right of the time steps above what feeds it, and its leaves just below it."""
    feeding: dict[Box, list[Box]] = {box: [] for box in view.boxes if column[box] == RIGHT and not box.is_leaf}
    for link in view.links:
        if link.head in feeding and link.tail is not link.head:
            feeding[link.head].append(link.tail)
    for box, tails in feeding.items():
        rows[box] = max((rows[tail] + 1 for tail in tails if not tail.is_leaf), default=1)
    for box, tails in feeding.items():
        for tail in tails:
            if tail.is_leaf and column[tail] == RIGHT:
                rows[tail] = rows[box] - 1
