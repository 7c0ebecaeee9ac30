"""Find the column and row of each box in an unrolled picture.

Columns and rows are integers, which grid.py converts to coordinates. Each time step has a column.
Boxes that only feed time steps are to the left of the steps; all other boxes outside the steps are
to the right. Each unroll has a band of rows, and bands are stacked in the order of recording.
Within a band, a box's row is the length of the longest chain of gates below it.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable

from ..context import Scope
from .boxes import LEFT, RIGHT, Box, Link

Neighbours = dict[Box, list[Box]]


def find_columns(boxes: list[Box], links: list[Link]) -> None:
    """Move each box that only feeds time steps to the column LEFT."""
    feeding, fed = _neighbours(links)
    steps = {box for box in boxes if box.band is not None}
    before = _reached(steps, feeding)
    after = _reached(steps, fed)
    for box in before - after:
        box.column = LEFT


def _neighbours(links: Iterable[Link]) -> tuple[Neighbours, Neighbours]:
    """Return, for each box, the boxes that feed it and the boxes that it feeds."""
    feeding = defaultdict(list)
    fed = defaultdict(list)
    for link in links:
        feeding[link.head].append(link.tail)
        fed[link.tail].append(link.head)
    return feeding, fed


def _reached(start: set[Box], onward: Neighbours) -> set[Box]:
    reached = set(start)
    stack = list(start)
    while stack:
        new = set(onward[stack.pop()]) - reached
        reached |= new
        stack += new
    return reached


def find_rows(boxes: list[Box], links: list[Link]) -> dict[Scope, tuple[int, int]]:
    """Set each box's row, counted from the bottom. Return the first and last row of each band."""
    inner = []
    for link in links:
        tail = link.tail
        head = link.head
        same = (tail.column, tail.band) == (head.column, head.band)
        if same and link.kind == "data":
            inner.append(link)
    feeding, fed = _neighbours(inner)
    # boxes with a state from another step, which counts as an input
    carried = {link.head for link in links if link.kind != "data"}
    # Parameters get their own rows, between a gate and its data. Otherwise they would make the
    # column wider than its gates.
    raised = {link.head for link in inner if link.tail.kind == "parameter"}
    # Boxes with the same key get the same row in every column: the highest row that any of them
    # needs.
    highest: dict[Hashable, int] = defaultdict(int)
    for box in boxes:  # boxes are in recording order, so each comes after its inputs
        if not box.is_leaf:
            box.row = int(box in carried)
            for other in feeding[box]:
                if other.kind != "parameter":
                    box.row = max(box.row, other.row + 1)
            box.row += box in raised
            highest[box.key] = max(highest[box.key], box.row)
    for box in boxes:
        if box.is_leaf:  # put it just below the lowest gate that it feeds
            below = []
            for head in fed[box]:
                row = highest[head.key] - 1
                if head in raised and box.kind != "parameter":
                    row -= 1
                below.append(row)
            row = min(below, default=0)
            highest[box.key] = max(highest[box.key], row)
    # The bands start above the boxes that feed them.
    base = 0
    tops: dict[Scope, int] = defaultdict(int)
    for box in boxes:
        row = highest[box.key]
        if box.band is not None:
            tops[box.band] = max(tops[box.band], row)
        elif box.column == LEFT:
            base = max(base, row + 1)
    bands = {}
    for band, top in tops.items():
        bands[band] = (base, base + top)
        base += top + 1
    for box in boxes:
        box.row = highest[box.key]
        if box.band is not None:
            box.row += bands[box.band][0]
    _raise_right(boxes, links)
    return bands


def _raise_right(boxes: list[Box], links: list[Link]) -> None:
    """Set the rows of the boxes to the right of the time steps.

    Each box is above the boxes that feed it, and its leaves are just below it.
    """
    feeding, _ = _neighbours(link for link in links if link.tail is not link.head)
    right = [box for box in boxes if box.column == RIGHT and not box.is_leaf]
    for box in right:
        box.row = 1
        for tail in feeding[box]:
            if not tail.is_leaf:
                box.row = max(box.row, tail.row + 1)
    for box in right:
        for tail in feeding[box]:
            if tail.is_leaf and tail.column == RIGHT:
                tail.row = box.row - 1
