"""Find the column and row of each box in an unrolled picture.

Columns and rows are integers, which grid.py converts to coordinates. Each time step has a column.
Boxes that only feed time steps are to the left of the steps; all other boxes outside the steps are
to the right. Each unroll has a band of rows, and bands are stacked in the order of recording.
Within a band, a box's row is the length of the longest chain of gates below it.
"""

from collections.abc import Hashable, Mapping

from ..context import Scope
from .boxes import Box, View

LEFT, RIGHT = -1, 10**9  # the columns before and after the time steps


def find_columns(view: View) -> None:
    """Set the column of each box without a time step.

    The column is LEFT if the box only feeds time steps, and RIGHT otherwise.
    """
    feeding: dict[Box, list[Box]] = {box: [] for box in view.boxes}
    fed: dict[Box, list[Box]] = {box: [] for box in view.boxes}
    for link in view.links:
        feeding[link.head].append(link.tail)
        fed[link.tail].append(link.head)
    steps = {box for box in view.boxes if box.column is not None}
    left = _reached(steps, feeding) - _reached(steps, fed)
    for box in view.boxes:
        if box.column is None:
            box.column = LEFT if box in left else RIGHT


def _reached(start: set[Box], onward: Mapping[Box, list[Box]]) -> set[Box]:
    reached, stack = set(start), list(start)
    while stack:
        new = set(onward[stack.pop()]) - reached
        reached |= new
        stack += new
    return reached


def find_rows(view: View) -> dict[Scope, tuple[int, int]]:
    """Set each box's row, counted from the bottom. Return the first and last row of each band."""
    # for each box, the boxes of the same band and column that feed it
    feeding: dict[Box, list[Box]] = {box: [] for box in view.boxes}
    fed: dict[Box, list[Box]] = {box: [] for box in view.boxes}
    for link in view.links:
        tail, head = link.tail, link.head
        if tail.column == head.column and tail.band == head.band and link.kind == "data":
            feeding[head].append(tail)
            fed[tail].append(head)
    # boxes with a state from another step, which counts as an input
    carried = {link.head for link in view.links if link.kind != "data"}
    # Parameters get their own rows, between a gate and its data. Otherwise they would make the
    # column wider than its gates.
    raised = {box for box in view.boxes if any(other.kind == "parameter" for other in feeding[box])}
    # Boxes with the same key get the same row in every column: the highest row that any of them
    # needs.
    highest: dict[Hashable, int] = {}
    for box in view.boxes:  # boxes are in recording order, so each comes after its inputs
        if not box.is_leaf:
            data = (other.row + 1 for other in feeding[box] if other.kind != "parameter")
            box.row = max(data, default=int(box in carried)) + (box in raised)
            highest[box.key] = max(highest.get(box.key, 0), box.row)
    for box in view.boxes:
        if box.is_leaf:  # put it just below the lowest gate that it feeds
            below = [
                highest[head.key] - 1 - (head in raised and box.kind != "parameter")
                for head in fed[box]
            ]
            highest[box.key] = max(highest.get(box.key, 0), min(below, default=0))
    tops: dict[Scope, int] = {}
    for box in view.boxes:
        if box.band is not None:
            tops[box.band] = max(tops.get(box.band, 0), highest[box.key])
    # The bands start above the boxes that feed them.
    base = max((highest[box.key] + 1 for box in view.boxes if box.column == LEFT), default=0)
    bands = {}
    for band, top in tops.items():
        bands[band] = (base, base + top)
        base += top + 1
    for box in view.boxes:
        box.row = highest[box.key] + (bands[box.band][0] if box.band is not None else 0)
    _raise_right(view)
    return bands


def _raise_right(view: View) -> None:
    """Set the rows of the boxes to the right of the time steps.

    Each box is above the boxes that feed it, and its leaves are just below it.
    """
    feeding: dict[Box, list[Box]] = {
        box: [] for box in view.boxes if box.column == RIGHT and not box.is_leaf
    }
    for link in view.links:
        if link.head in feeding and link.tail is not link.head:
            feeding[link.head].append(link.tail)
    for box, tails in feeding.items():
        box.row = max((tail.row + 1 for tail in tails if not tail.is_leaf), default=1)
    for box, tails in feeding.items():
        for tail in tails:
            if tail.is_leaf and tail.column == RIGHT:
                tail.row = box.row - 1
