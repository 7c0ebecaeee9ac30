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
from itertools import pairwise

from ..context import Scope
from .boxes import LEFT, RIGHT, Box, Link, View
from .colour import FILLS, FRAME, PALE
from .labels import extent, fixed, marked_up, scope_title, shortened
from .lane import PAD, Lane, Slot
from .rows import find_columns, find_rows

GAP = 20.0  # the space between rows, excluding the tracks
TRACK = 4.5  # the distance between wires
HEAD = 15.0  # the height of a frame's title
Point = tuple[float, float]  # in points (1/72 inch), with y pointing up
Attributes = dict[str, str]


class Grid:
    """The layout of one view. Creating a Grid sets `place` on the view's boxes, and removes the
    labels of its links that say what the columns show.

    `route` returns the path of a wire. `frames` are the frames around time steps. `bounds` is the
    size of the picture.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        find_columns(view)
        self.bands = find_rows(view)
        self.columns = sorted({box.column for box in view.boxes} - {LEFT, RIGHT})
        self._find_labels()
        self._find_lanes()
        self._find_tracks()
        self._find_heights()
        self._find_places()
        self._find_paths()

    def _find_labels(self) -> None:
        """Keep the label of one wire of each cut. All other labels name time steps."""
        labelled: dict[str, Link] = {}
        for link in self.view.links:
            if link.kind != "cut" or labelled.setdefault(link.label, link) is not link:
                link.label = ""

    # ---- columns ----

    def _find_lanes(self) -> None:
        """Assign columns to lanes.

        All columns of drawn steps share one lane, and all columns of folded steps share another.
        The columns to the left and right of the steps have separate lanes.
        """
        step, fold = Lane(), Lane()
        opened = {box.column for box in self.view.boxes if not box.is_leaf and box.kind != "fold"}
        self.lanes = {LEFT: Lane(), RIGHT: Lane()}
        for column in self.columns:
            self.lanes[column] = step if column in opened else fold
        self.slots: dict[Box, Slot] = {}
        for box in self.view.boxes:
            slot = self.lanes[box.column].slots.setdefault(box.key, Slot(box.row))
            slot.width = max(slot.width, box.size[0])
            self.slots[box] = slot
        # the slots that reserve space for a wire in each row that it crosses in its column
        self.passed: dict[tuple[Slot, Slot], list[Slot]] = {}
        for link in self.view.links:
            lane = self.lanes[link.head.column]
            ends = tail, head = self.slots[link.tail], self.slots[link.head]
            if link.tail.column == link.head.column and ends not in self.passed:
                passed = [Slot(row) for row in range(tail.row + 1, head.row)]
                self.passed[ends] = passed
                for slot in passed:
                    lane.slots[tail, head, slot.row] = slot
                lane.edges |= dict.fromkeys(pairwise([tail, *passed, head]))
        for lane in {id(lane): lane for lane in self.lanes.values()}.values():
            lane.arrange()

    def _find_places(self) -> None:
        gutter = 2 * PAD + 12 + TRACK * len(self.risers)
        self.left: dict[int, float] = {}
        x = 0.0
        for column in (LEFT, *self.columns, RIGHT):
            self.left[column] = x
            if self.lanes[column].slots:
                x += self.lanes[column].width + gutter
        self.width = x - gutter
        for box in self.view.boxes:
            box.place = self.left[box.column] + self.slots[box].x, self.y[box.row]

    # ---- wires ----

    def _find_tracks(self) -> None:
        """Assign each producer its tracks in the gaps and gutters."""
        self.tracks: dict[int, dict[Slot, None]] = defaultdict(dict)
        self.risers: dict[Slot, int] = {}
        for link in self.view.links:
            slot = self.slots[link.tail]
            gaps = _gaps(link)
            for gap in gaps:
                self.tracks[gap][slot] = None
            if len(gaps) > 1:
                self.risers.setdefault(slot, len(self.risers))

    def _find_heights(self) -> None:
        """Compute the y coordinates of the rows and of the tracks in the gaps between them."""
        starts = {first for first, _ in self.bands.values()}
        ends = {last for _, last in self.bands.values()}
        cuts = {link.tail.row for link in self.view.links if link.kind == "cut"}
        self.heights: dict[int, float] = defaultdict(lambda: 20.0)
        for box in self.view.boxes:
            self.heights[box.row] = max(self.heights[box.row], box.size[1])
        self.y: dict[int, float] = {}
        self.levels: dict[tuple[int, Slot], float] = {}
        self.tops: dict[int, float] = {}  # of the gaps
        y = 0.0
        for row in range(-1, max(self.heights) + 1):
            if row >= 0:
                self.y[row] = y + self.heights[row] / 2
                y += self.heights[row]
            # Leave room for a band's frame and for its titles, which are just above its last row.
            low = y + (HEAD + 2 * PAD if row in ends else 2.0)
            tracks = self.tracks[row]
            high = self.tops[row] = low + GAP + TRACK * len(tracks)
            for track, slot in enumerate(tracks, 1):
                self.levels[row, slot] = low + (high - low) * track / (len(tracks) + 1)
            y = high
            y += 10.0 if row in cuts else 0.0
            y += 2 * PAD + 5 if row + 1 in starts else 2.0
        self.height = y

    def _find_paths(self) -> None:
        """Compute the wires' paths.

        Wires enter a box from below, side by side, in the left-to-right order of their origins.
        """
        arriving: dict[Box, list[tuple[Link, list[Point]]]] = defaultdict(list)
        for link in self.view.links:
            arriving[link.head].append((link, self._stem(link)))
        self.paths: dict[Link, list[Point]] = {}
        for box, wires in arriving.items():
            x, y = box.place
            width, height = box.size
            room = width * (0.55 if box.kind == "gate" else 0.7)
            wires.sort(key=lambda wire: (wire[1][-1][0], wire[0].kind != "data"))
            for number, (link, path) in enumerate(wires):
                port = x + room * ((number + 0.5) / len(wires) - 0.5)
                if _gaps(link):
                    path.append((port, path[-1][1]))
                path.append((port, y - height / 2))
                self.paths[link] = path

    def _stem(self, link: Link) -> list[Point]:
        """Return the points of a wire's path up to its last turn before the head."""
        x, y = link.tail.place
        stem = [(x, y + link.tail.size[1] / 2)]
        tail = self.slots[link.tail]
        levels = [self.levels[gap, tail] for gap in _gaps(link)]
        if levels:
            stem.append((x, levels[0]))
        else:
            for slot in self.passed[tail, self.slots[link.head]]:
                x = self.left[link.head.column] + slot.x
                middle, half = self.y[slot.row], self.heights[slot.row] / 2
                stem += [(x, middle - half), (x, middle + half)]
        if len(levels) > 1:
            up = self._gutter_x(link)
            stem += [(up, level) for level in levels]
        return stem

    def _gutter_x(self, link: Link) -> float:
        """Return the x coordinate of a wire's track in the gutter next to the head's column."""
        tail, head = link.tail.column, link.head.column
        offset = PAD + 6 + TRACK * self.risers[self.slots[link.tail]]
        if tail == LEFT and head != LEFT:
            return self.left[self.columns[0]] - offset
        if tail > head:
            return self.left[head] + self.lanes[head].width + offset
        return self.left[head] - offset

    def route(self, link: Link) -> Attributes:
        """Return an edge's `pos`, a Bezier curve of straight segments, and its label's position."""
        *path, tip = self.paths[link]
        path.append((tip[0], tip[1] - 6))  # the arrowhead covers the last 6 points
        curve = [path[0]]
        for start, end in pairwise(path):
            curve += [start, end, end]
        values = {"pos": f"e,{point(tip)} " + " ".join(map(point, curve))}
        if link.label:
            xs = [x for x, _ in path[1:3]]
            y = self.tops[link.tail.row] + 4 if len(path) > 2 else path[1][1]
            values["lp"] = point((sum(xs) / len(xs), y))
        return values

    # ---- frames and the rest ----

    @property
    def frames(self) -> Iterator[tuple[Attributes, Attributes]]:
        """The attributes of each frame and its title. Unrolls and time steps have frames."""
        cells: dict[tuple[Scope | None, int], list[Box]] = defaultdict(list)
        for box in self.view.boxes:
            if not box.is_leaf:
                cells[box.band, box.column].append(box)
        sides = {}
        for column in self.columns:
            left = self.left[column]
            sides[column] = left - PAD, left + self.lanes[column].width + PAD
        first_left, _ = sides[self.columns[0]]
        _, last_right = sides[self.columns[-1]]
        for band, (first, last) in self.bands.items():
            low = self.y[first] - self.heights[first] / 2 - PAD
            high = self.y[last] + self.heights[last] / 2 + PAD + HEAD - 4
            corners = (first_left - 4, low - 5), (last_right + 4, high + HEAD)
            yield _frame(band or ("time",), *corners)
            for column, (left, right) in sides.items():
                gates = cells[band, column]
                scope = max((box.scope for box in gates), key=len, default=band)[: len(band) + 1]
                if scope != band:  # otherwise a single box represents the step or several steps
                    pale = all(box.starved for box in gates)
                    yield _frame(scope, (left, low), (right, high), pale, FILLS[0])

    @property
    def longest(self) -> float:
        """The longer side of the picture, in points."""
        return max(self.width, self.height)

    @property
    def bounds(self) -> str:
        """The bounding box in Graphviz's format."""
        return f"{point((-PAD - 8, 0.0))},{point((self.width + PAD + 8, self.height + 4))}"


