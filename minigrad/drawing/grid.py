"""The layout of an unrolled picture: a column for each time step, a band of rows for each layer, wires in between.

Graphviz can lay out such graphs too, but not in columns, and beyond a few hundred boxes it is too slow. Here rows and
offsets are found once for all steps that are built alike, and each column is a copy; the work grows with the boxes.

Coordinates are in points, with y upwards; row 0 is the lowest. Wires run in the gaps between rows and the gutters
between columns, so they cross no box. Each producer has its own track there.
"""

from collections.abc import Iterator
from itertools import pairwise

from ..context import Scope
from .boxes import Box, Link, View
from .labels import extent, marked_up, scope_title, shortened
from .lane import PAD, Lane, Slot
from .points import Point, label_at, point, rounded, swinging
from .rows import LEFT, RIGHT, find_columns, find_rows

GAP = 20.0  # between rows, without the tracks
TRACK = 4.5  # between wires
HEAD = 15.0  # for a frame's name
FILLS = ("#EFEFEF", "#F7F7F7")  # of frames, by their depth
Wires = list[tuple[Point, Point]]


class Grid:
    """The layout of one view, whose boxes get their places. `route`, `frames` and `bounds` give the rest."""

    def __init__(self, view: View) -> None:
        self.view = view
        find_columns(view)
        self.bands = find_rows(view)
        self.columns = sorted({box.column for box in view.boxes if box.column is not None} - {LEFT, RIGHT})
        self._find_lanes()
        self._find_tracks()
        self._find_heights()
        self._find_places()
        self._find_paths()

    # ---- columns ----

    def _find_lanes(self) -> None:
        """One lane for all columns of steps, one for those of folded steps, one each for the columns left and right."""
        left, right, fold, step = lanes = Lane(), Lane(), Lane(), Lane()
        opened = {box.column for box in self.view.boxes if not box.is_leaf and box.kind != "fold"}
        self.lanes: dict[int | None, Lane] = {column: step if column in opened else fold for column in self.columns}
        self.lanes |= {LEFT: left, RIGHT: right}
        self.slots: dict[Box, Slot] = {}
        spans: dict[Scope, list[int]] = {}
        for box in self.view.boxes:
            slot = self.lanes[box.column].slots.setdefault(box.key, Slot(box.row))
            self.slots[box] = slot
            slot.width = max(slot.width, box.size[0])
            slot.frames = _frames_of(box)
            for frame in slot.frames:
                spans.setdefault(frame, []).append(box.row)
        self.passed: dict[tuple[Slot, Slot], list[Slot]] = {}
        for link in self.view.links:
            lane, tail, head = self.lanes[link.head.column], self.slots[link.tail], self.slots[link.head]
            if link.tail.column == link.head.column:
                if (tail, head) not in self.passed:
                    passed = self._pass(lane, tail, head, spans)
                    self.passed[tail, head] = passed
                    lane.edges |= dict.fromkeys(pairwise([tail, *passed, head]))
            elif link.kind != "data" and lane is self.lanes[link.tail.column]:
                head.lean = -3.0
                tail.lean = tail.lean or 1.0
        for lane in lanes:
            lane.arrange()

    def _pass(self, lane: Lane, tail: Slot, head: Slot, spans: dict[Scope, list[int]]) -> list[Slot]:
        """Slots that reserve space in each row that a wire within a column passes."""
        passed = []
        for row in range(tail.row + 1, head.row):
            slot = lane.slots[tail, head, row] = Slot(row)
            for frames in (tail.frames, head.frames):  # within a frame, as far as it reaches
                crossed = [frame for frame in frames if min(spans[frame]) <= row <= max(spans[frame])]
                slot.frames = tuple(crossed) or slot.frames
            passed.append(slot)
        return passed

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
        """Give producers their tracks in the gaps and gutters."""
        self.tracks: dict[int, dict[Slot, int]] = {}
        self.risers: dict[Slot, int] = {}
        for link in self.view.links:
            if _rises(link):
                continue
            slot = self.slots[link.tail]
            for gap in _gaps(link):
                tracks = self.tracks.setdefault(gap, {})
                tracks.setdefault(slot, len(tracks))
            if not self._has_riser(link):
                self.risers.setdefault(slot, len(self.risers))

    def _has_riser(self, link: Link) -> bool:
        """Whether a wire can go straight up in the head's column, past rows in between, or else takes the gutter."""
        low, high = link.tail.row, link.head.row - 1
        if low == high:
            return True
        if low > high or link.tail.column == LEFT:
            return False  # wires from the left run below the steps, not through them
        x = self.slots[link.head].x
        between = (slot for slot in self.lanes[link.head.column].slots.values() if low < slot.row <= high)
        return all(abs(x - slot.x) >= slot.width / 2 + 4 for slot in between)

    def _find_heights(self) -> None:
        """The y coordinates of rows and of the gaps between them."""
        starts = {first for first, _ in self.bands.values()}
        ends = {last for _, last in self.bands.values()}
        cuts = {link.tail.row for link in self.view.links if link.kind == "cut"}
        self.heights = dict.fromkeys(range(max(box.row for box in self.view.boxes) + 1), 20.0)
        for box in self.view.boxes:
            self.heights[box.row] = max(self.heights[box.row], box.size[1])
        self.above: dict[int, float] = {}
        self.below: dict[int, float] = {}
        for lane in self.lanes.values():
            for frame in lane.frames:
                self.above[frame.last] = max(self.above.get(frame.last, 0.0), frame.above * HEAD)
                self.below[frame.first] = max(self.below.get(frame.first, 0.0), frame.below * PAD)
        y = 0.0
        self.gaps: dict[int, Point] = {}
        self.y: dict[int, float] = {}
        for row in range(-1, len(self.heights)):
            if row >= 0:
                y += self.below.get(row, 0.0)
                self.y[row] = y + self.heights[row] / 2
                y += self.heights[row] + self.above.get(row, 0.0)
            # Wires keep clear of a band's frame, and of its names, which stand just above its last row.
            low = y + (HEAD + 2 * PAD if row in ends else 2.0)
            high = low + GAP + TRACK * len(self.tracks.get(row, ()))
            self.gaps[row] = (low, high)
            y = high + (10.0 if row in cuts else 0.0) + (2 * PAD + 5 if row + 1 in starts else 2.0)
        self.height = y

    def _find_paths(self) -> None:
        """The wires, which enter the lower side of a box side by side, ordered by where they come from."""
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
        """A wire until it turns towards its head."""
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
        up = left + head.x if self._has_riser(link) else self._gutter_x(link)
        return [start, (x, levels[0]), *((up, level) for level in levels)]

    def _gutter_x(self, link: Link) -> float:
        """The x coordinate of the producer's track in the gutter that the wire takes, beside the head's column."""
        tail, head = link.tail.column, link.head.column
        assert tail is not None and head is not None
        offset = PAD + 6 + TRACK * self.risers[self.slots[link.tail]]
        if tail == LEFT and head != LEFT:
            return self.left[self.columns[0]] - offset
        if tail > head:
            return self.left[head] + self.lanes[head].width + offset
        return self.left[head] - offset

    def has_label(self, link: Link) -> bool:
        """Whether a wire shows its label: one wire of each cut does. For the rest, the columns show the time steps."""
        return link.kind == "cut" and next(other for other in self.view.links if other.label == link.label) is link

    def route(self, link: Link) -> dict[str, str]:
        """The `pos` of an edge: a curve within a column, otherwise straight lines with rounded corners."""
        *path, tip = self.paths[link]
        path.append((tip[0], tip[1] - 6))  # the arrow head covers the rest
        points = swinging(path) if _rises(link) else rounded(path)
        values = {"pos": f"e,{point(tip)} " + " ".join(map(point, points))}
        if self.has_label(link):
            (x0, y), (x1, _) = path[1], path[min(2, len(path) - 1)]
            if len(path) > 2:
                y = self.gaps[link.tail.row][1] + 4
            values["lp"] = point(((x0 + x1) / 2, y))
        return values

    # ---- frames and the rest ----

    @property
    def frames(self) -> Iterator[dict[str, str]]:
        """The attributes of the frames: of unrolls, of their time steps, and of scopes within a step."""
        everywhere: Wires = []
        wires: dict[int | None, Wires] = {}
        for link, path in self.paths.items():
            for column in {link.tail.column, link.head.column}:
                wires.setdefault(column, []).extend(pairwise(path))
                everywhere += pairwise(path)
        cells: dict[tuple[Scope | None, int | None], list[Box]] = {}
        for box in self.view.boxes:
            cells.setdefault((box.band, box.column), []).append(box)
        for band, (first, last) in self.bands.items():
            low, high = self._bottom(first) - PAD, self._top(last) + PAD + HEAD - 4
            left = self.left[self.columns[0]] - PAD - 4
            right = self.left[self.columns[-1]] + self.lanes[self.columns[-1]].width + PAD + 4
            name = "/".join(band) or "time"
            yield _frame(band, name, (left, low - 5), (right, high + HEAD), everywhere)
            for column in self.columns:
                inside = cells.get((band, column), [])
                gates = [box for box in inside if not box.is_leaf]
                scope = max((box.scope for box in gates), key=len, default=band)[: len(band) + 1]
                if scope == band:  # a single box for the step, or for several
                    continue
                pale = all(box.starved for box in gates)
                left, lane, near = self.left[column], self.lanes[column], wires[column]
                corners = (left - PAD, low), (left + lane.width + PAD, high)
                yield _frame(scope, scope[-1], *corners, near, pale, FILLS[0])
                framed = {frame for box in inside for frame in self.slots[box].frames}
                for frame in lane.frames:
                    if frame.name in framed:
                        start = (left + frame.left, self._bottom(frame.first, frame.below))
                        end = (left + frame.left + frame.width, self._top(frame.last, frame.above))
                        inner = frame.name[len(band) :]
                        fill = FILLS[len(inner) % 2]
                        yield _frame((*scope, *inner), inner[-1], start, end, near, pale, fill)

    def _top(self, row: int, frames: int | None = None) -> float:
        """The upper side of a row and of so many frames within steps, or of all."""
        room = self.above.get(row, 0.0) if frames is None else frames * HEAD
        return self.y[row] + self.heights[row] / 2 + room

    def _bottom(self, row: int, frames: int | None = None) -> float:
        room = self.below.get(row, 0.0) if frames is None else frames * PAD
        return self.y[row] - self.heights[row] / 2 - room

    @property
    def longest(self) -> float:
        """The longer side of the picture, in points."""
        return max(self.width, self.height)

    @property
    def bounds(self) -> str:
        """The bounding box."""
        return f"{point((-PAD - 8, 0.0))},{point((self.width + PAD + 8, self.height + 4))}"

    def caption(self, size: Point) -> dict[str, str]:
        """Attributes that put the caption below the lower left."""
        return label_at((size[0] / 2 - PAD, -8 - size[1] / 2), size)

    def corner(self) -> dict[str, str]:
        """Attributes that put the colour scale above the upper left."""
        return {"pos": point((110.0, self.height + 24)), "width": "3.2", "height": "0.6"}

    def legend(self, widths: list[float], frame: dict[str, str]) -> list[dict[str, str]]:
        """Attributes of the legend's samples, in a row above the picture. Adds the legend's position to `frame`."""
        y, x = self.height + 62, 0.0
        spots = []
        for width in widths:
            spot = {"pos": point((x + width / 2 + 14, y)), "width": f"{(width + 28) / 72:.2f}"}
            spots.append({**spot, "height": "0.36", "fixedsize": "true"})
            x += width + 40
        frame |= {"bb": f"{point((-PAD, y - 20))},{point((x, y + 36))}", **label_at((20.0, y + 27), (36, 11))}
        return spots


