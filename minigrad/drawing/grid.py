"""Lay out an unrolled picture: a column for each time step, a band of rows for each layer.

Graphviz cannot lay out such graphs in columns, and it is too slow for more than a few hundred
boxes. This module computes rows and offsets once for all steps with the same structure, and copies
them to each column. The run time is proportional to the number of boxes.

Coordinates are in points. The y axis points up, and row 0 is at the bottom. Wires run in the gaps
between rows and in the gutters between columns, so they cross no boxes. Each producer has its own
track in the gaps and gutters.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter
from typing import NamedTuple

from ..context import Scope
from .boxes import LEFT, RIGHT, Box, Link, Point
from .colour import FILLS, FRAME, PALE
from .labels import extent, fixed, marked_up, quoted, scope_title, shortened
from .lane import PAD, Lane, Slot
from .rows import find_columns, find_rows

GAP = 20.0  # the space between rows, excluding the tracks
TRACK = 4.5  # the distance between wires
HEAD = 15.0  # the height of a frame's title


@dataclass
class Column:
    """A column of a picture. Columns with the same structure share a lane."""

    lane: Lane
    left: float = 0.0

    @property
    def right(self) -> float:
        return self.left + self.lane.width


class Row(NamedTuple):
    """The y coordinates of a row."""

    bottom: float
    middle: float
    top: float


class Grid:
    """The layout of boxes and links. Creating a Grid sets `place` on the boxes, and removes labels
    of links that only repeat what the columns show.

    `route` returns the path of a wire. `frames` are the frames around time steps. `bounds` is the
    size of the picture.
    """

    def __init__(self, boxes: list[Box], links: list[Link]) -> None:
        self.boxes = boxes
        self.links = links
        find_columns(boxes, links)
        self.bands = find_rows(boxes, links)
        self._find_labels()
        self._find_lanes()
        self._find_tracks()
        self._find_heights()
        self._find_places()
        self._find_paths()

    def _find_labels(self) -> None:
        """Keep the label of one wire of each cut. All other labels name time steps."""
        labelled = set()
        for link in self.links:
            if link.kind != "cut" or link.label in labelled:
                link.label = ""
            labelled.add(link.label)

    # ---- columns ----

    def _find_lanes(self) -> None:
        """Assign columns to lanes.

        All columns of drawn steps share one lane, and all columns of folded steps share another.
        The columns to the left and right of the steps have separate lanes.
        """
        step = Lane()
        fold = Lane()
        self.columns = {LEFT: Column(Lane())}
        for number in sorted({box.column for box in self.boxes} - {LEFT, RIGHT}):
            self.columns[number] = Column(fold)
        self.columns[RIGHT] = Column(Lane())
        for box in self.boxes:
            if box.band is not None and not box.is_leaf and box.kind != "fold":
                self.columns[box.column].lane = step
        for box in self.boxes:
            slots = self.columns[box.column].lane.slots
            slot = box.slot = slots.setdefault(box.key, Slot(box.row))
            slot.width = max(slot.width, box.size[0])
        for link in self.links:
            if link.tail.column != link.head.column:
                continue
            tail = link.tail.slot
            head = link.head.slot
            lane = self.columns[link.head.column].lane
            wire = [tail]
            for row in range(tail.row + 1, head.row):
                slot = Slot(row)  # reserves space for the wire
                wire.append(lane.slots.setdefault((tail, head, row), slot))
            for edge in pairwise([*wire, head]):
                lane.edges[edge] = None
        for lane in {column.lane for column in self.columns.values()}:
            lane.arrange()

    def _find_places(self) -> None:
        gutter = 2 * PAD + 12 + TRACK * len(self.risers)
        x = 0.0
        for column in self.columns.values():
            column.left = x
            if column.lane.slots:
                x += column.lane.width + gutter
        self.width = x - gutter
        for box in self.boxes:
            column = self.columns[box.column]
            row = self.rows[box.row]
            box.place = column.left + box.slot.x, row.middle

    # ---- wires ----

    def _find_tracks(self) -> None:
        """Assign each producer its tracks in the gaps and gutters."""
        self.tracks: dict[int, dict[Slot, None]] = defaultdict(dict)
        self.risers: dict[Slot, int] = {}
        for link in self.links:
            slot = link.tail.slot
            gaps = _gaps(link)
            for gap in gaps:
                self.tracks[gap][slot] = None
            if len(gaps) > 1:
                self.risers.setdefault(slot, len(self.risers))

    def _find_heights(self) -> None:
        """Compute the y coordinates of the rows and of the tracks in the gaps between them."""
        starts, ends = zip(*self.bands.values(), strict=True)
        cuts = {link.tail.row for link in self.links if link.kind == "cut"}
        heights: dict[int, float] = defaultdict(lambda: 20.0)
        for box in self.boxes:
            heights[box.row] = max(heights[box.row], box.size[1])
        self.rows = {}
        self.levels = {}
        self.tops = {}  # of the gaps
        y = 0.0
        for row in range(-1, max(heights) + 1):
            if row >= 0:
                half = heights[row] / 2
                middle = y + half
                y += heights[row]
                self.rows[row] = Row(middle - half, middle, middle + half)
            # Leave room for a band's frame and for its titles, which are just above its last row.
            above = HEAD + 2 * PAD if row in ends else 2.0
            low = y + above
            tracks = self.tracks[row]
            high = low + GAP + TRACK * len(tracks)
            for number, slot in enumerate(tracks, 1):
                share = (high - low) * number / (len(tracks) + 1)
                self.levels[row, slot] = low + share
            self.tops[row] = high
            y = high + (10.0 if row in cuts else 0.0)
            y += 2 * PAD + 5 if row + 1 in starts else 2.0
        self.height = y

    def _find_paths(self) -> None:
        """Compute the wires' paths.

        Wires enter a box from below, side by side, in the left-to-right order of their origins.
        """
        self.paths = {link: self._stem(link) for link in self.links}
        for box, group in groupby(self.links, attrgetter("head")):
            x, y = box.place
            width, height = box.size
            room = width * (0.55 if box.kind == "gate" else 0.7)
            links = sorted(
                group,
                key=lambda link: (self.paths[link][-1][0], link.kind != "data"),
            )
            for number, link in enumerate(links):
                share = (number + 0.5) / len(links)
                port = x + room * (share - 0.5)
                path = self.paths[link]
                if _gaps(link):
                    path.append((port, path[-1][1]))
                path.append((port, y - height / 2))

    def _stem(self, link: Link) -> list[Point]:
        """Return the points of a wire's path up to its last turn before the head."""
        x, y = link.tail.place
        stem = [(x, y + link.tail.size[1] / 2)]
        tail = link.tail.slot
        head = link.head.slot
        levels = [self.levels[gap, tail] for gap in _gaps(link)]
        if levels:
            stem.append((x, levels[0]))
        else:
            column = self.columns[link.head.column]
            for number in range(tail.row + 1, head.row):
                x = column.left + column.lane.slots[tail, head, number].x
                row = self.rows[number]
                stem += [(x, row.bottom), (x, row.top)]
        if len(levels) > 1:
            up = self._gutter_x(link)
            stem += [(up, level) for level in levels]
        return stem

    def _gutter_x(self, link: Link) -> float:
        """Return the x coordinate of a wire's track in the gutter next to the head's column."""
        tail = link.tail.column
        head = link.head.column
        track = self.risers[link.tail.slot]
        offset = PAD + 6 + TRACK * track
        if tail > head:
            return self.columns[head].right + offset
        if tail == LEFT < head:  # wires from the left share the gutter before the first step
            _, head, *_ = self.columns
        return self.columns[head].left - offset

    def route(self, link: Link) -> str:
        """Return an edge's `pos`, a Bezier curve of straight segments, and its label's position."""
        *path, (x, y) = self.paths[link]
        path.append((x, y - 6))  # the arrowhead covers the last 6 points
        curve = [path[0]]
        for start, end in pairwise(path):
            curve += [start, end, end]
        points = " ".join(map(point, curve))
        route = f'pos="e,{point((x, y))} {points}"'
        if link.label:
            x, y = path[1]
            if len(path) > 2:
                x = (x + path[2][0]) / 2
                y = self.tops[link.tail.row] + 4
            route += f', lp="{point((x, y))}"'
        return route

    # ---- frames and the rest ----

    @property
    def frames(self) -> Iterator[tuple[str, str]]:
        """Yield the attributes of each frame, and those of its title. Unrolls and time steps have
        frames.
        """
        gates = defaultdict(list)
        for box in self.boxes:
            if not box.is_leaf:
                gates[box.band, box.column].append(box)
        _, *steps, _ = self.columns
        left = self.columns[steps[0]].left - PAD - 4
        right = self.columns[steps[-1]].right + PAD + 4
        for band, (first, last) in self.bands.items():
            low = self.rows[first].bottom - PAD
            high = self.rows[last].top + PAD + HEAD - 4
            start = (left, low - 5)
            end = (right, high + HEAD)
            yield _frame(band or ("time",), start, end)
            for number in steps:
                inside = gates[band, number]
                scopes = [box.scope for box in inside]
                scope = max(scopes, key=len, default=band)
                if len(scope) == len(band):  # a single box represents the step or several steps
                    continue
                column = self.columns[number]
                start = (column.left - PAD, low)
                end = (column.right + PAD, high)
                pale = all(box.starved for box in inside)
                yield _frame(scope[: len(band) + 1], start, end, pale, FILLS[0])

    @property
    def bounds(self) -> str:
        """The bounding box in Graphviz's format."""
        high = (self.width + PAD + 8, self.height + 4)
        return f"{point((-PAD - 8, 0.0))},{point(high)}"