def point(place: Point) -> str:
    """Format a point as Graphviz does."""
    return f"{place[0]:.2f},{place[1]:.2f}"


def caption_place(size: Point) -> Attributes:
    """Return attributes that place a caption of this size below the lower left corner."""
    width, height = size
    return {
        "lp": point((width / 2 - PAD, -8 - height / 2)),
        "lwidth": f"{width / 72:.2f}",
        "lheight": f"{height / 72:.2f}",
    }


def _gaps(link: Link) -> list[int]:
    """Return the gaps that a wire runs along: the gap above its tail and the gap below its head.

    The list has one element if they are the same gap. It is empty if the wire only goes up, within
    a single column.
    """
    tail, head = link.tail, link.head
    if tail.column == head.column and tail.row < head.row:
        return []
    return list(dict.fromkeys([tail.row, head.row - 1]))


def _frame(
    scope: Scope, low: Point, high: Point, pale: bool = False, fill: str = FILLS[1]
) -> tuple[Attributes, Attributes]:
    """Return the attributes of a frame between two corners, and of its title in the upper left.

    The title is a node because Graphviz draws nodes over wires. It draws wires over a frame's
    label.
    """
    name = scope_title(scope[-1], max(13, int((high[0] - low[0]) / 7)))
    width, height = extent(name)
    tooltip = shortened("/".join(scope), 400)
    frame = {
        "style": "rounded,filled",
        "color": PALE["color"] if pale else FRAME,
        "fillcolor": fill,
        "tooltip": tooltip,
        "bb": f"{point(low)},{point(high)}",
    }
    title = {
        "label": marked_up(name, PALE["fontcolor"] if pale else None),
        "shape": "box",
        "style": "filled",
        "color": fill,
        "fillcolor": fill,
        **fixed((width, height)),
        "tooltip": tooltip,
        "pos": point((low[0] + 11 + width / 2, high[1] - height / 2 - 2)),
    }
    return frame, title