def _frames_of(box: Box) -> tuple[Scope, ...]:
    """The frames around a box within its time step, from the outermost inwards; equal for all steps."""
    if box.band is None:
        return ()
    inner = box.scope[len(box.band) + 1 :]
    return tuple((*box.band, *inner[:length]) for length in range(1, len(inner) + 1))


def _rises(link: Link) -> bool:
    """Whether a wire goes up within its own column."""
    return link.tail.column == link.head.column and link.tail.row < link.head.row


def _gaps(link: Link) -> list[int]:
    """The gaps that a wire runs along: the one above its tail and, if different, the one below its head."""
    return list(dict.fromkeys([link.tail.row, link.head.row - 1]))


def _frame(
    scope: Scope, name: str, low: Point, high: Point, wires: Wires, pale: bool = False, fill: str = FILLS[1]
) -> dict[str, str]:
    """The attributes of a frame between two corners.

    Its title is at the first place from the left without a wire, and shorter if there is no such place.
    """
    for shown in (name, *scope[-1:], *(shortened(last, 13) for last in scope[-1:])):
        width, height = extent(scope_title(shown))
        y, x = high[1] - height / 2 - 2, low[0] + 6
        crossing = [
            (min(a[0], b[0]) - 3, max(a[0], b[0]) + 3)
            for a, b in wires
            if min(a[1], b[1]) < y + height / 2 and max(a[1], b[1]) > y - height / 2
        ]
        for begin, end in sorted(crossing):
            if begin < x + width and end > x:
                x = end
        if x + width < high[0]:
            break
    else:
        x = low[0] + 6
    return {
        "label": marked_up(scope_title(shown), "#B0B0B0" if pale else None),
        "style": "rounded,filled",
        "color": "#CFCFCF" if pale else "#9A9A9A",
        "fillcolor": "#F9F9F9" if pale else fill,
        "tooltip": shortened("/".join(scope), 400),
        "bb": f"{point(low)},{point(high)}",
        **label_at((x + width / 2, y), (width, height)),
    }
