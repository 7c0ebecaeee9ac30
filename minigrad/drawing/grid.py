"""Lay out an unrolled picture: a column for each time step, a band of rows for each layer.

Graphviz cannot lay out such graphs in columns, and it is too slow for more than a few hundred
boxes. This module computes rows and offsets once for all steps with the same structure, and copies
them to each column. The run time is proportional to the number of boxes.

Coordinates are in points. The y axis points up, and row 0 is at the bottom. Wires run in the gaps
between rows and in the gutters between columns, so they cross no boxes. Each producer has its own
track in the gaps and gutters.
"""

from collections.abc import Iterator
from itertools import pairwise

from ..context import Scope
from .boxes import Box, Link, View
from .colour import FILLS, FRAME, PALE
from .labels import extent, marked_up, scope_title, shortened
from .lane import PAD, Lane, Slot
from .rows import LEFT, RIGHT, find_columns, find_rows

GAP = 20.0  # the space between rows, excluding the tracks
TRACK = 4.5  # the distance between wires
HEAD = 15.0  # the height of a frame's title
Point = tuple[float, float]  # in points (1/72 inch), with y pointing up
Attributes = dict[str, str]


class Grid:
    """The layout of one view. Creating a Grid sets `place` on the view's boxes.

    `route` returns the path of a wire. `frames` are the frames around time steps. `bounds` is the
    size of the picture.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        find_columns(view)
        self.bands = find_rows(view)
        self.columns = sorted(
            {box.column for box in view.boxes if box.column is not None} - {LEFT, RIGHT}
        )
        self._find_lanes()
        self._find_tracks()
        self._find_heights()
        self._find_places()
        self._find_paths()

    # ---- columns ----

    def _find_lanes(self) -> None:
        """Assign columns to lanes.

        All columns of drawn steps share one lane, and all columns of folded steps share another.
        The columns to the left and right of the steps have separate lanes.
        """
        left, right, fold, step = lanes = Lane(), Lane(), Lane(), Lane()
        opened = {box.column for box in self.view.boxes if not box.is_leaf and box.kind != "fold"}
        self.lanes: dict[int | None, Lane] = {
            column: step if column in opened else fold for column in self.columns
        }
        self.lanes |= {LEFT: left, RIGHT: right}
        self.slots: dict[Box, Slot] = {}
        for box in self.view.boxes:
            slot = self.lanes[box.column].slots.setdefault(box.key, Slot(box.row))
            self.slots[box] = slot
            slot.width = max(slot.width, box.size[0])
        self.passed: dict[tuple[Slot, Slot], list[Slot]] = {}
        for link in self.view.links:
            lane = self.lanes[link.head.column]
            tail, head = self.slots[link.tail], self.slots[link.head]
            if link.tail.column == link.head.column and (tail, head) not in self.passed:
                # These slots reserve space for the wire in each row that it crosses in its column.
                passed = [Slot(row) for row in range(tail.row + 1, head.row)]
                lane.slots |= {(tail, head, slot.row): slot for slot in passed}
                self.passed[tail, head] = passed
                lane.edges |= dict.fromkeys(pairwise([tail, *passed, head]))
        for lane in lanes:
            lane.arrange()

    def _find_places(self) -> None:
        gutter = 2 * PAD + 12 + TRACK * len(self.risers)
        self.left: dict[int | None, float] = {}
        x = 0.0
        for column in (LEFT, *self.columns, RIGHT):
            self.left[column] = x
            if self.lanes[column].slots:
                x += self.lanes[column].width + gutter
        self.width = x - gutter
        for box in self.view.boxes:
            box.place = (self.left[box.column] + self.slots[box].x, self.y[box.row])

    # ---- wires ----

    def _find_tracks(self) -> None:
        """Assign each producer its tracks in the gaps and gutters."""
        self.tracks: dict[int, dict[Slot, int]] = {}
        self.risers: dict[Slot, int] = {}
        for link in self.view.links:
            if _rises(link):
                continue
            slot, gaps = self.slots[link.tail], _gaps(link)
            for gap in gaps:
                tracks = self.tracks.setdefault(gap, {})
                tracks.setdefault(slot, len(tracks))
            if len(gaps) > 1:
                self.risers.setdefault(slot, len(self.risers))

    def _find_heights(self) -> None:
        """Compute the y coordinates of the rows and of the gaps between them."""
        starts = {first for first, _ in self.bands.values()}
        ends = {last for _, last in self.bands.values()}
        cuts = {link.tail.row for link in self.view.links if link.kind == "cut"}
        self.heights = dict.fromkeys(range(max(box.row for box in self.view.boxes) + 1), 20.0)
        for box in self.view.boxes:
            self.heights[box.row] = max(self.heights[box.row], box.size[1])
        y = 0.0
        self.gaps: dict[int, Point] = {}
        self.y: dict[int, float] = {}
        for row in range(-1, len(self.heights)):
            if row >= 0:
                self.y[row] = y + self.heights[row] / 2
                y += self.heights[row]
            # Leave room for a band's frame and for its titles, which are just above its last row.
            low = y + (HEAD + 2 * PAD if row in ends else 2.0)
            high = low + GAP + TRACK * len(self.tracks.get(row, ()))
            self.gaps[row] = (low, high)
            y = high + (10.0 if row in cuts else 0.0) + (2 * PAD + 5 if row + 1 in starts else 2.0)
        self.height = y

    def _find_paths(self) -> None:
        """Compute the wires' paths.

        Wires enter a box from below, side by side, in the left-to-right order of their origins.
        """
        stems = {link: self._stem(link) for link in self.view.links}
        arriving: dict[Box, list[Link]] = {}
        for link in self.view.links:
            arriving.setdefault(link.head, []).append(link)
        self.paths: dict[Link, list[Point]] = dict.fromkeys(self.view.links, [])
        for box, links in arriving.items():
            x, y = box.place
            room = box.size[0] * (0.55 if box.kind == "gate" else 0.7)
            links.sort(key=lambda link: (stems[link][-1][0], link.kind != "data"))
            for number, link in enumerate(links):
                port = x + room * ((number + 0.5) / len(links) - 0.5)
                stem = stems[link]
                turn = [] if _rises(link) else [(port, stem[-1][1])]
                self.paths[link] = [*stem, *turn, (port, y - box.size[1] / 2)]

    def _stem(self, link: Link) -> list[Point]:
        """Return the points of a wire's path up to its last turn before the head."""
        x, y = link.tail.place
        start = (x, y + link.tail.size[1] / 2)
        tail, head = self.slots[link.tail], self.slots[link.head]
        left = self.left[link.head.column]
        if _rises(link):
            stem = [start]
            for slot in self.passed[tail, head]:
                middle, half = self.y[slot.row], self.heights[slot.row] / 2
                stem += [(left + slot.x, middle - half), (left + slot.x, middle + half)]
            return stem
        levels = []
        for gap in _gaps(link):
            low, high = self.gaps[gap]
            tracks = self.tracks[gap]
            levels.append(low + (high - low) * (tracks[tail] + 1) / (len(tracks) + 1))
        if len(levels) == 1:
            return [start, (x, levels[0])]
        up = self._gutter_x(link)
        return [start, (x, levels[0]), *((up, level) for level in levels)]

    def _gutter_x(self, link: Link) -> float:
        """Return the x coordinate of a wire's track in the gutter next to the head's column."""
        tail, head = link.tail.column, link.head.column
        assert tail is not None and head is not None
        offset = PAD + 6 + TRACK * self.risers[self.slots[link.tail]]
        if tail == LEFT and head != LEFT:
            return self.left[self.columns[0]] - offset
        if tail > head:
            return self.left[head] + self.lanes[head].width + offset
        return self.left[head] - offset

    def has_label(self, link: Link) -> bool:
        """Return whether a wire shows its label.

        Only one wire of each cut shows a label. All other labels name time steps, which the columns
        already show.
        """
        return (
            link.kind == "cut"
            and next(other for other in self.view.links if other.label == link.label) is link
        )

    def route(self, link: Link) -> Attributes:
        """Return an edge's `pos`, a Bezier curve of straight segments, and its label's position."""
        *path, tip = self.paths[link]
        path.append((tip[0], tip[1] - 6))  # the arrowhead covers the last 6 points
        curve = [path[0]]
        for start, end in pairwise(path):
            curve += [start, end, end]
        values = {"pos": f"e,{point(tip)} " + " ".join(map(point, curve))}
        if self.has_label(link):
            (x0, y), (x1, _) = path[1], path[min(2, len(path) - 1)]
            if len(path) > 2:
                y = self.gaps[link.tail.row][1] + 4
            values["lp"] = point(((x0 + x1) / 2, y))
        return values

    # ---- frames and the rest ----

    @property
    def frames(self) -> Iterator[tuple[Attributes, Attributes]]:
        """The attributes of each frame and its title. Unrolls and time steps have frames."""
        cells: dict[tuple[Scope | None, int | None], list[Box]] = {}
        for box in self.view.boxes:
            if not box.is_leaf:
                cells.setdefault((box.band, box.column), []).append(box)
        for band, (first, last) in self.bands.items():
            low = self.y[first] - self.heights[first] / 2 - PAD
            high = self.y[last] + self.heights[last] / 2 + PAD + HEAD - 4
            left = self.left[self.columns[0]] - PAD - 4
            right = self.left[self.columns[-1]] + self.lanes[self.columns[-1]].width + PAD + 4
            yield _frame(band or ("time",), (left, low - 5), (right, high + HEAD))
            for column in self.columns:
                gates = cells.get((band, column), [])
                scope = max((box.scope for box in gates), key=len, default=band)[: len(band) + 1]
                if scope == band:  # a single box represents the step or several steps
                    continue
                pale = all(box.starved for box in gates)
                left = self.left[column] - PAD
                right = self.left[column] + self.lanes[column].width + PAD
                yield _frame(scope, (left, low), (right, high), pale, FILLS[0])

    @property
    def longest(self) -> float:
        """The longer side of the picture, in points."""
        return max(self.width, self.height)

    @property
    def bounds(self) -> str:
        """The bounding box in Graphviz's format."""
        return f"{point((-PAD - 8, 0.0))},{point((self.width + PAD + 8, self.height + 4))}"

    def caption(self, size: Point) -> Attributes:
        """Return attributes that place a caption of this size below the lower left corner."""
        place = (size[0] / 2 - PAD, -8 - size[1] / 2)
        return {
            "lp": point(place),
            "lwidth": f"{size[0] / 72:.2f}",
            "lheight": f"{size[1] / 72:.2f}",
        }


def point(place: Point) -> str:
    """Format a point as Graphviz does."""
    return f"{place[0]:.2f},{place[1]:.2f}"


def _rises(link: Link) -> bool:
    """Return whether a wire goes up within a single column."""
    return link.tail.column == link.head.column and link.tail.row < link.head.row


def _gaps(link: Link) -> list[int]:
    """Return the gaps that a wire runs along: the gap above its tail and the gap below its head.

    The list has one element if they are the same gap.
    """
    return list(dict.fromkeys([link.tail.row, link.head.row - 1]))


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
    color, ink = (PALE["color"], PALE["fontcolor"]) if pale else (FRAME, None)
    frame = {"style": "rounded,filled", "color": color, "fillcolor": fill, "tooltip": tooltip}
    frame["bb"] = f"{point(low)},{point(high)}"
    title = {
        "label": marked_up(name, ink),
        "shape": "box",
        "style": "filled",
        "color": fill,
        "fillcolor": fill,
    }
    title |= {
        "width": f"{width / 72:.3f}",
        "height": f"{height / 72:.3f}",
        "fixedsize": "true",
        "tooltip": tooltip,
    }
    title["pos"] = point((low[0] + 11 + width / 2, high[1] - height / 2 - 2))
    return frame, title
