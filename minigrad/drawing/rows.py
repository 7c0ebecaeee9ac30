"""Find the column and row of each box in an unrolled picture.

Columns and rows are integers, which grid.py converts to coordinates. Each time step has a column.
Boxes that only feed time steps are to the left of the steps; all other boxes outside the steps are
to the right. Each unroll has a band of rows, and bands are stacked in the order of recording.
Within a band, a box's row is the length of the longest chain of gates below it.

The explorer's page has the same columns, and `before_steps` and `longest_chains` are also used by
explorer/layout.py. The page places everything else differently, because a node has only one box
there, every scope has a band, and boxes have the same size.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import TypeVar

from ..context import Scope
from .boxes import LEFT, RIGHT, Box, Link

T = TypeVar("T", bound=Hashable)


def find_columns(boxes: list[Box], links: list[Link]) -> None:
    """Move each box that only feeds time steps to the column LEFT."""
    steps = {box for box in boxes if box.band is not None}
    for box in before_steps(steps, _edges(links)):
        box.column = LEFT


def before_steps(steps: set[T], edges: Collection[tuple[T, T]]) -> set[T]:
    """Return everything that feeds `steps`, but is not fed by them. An edge leads from an input to
    the item that uses it.

    >>> sorted(before_steps({"t0", "t1"}, [("x", "t0"), ("t0", "t1"), ("t1", "y"), ("b", "y")]))
    ['x']
    """
    feeding, fed = _neighbours(edges)
    before = _reached(steps, feeding)
    after = _reached(steps, fed)
    return before - after


def longest_chains(
    items: Iterable[T],
    feeding: Mapping[T, Collection[T]],
    carried: Collection[T] = (),
    raised: Collection[T] = (),
) -> dict[T, int]:
    """Return, for each item, the number of items in the longest chain below it.

    Each item must come after the items that feed it. An item in `carried` counts as fed by an
    additional item in row 0. An item in `raised` is one row higher.

    >>> longest_chains("xyz", {"x": "", "y": "x", "z": "xy"})
    {'x': 0, 'y': 1, 'z': 2}
    """
    rows: dict[T, int] = {}
    for item in items:
        row = int(item in carried)
        for other in feeding[item]:
            row = max(row, rows[other] + 1)
        rows[item] = row + (item in raised)
    return rows


def _edges(links: Iterable[Link]) -> list[tuple[Box, Box]]:
    return [(link.tail, link.head) for link in links]


def _neighbours(edges: Iterable[tuple[T, T]]) -> tuple[dict[T, list[T]], dict[T, list[T]]]:
    """Return, for each item, the items that feed it and the items that it feeds."""
    feeding = defaultdict(list)
    fed = defaultdict(list)
    for tail, head in edges:
        feeding[head].append(tail)
        fed[tail].append(head)
    return feeding, fed


def _reached(start: set[T], onward: Mapping[T, list[T]]) -> set[T]:
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
    _, fed = _neighbours(_edges(inner))
    chains = (link for link in inner if link.tail.kind != "parameter")
    feeding, _ = _neighbours(_edges(chains))
    # boxes with a state from another step, which counts as an input
    carried = {link.head for link in links if link.kind != "data"}
    # Parameters get their own rows, between a gate and its data. Otherwise they would make the
    # column wider than its gates.
    raised = {link.head for link in inner if link.tail.kind == "parameter"}
    # Boxes with the same key get the same row in every column: the highest row that any of them
    # needs.
    highest: dict[Hashable, int] = defaultdict(int)
    # boxes are in recording order, so each comes after its inputs
    for box, row in longest_chains(boxes, feeding, carried, raised).items():
        if not box.is_leaf:
            highest[box.key] = max(highest[box.key], row)
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
    feeding, _ = _neighbours(edge for edge in _edges(links) if edge[0] is not edge[1])
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