def point(place: Point) -> str:
    """Format a point as Graphviz does."""
    x, y = place
    return f"{x:.2f},{y:.2f}"


def caption_place(size: Point) -> str:
    """Return attributes that place a caption of this size below the lower left corner."""
    width, height = size
    place = point((width / 2 - PAD, -8 - height / 2))
    return f'lp="{place}", lwidth="{width / 72:.2f}", lheight="{height / 72:.2f}"'


def _gaps(link: Link) -> list[int]:
    """Return the gaps that a wire runs along: the gap above its tail and the gap below its head.

    The list has one element if they are the same gap. It is empty if the wire only goes up, within
    a single column.
    """
    tail = link.tail
    head = link.head
    if tail.column == head.column and tail.row < head.row:
        return []
    return list(dict.fromkeys([tail.row, head.row - 1]))


def _frame(
    scope: Scope, low: Point, high: Point, pale: bool = False, fill: str = FILLS[1]
) -> tuple[str, str]:
    """Return the attributes of a frame between two corners, and of its title in the upper left.

    The title is a node because Graphviz draws nodes over wires. It draws wires over a frame's
    label.
    """
    left, _ = low
    right, top = high
    longest = max(13, int((right - left) / 7))
    name = scope_title(scope[-1], longest)
    size = width, height = extent(name)
    tooltip = quoted(shortened("/".join(scope), 400))
    color = PALE["color"] if pale else FRAME
    label = marked_up(name, PALE["fontcolor"] if pale else None)
    place = point((left + 11 + width / 2, top - height / 2 - 2))
    frame = (
        f'style="rounded,filled", color="{color}", fillcolor="{fill}", tooltip={tooltip}, '
        f'bb="{point(low)},{point(high)}"'
    )
    title = (
        f'label={label}, shape="box", style="filled", color="{fill}", fillcolor="{fill}", '
        f'{fixed(size)}, tooltip={tooltip}, pos="{place}"'
    )
    return frame, title
